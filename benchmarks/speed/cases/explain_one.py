"""One customer's explanation in money, as the service gives it: CDNOW, 39 weeks ahead."""

from typing import Any

from case import Case, Side, Target, cpu, seconds
from clock import Clock
from places import data_file

__all__ = ["CASES"]

N_CUSTOMERS = 40
# As many as the service compares one with.
N_COMPARED = 250


def _explain(model: str, clock: Clock) -> dict[str, Any]:
    from datetime import date

    from patronage.events import read_events
    from patronage.horizon import Horizon
    from patronage.models.catalog import make_model
    from patronage.scoring import Scoring, explain
    from patronage.snapshots import take_snapshot
    from patronage.value import Economics

    log = read_events(data_file("cdnow.csv"), currency="USD").compact()
    snapshot = take_snapshot(log, as_of=date(1997, 10, 1))
    horizon = Horizon(39, "week")
    fitted = make_model(model).fit(snapshot, horizon, seed=0)
    scoring = Scoring(fitted, horizon, Economics(0.3, 0.1), model)
    known = snapshot.with_features(fitted.features)

    compared, some = known.spread(N_COMPARED), known.spread(N_CUSTOMERS)
    worst = 0.0
    for k in range(N_CUSTOMERS):
        one = some.take(slice(k, k + 1))
        with clock("work"):
            found = explain(one, scoring, reference=compared)
        ((_, base, clv),) = found.totals.iter_rows()
        worst = max(worst, abs(base + float(found.parts["contribution"].sum()) - clv))
    return {"compared with": found.compared_with, "largest gap of a sum": worst}


CASES = {
    f"explain-one-{model}": Case(
        title=f"one customer's explanation on CDNOW: {model}",
        needs=("cdnow.csv",),
        sides={"patronage": Side(lambda clock, model=model: _explain(model, clock), rounds=1)},
        targets=(
            Target("s", seconds(), at_most=0.03),
            Target("CPU seconds", cpu()),
        ),
    )
    for model in ("vote", "hurdle_lightgbm", "bg_nbd", "pareto_nbd")
}
