"""The demo: a simulated shop, read, forecast and reported as a user's own file would be."""

from pathlib import Path

from patronage.datasets import SimulationSettings, simulate
from patronage.events import read_events
from patronage.horizon import Horizon
from patronage.jobs.folders import make_folder
from patronage.jobs.progress import Progress, silent
from patronage.jobs.run import RunResult, run
from patronage.jobs.settings import RunSettings

__all__ = ["demo"]


def demo(out: Path, *, seed: int = 0, run_id: str = "", progress: Progress = silent) -> RunResult:
    """Write the sample into `out`/sample and the results into `out`."""
    progress("simulating a shop", 0.0)
    sample = make_folder(out / "sample")
    simulate(SimulationSettings(), seed=seed).write(sample, format="csv")
    progress("simulating a shop", 1.0)
    log = read_events(
        str(sample / "events.csv"),
        currency="USD",
        customers=sample / "customers.csv",
        products=sample / "products.csv",
        links=sample / "links.csv",
        calendar=sample / "calendar.csv",
    )
    settings = RunSettings(horizon=Horizon(26, "week"), margin=0.4, seed=seed)
    return run(log, out, settings, run_id=run_id, title="A simulated shop", progress=progress)
