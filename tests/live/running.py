"""What `patronage run` leaves behind to be served."""

from dataclasses import replace
from datetime import date
from pathlib import Path

from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.live.workspace import Workspace, write_workspace
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.catalog import make_model
from patronage.models.encoders.covariates import Covariates
from patronage.models.ensembles.newcomer_blend import NewcomerBlend
from patronage.registry import Artifact, load_artifact, save_artifact
from patronage.scoring import score, scoring_of
from patronage.snapshots import take_snapshot
from patronage.value import Economics

RUN = date(2025, 11, 1)

# Of one earlier day, for the sake of time.
BLEND = NewcomerBlend(ParetoNBD(), n_folds_max=1)
FIRST = ParetoNBD(covariates=Covariates("payment_method + quantity"))
OWN = {"newcomer_blend": BLEND, "of_the_first_purchase": FIRST}


def a_run(log: EventLog, name: str, folder: Path) -> Workspace:
    """What `patronage run` leaves of the past, with this model."""
    snapshot, horizon = take_snapshot(log.before(RUN).compact(), as_of=RUN), Horizon(13, "week")
    fitted = (OWN.get(name) or make_model(name)).fit(snapshot, horizon)
    save_artifact(Artifact(name, fitted, horizon, RUN, "EUR"), folder / "models" / name)
    kept = load_artifact(folder / "models" / name)
    ready = snapshot.with_features(kept.fitted.features)
    scores = score(ready, scoring_of(kept, Economics()))
    # Why the whole tables: profiles and links are known at their own time, as at intake.
    whole = replace(snapshot, events=replace(snapshot.events, tables=log.tables))
    return write_workspace(folder, folder / "models" / name, whole, Economics(), scores)
