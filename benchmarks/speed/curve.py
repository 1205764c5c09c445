"""The curve of customers against seconds, for every purchase model and every peer that has it.

    make bench ARGS=curve [MODEL …]      or: python benchmarks/speed/curve.py --most 1000000

Histories in whole days are drawn from each model itself. A fit that took long is not tried
on more customers. One process per system and model; the first, small fit warms it up.
Writes curve.csv, curve.png and CURVE.md beside this file.
"""

import argparse
import csv
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from machine import describe, now
from places import CACHE, RESULTS, python_of

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
LIMIT = 60.0
SYSTEMS = {"patronage": "patronage", "lifetimes": "lifetimes", "pymc": "pymc"}
# In days, near the estimates on CDNOW; of bg_bb per opportunity, of the regular ones as on grocery.
TRUTH = {
    "nbd": (0.38, 85.0),
    "pareto_nbd": (0.553, 74.0, 0.606, 81.7),
    "bg_nbd": (0.243, 30.9, 0.793, 2.426),
    "mbg_nbd": (0.525, 43.3, 0.891, 1.614),
    "bg_cnbd_k": (0.9, 30.0, 0.8, 2.5),
    "mbg_cnbd_k": (0.9, 30.0, 0.8, 2.5),
    "ggompertz_nbd": (0.553, 74.0, 0.02, 0.6, 1.2),
    "pareto_ggg": (1.7, 0.4, 0.95, 37.0, 0.43, 30.0),
    "bg_bb": (1.2, 0.75, 0.66, 2.78),
}
PEERS = {
    "lifetimes": {
        "pareto_nbd": "ParetoNBDFitter",
        "bg_nbd": "BetaGeoFitter",
        "mbg_nbd": "ModifiedBetaGeoFitter",
        "bg_bb": "BetaGeoBetaBinomFitter",
    },
    "pymc": {
        "pareto_nbd": "ParetoNBDModel",
        "bg_nbd": "BetaGeoModel",
        "mbg_nbd": "ModifiedBetaGeoModel",
        "bg_bb": "BetaGeoBetaBinomModel",
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="names in the catalogue; all by default")
    parser.add_argument("--most", type=int, default=1_000_000, help="customers at most")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        _work(*asked.worker)
        return
    sizes = [size for size in SIZES if size <= asked.most]
    rows = [row for row in _known() if asked.models and row["model"] not in asked.models]
    for model in asked.models or TRUTH:
        _draw(model, sizes)
        for system, environment in SYSTEMS.items():
            if system != "patronage" and model not in PEERS[system]:
                continue
            rows += _measured(system, environment, model, sizes)
            _write(rows)


def _known() -> list[dict[str, Any]]:
    path = RESULTS / "curve.csv"
    if not path.exists():
        return []
    with path.open() as file:
        return list(csv.DictReader(file))


def _draw(model: str, sizes: list[int]) -> None:
    """Histories of each size, drawn once and kept."""
    missing = [size for size in sizes if not _file(model, size).exists()]
    if not missing:
        return
    import numpy as np
    import polars as pl

    from patronage.models.catalog import make_model

    CACHE.mkdir(parents=True, exist_ok=True)
    settings: Any = make_model(model)
    for size in missing:
        rng = np.random.default_rng(size)
        # Six opportunities, a month apart.
        T = np.full(size, 183.0) if model == "bg_bb" else np.rint(rng.uniform(189, 273, size))
        table = settings.process.simulate(TRUTH[model], T, rng)
        columns = dict(zip(("x", "t_x", "T", "log_gaps"), table.columns, strict=False))
        if model != "bg_bb":
            columns["t_x"] = np.minimum(np.ceil(columns["t_x"]), columns["T"])
        pl.DataFrame(columns).write_parquet(_file(model, size))


def _file(model: str, size: int) -> Path:
    return CACHE / f"curve_{model}_{size}.parquet"


def _measured(system: str, environment: str, model: str, sizes: list[int]) -> list[dict[str, Any]]:
    command = [python_of(environment), __file__, "--worker", system, model]
    done = subprocess.run(
        [*command, json.dumps(sizes)], capture_output=True, text=True, check=False
    )
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode:
        print(f"{system} {model}: {done.stderr.strip().splitlines()[-1:]}")
    for row in found:
        print(f"{system:10} {model:14} {row['customers']:>10,} {row['seconds']:8.3f} s", flush=True)
    return [{"model": model, "system": system, **row} for row in found]


def _work(system: str, model: str, sizes: str) -> None:
    """In the environment of the system: fit each size, smallest first, while it is quick enough."""
    import warnings

    warnings.filterwarnings("ignore")
    fit = _patronage(model) if system == "patronage" else _peer(system, model)
    fit(_file(model, SIZES[0]), 0.0)
    for size in json.loads(sizes):
        wall, cpu = fit(_file(model, size), 1.0)
        print(json.dumps({"customers": size, "seconds": wall, "cpu_seconds": cpu}), flush=True)
        # The next is ten times as many.
        if 8 * wall > 2 * LIMIT:
            break


def _timed(work: Any, at_least: float) -> tuple[float, float]:
    """Wall and CPU seconds; the quickest of repetitions that take `at_least` seconds in all."""
    walls, cpus = [], []
    while not walls or (sum(walls) < at_least and len(walls) < 5):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus)


def _patronage(model: str) -> Any:
    import numpy as np
    import polars as pl

    from patronage.models.catalog import make_model
    from patronage.snapshots import RFM

    settings: Any = make_model(model)

    def fit(file: Path, at_least: float) -> tuple[float, float]:
        table = {
            name: column.to_numpy() for name, column in pl.read_parquet(file).to_dict().items()
        }
        rest = {"log_gaps": table["log_gaps"]} if "log_gaps" in table else {}
        rfm = RFM(np.arange(len(table["x"])), table["x"], table["t_x"], table["T"], **rest)
        return _timed(lambda: settings.fit_rfm(rfm), at_least)

    return fit


def _peer(system: str, model: str) -> Any:
    import pandas as pd

    maker = PEERS[system][model]
    if system == "lifetimes":
        import lifetimes

        def work(table: Any) -> None:
            if model == "bg_bb":
                rows = table.groupby(["x", "t_x", "T"]).size().reset_index(name="w")
                lifetimes.BetaGeoBetaBinomFitter().fit(rows.x, rows.t_x, rows["T"], rows.w)
            else:
                getattr(lifetimes, maker)().fit(table["x"], table["t_x"] / 7, table["T"] / 7)

    else:
        import logging

        logging.disable(logging.WARNING)
        from pymc_marketing import clv

        def work(table: Any) -> None:
            unit = 1 if model == "bg_bb" else 7
            rows = pd.DataFrame(
                {
                    "customer_id": range(len(table)),
                    "frequency": table["x"],
                    "recency": table["t_x"] / unit,
                    "T": table["T"] / unit,
                }
            )
            getattr(clv, maker)().fit(rows, method="map", progressbar=False)

    return lambda file, at_least: _timed(lambda: work(pd.read_parquet(file)), at_least)


def _write(rows: list[dict[str, Any]]) -> None:
    with (RESULTS / "curve.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["model", "system", "customers", "seconds", "cpu_seconds"])
        writer.writeheader()
        writer.writerows(rows)
    (RESULTS / "CURVE.md").write_text(_page(rows))
    _picture(rows)


def _page(rows: list[dict[str, Any]]) -> str:
    sizes = sorted({int(row["customers"]) for row in rows})
    lines = [
        "# Customers against seconds",
        "",
        "`make bench ARGS=curve`: fit in a warm process, compaction and standard errors counted, "
        "of histories in whole days drawn from the model itself; "
        "lifetimes and pymc-marketing (MAP) "
        f"beside it where they have the model. {now()}; {describe()}. An empty cell was "
        "not tried, as it would take minutes.",
        "",
        "![Seconds of a fit against customers, a panel for each model](curve.png)",
        "",
        "| model | system | " + " | ".join(f"{size:,}" for size in sizes) + " |",
        "|---|---|" + "---:|" * len(sizes),
    ]
    pairs = list(dict.fromkeys((row["model"], row["system"]) for row in rows))
    for model, system in pairs:
        of = {
            int(row["customers"]): float(row["seconds"])
            for row in rows
            if (row["model"], row["system"]) == (model, system)
        }
        cells = [f"{of[size]:.3g} s" if size in of else "" for size in sizes]
        lines.append(f"| {model} | {system} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _picture(rows: list[dict[str, Any]]) -> None:
    import altair as alt
    import polars as pl

    frame = pl.DataFrame(
        [
            {
                "model": row["model"],
                "system": row["system"],
                "customers": int(row["customers"]),
                "seconds": float(row["seconds"]),
            }
            for row in rows
        ]
    )
    base = alt.Chart(frame).encode(
        alt.X("customers", scale=alt.Scale(type="log"), axis=alt.Axis(format="~s", tickCount=5)),
        alt.Y("seconds", scale=alt.Scale(type="log"), axis=alt.Axis(format="~g", tickCount=6)),
        alt.Color("system", scale=alt.Scale(range=["#1f5fbf", "#d1702a", "#777777"])),
    )
    chart = (base.mark_line() + base.mark_point(filled=True, size=35)).properties(
        width=190, height=150
    )
    chart.facet(alt.Facet("model", title=None), columns=3).save(
        RESULTS / "curve.png", scale_factor=2
    )


if __name__ == "__main__":
    sys.exit(main())
