"""What every test may use: data, an empty PostgreSQL, a Redis, and how hard laws are tried."""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
WANTING = "for want of "

# Where the public sets lie beside the repository, loaders find them as the fixture below does.
if (_beside := ROOT.parent / "shared" / "data").is_dir():
    os.environ.setdefault("PATRONAGE_DATA", str(_beside))

# Why no deadline: the first example pays for imports, and test machines are shared.
_always = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("fast", max_examples=5, **_always)
settings.register_profile("ci", max_examples=50, derandomize=True, print_blob=True, **_always)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of public data sets, one folder each; never part of the repository."""
    folder = Path(os.environ.get("PATRONAGE_DATA", "nowhere"))
    if not folder.is_dir():
        pytest.skip(f"{WANTING}data: set PATRONAGE_DATA to the folder of public data sets")
    return folder


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The address of an empty PostgreSQL database, dropped after the test."""
    server = os.environ.get("PATRONAGE_TEST_POSTGRES")
    if not server:
        pytest.skip(f"{WANTING}PostgreSQL: run `make test`, or set PATRONAGE_TEST_POSTGRES")
    psycopg = pytest.importorskip("psycopg", reason=f"{WANTING}psycopg, of the extra sql")
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield server.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def redis_url() -> str:
    """The address of a Redis; tests keep apart by the prefixes of their keys."""
    server = os.environ.get("PATRONAGE_TEST_REDIS")
    if not server:
        pytest.skip(f"{WANTING}Redis: run `make test`, or set PATRONAGE_TEST_REDIS")
    pytest.importorskip("redis", reason=f"{WANTING}redis, of the extra live")
    return server


@pytest.fixture(scope="session")
def java() -> None:
    """Spark can be started."""
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=f"{home}/bin" if home else None) is None:
        pytest.skip(f"{WANTING}Java: run `make test`, or install openjdk-17-jre-headless")
    pytest.importorskip("pyspark", reason=f"{WANTING}pyspark, of the extra spark")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count and name the tests that were skipped because something was not there."""
    found = []
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[-1] if isinstance(report.longrepr, tuple) else "")
        if WANTING in reason:
            found.append(f"{report.nodeid}: {reason.removeprefix('Skipped: ')}")
    if found:
        terminalreporter.section(f"{len(found)} skipped for want of a service or data")
        for line in sorted(found):
            terminalreporter.line(line)
