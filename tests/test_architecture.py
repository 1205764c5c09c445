"""The rules of the house. To break one, write a decision record and a named exception here."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "patronage"
FILES = sorted(SOURCE.rglob("*.py"))
ROOMS = sorted(
    path.stem
    for path in SOURCE.iterdir()
    if (path / "__init__.py").exists() or path.suffix == ".py"
)
MAX_LINES = 400
NAMELESS = re.compile(r"^(utils?|helpers?|common|misc|shared|core|base_utils)$")
CODE_ON_LOAD = re.compile(r"^\s*(?:import|from)\s+(pickle|cPickle|joblib|dill|cloudpickle|skops)\b")
HEAVY = {
    *("numpy", "scipy", "polars", "duckdb", "pyarrow", "pandas"),
    *("jax", "lightgbm", "altair", "vl_convert", "typer", "rich", "psycopg", "fsspec"),
    *("xgboost", "sklearn", "pyspark", "sqlglot"),
    *("fastapi", "uvicorn", "msgspec", "redis", "pydantic_settings", "argon2", "httpx"),
}
# Loaded only where they are used, whatever door one came in by.
LAZY = {
    *("jax", "lightgbm", "xgboost", "sklearn", "psycopg", "fsspec", "s3fs", "vl_convert"),
    *("pandas", "pyspark", "sqlglot"),
    *("fastapi", "uvicorn", "msgspec", "redis", "pydantic_settings", "argon2", "httpx"),
}


# Package → module, where it is not the same word.
MODULES = {"scikit-learn": "sklearn", "xgboost-cpu": "xgboost", "argon2-cffi": "argon2"}


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules_after(statement: str) -> set[str]:
    names = run_python(f"{statement}\nimport sys; print(*sys.modules)").split()
    return {name.partition(".")[0] for name in names}


def test_every_room_is_on_the_map():
    the_map = (ROOT / "ARCHITECTURE.md").read_text()

    missing = [r for r in ROOMS if r != "__init__" and not re.search(rf"^\s*{r}\b", the_map, re.M)]

    assert not missing, f"give each a line in ARCHITECTURE.md: {missing}"


@pytest.mark.parametrize("tree", ["src", "tests", "scripts"])
def test_no_file_is_longer_than_four_hundred_lines(tree):
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in (ROOT / tree).rglob("*.py")
    }

    assert not {name: n for name, n in lengths.items() if n > MAX_LINES}


def test_no_room_or_file_has_a_name_that_says_nothing():
    names = {part for path in FILES for part in path.relative_to(SOURCE).with_suffix("").parts}

    assert not {name for name in names if NAMELESS.match(name.strip("_"))}


def test_nothing_saved_can_run_code_when_it_is_loaded():
    offenders = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in FILES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if CODE_ON_LOAD.match(line)
    ]

    assert not offenders


def test_importing_the_package_loads_nothing_heavy():
    assert not modules_after("import patronage") & HEAVY


def test_importing_the_package_takes_under_a_tenth_of_a_second():
    code = "import time; t = time.perf_counter(); import patronage; print(time.perf_counter() - t)"

    assert min(float(run_python(code)) for _ in range(3)) < 0.1


def test_the_command_line_loads_optional_packages_only_where_they_are_used():
    assert not modules_after("import patronage.cli") & LAZY


@pytest.mark.slow
def test_a_run_needs_no_package_of_an_extra(tmp_path):
    from patronage.datasets import SimulationSettings, simulate

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [one for some in project["optional-dependencies"].values() for one in some]
    packages = {re.split(r"[\[>=<]", one)[0] for one in wanted} - {"patronage"}
    absent = sorted(MODULES.get(one, one.replace("-", "_")) for one in packages)
    shop = simulate(SimulationSettings(n_customers=150), seed=0)
    shop.events.filter(kind="purchase").write_csv(tmp_path / "orders.csv")
    options = ["--out", str(tmp_path / "out"), "--models", "bg_nbd", "--horizon", "8 weeks"]

    run_python(
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({absent!r}))\n"
        f"sys.argv = {['patronage', 'run', str(tmp_path / 'orders.csv'), *options]!r}\n"
        "from patronage.cli import main\n"
        "main()"
    )

    assert (tmp_path / "out" / "scores.parquet").exists()


def test_every_command_has_help_with_an_example():
    from patronage.cli.main import app

    documented = {
        c.name: (c.callback and c.callback.__doc__) or "" for c in app.registered_commands
    }

    assert not [name for name, text in documented.items() if "\n    Example: patronage" not in text]


def test_the_reference_pages_name_every_model_and_command():
    check = [sys.executable, "scripts/write_reference.py", "--check"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_layers_hold():
    linter = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(
        [*linter, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
