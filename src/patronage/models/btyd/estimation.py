"""Fit the purchases and the spend of the customers who have begun to buy."""

from dataclasses import replace

import numpy as np

from patronage.errors import EventSchemaError, NotEnoughDataError
from patronage.models.btyd.gamma_gamma import FittedGammaGamma, GammaGamma
from patronage.models.fitting.compaction import compact
from patronage.models.fitting.maximum_likelihood import maximum_likelihood
from patronage.models.fitting.report import FitReport
from patronage.models.likelihoods.base import Likelihood
from patronage.models.likelihoods.histories import Histories
from patronage.snapshots import RFM, Snapshot

__all__ = ["buyers", "fit_purchases", "fit_spend", "fit_spend_rfm", "histories_of"]


def buyers(snapshot: Snapshot) -> RFM:
    """The customers with a purchase: those who have begun the process."""
    return snapshot.rfm().take(snapshot.customers["is_buyer"].to_numpy())


def fit_spend(spend: GammaGamma | None, snapshot: Snapshot) -> FittedGammaGamma | None:
    """Fit the spend of purchases; None where the log has no money, and every purchase counts 1."""
    if spend is None or snapshot.events.currency == "purchases":
        return None
    return spend.fit_rfm(buyers(snapshot))


def fit_spend_rfm(spend: GammaGamma | None, rfm: RFM) -> FittedGammaGamma | None:
    """Fit the spend of purchases; None where the table has no money."""
    return None if spend is None or rfm.monetary_value is None else spend.fit_rfm(rfm)


def fit_purchases(likelihood: Likelihood[Histories], rfm: RFM) -> FitReport:
    """Fit a likelihood of purchase histories to all customers of an RFM table.

    Raises
    ------
    EventSchemaError : a value is not finite, or breaks 0 <= recency <= T
    NotEnoughDataError : there are no customers, or none was observed for any time
    """
    if len(rfm) == 0:
        raise NotEnoughDataError(
            "there is no customer with a purchase.\n"
            "To mend: check the kinds and amounts of the events, or choose a later as_of."
        )
    histories = histories_of(rfm)
    report = maximum_likelihood(likelihood, compact(histories).histories)
    if histories.unit_power == 0:
        sentence = (
            "nobody has bought a second time: rates and dropout cannot be told apart, and nearly "
            "no purchases are expected; wait for repeat purchases, or use a baseline"
        )
        return replace(report, warnings=(sentence, *report.warnings))
    return report


def histories_of(rfm: RFM) -> Histories:
    """The histories of an RFM table, checked."""
    x, t_x, T, weight = rfm.frequency, rfm.recency, rfm.T, rfm.weights
    sound = bool(np.isfinite(x.sum() + t_x.sum() + T.sum() + weight.sum()))
    if not (sound and x.min(initial=0) >= 0 and t_x.min(initial=0) >= 0 and (t_x <= T).all()):
        broken = ~((x >= 0) & (t_x >= 0) & (t_x <= T * (1 + 1e-12)) & np.isfinite(x + T + weight))
        if broken.any():
            row = int(np.flatnonzero(broken)[0])
            raise EventSchemaError(
                f"{int(broken.sum())} of {len(rfm)} RFM rows are not histories; the first is row "
                f"{row}: frequency {x[row]:g}, recency {t_x[row]:g}, T {T[row]:g} (days).\n"
                "To mend: all must be finite, with 0 <= recency <= T; see RFM.from_frame."
            )
        t_x = np.minimum(t_x, T)
    return Histories(x, t_x, T, weight)
