"""Degenerate histories: a finite, usable answer that says what is doubtful, or a clear error."""

from typing import Any

import numpy as np
import pytest

from patronage.errors import EventSchemaError, NotEnoughDataError
from patronage.models.btyd.bg_nbd import BGNBD
from patronage.models.btyd.ggompertz_nbd import GGompertzNBD
from patronage.models.btyd.mbg_nbd import MBGNBD
from patronage.models.btyd.nbd import NBD
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.snapshots import RFM

MODELS = {
    "bg_nbd": BGNBD,
    "ggompertz_nbd": GGompertzNBD,
    "mbg_nbd": MBGNBD,
    "nbd": NBD,
    "pareto_nbd": ParetoNBD,
}
EDGES = np.array([0.0, 273.0])


def rfm(x: Any, t_x: Any, T: Any) -> RFM:
    x, t_x, T = np.broadcast_arrays(*(np.asarray(c, dtype=float) for c in (x, t_x, T)))
    x, t_x, T = x.copy(), t_x.copy(), T.copy()
    return RFM(np.arange(len(x)), x, t_x, T)


def shop(n: int = 800) -> RFM:
    """Buyers like those of CDNOW, in days."""
    rng = np.random.default_rng(7)
    T = rng.integers(189, 273, n).astype(float)
    rate, dropout = rng.gamma(0.55, 1 / 74, n), rng.gamma(0.6, 1 / 82, n)
    alive = np.minimum(rng.exponential(1 / np.maximum(dropout, 1e-12)), T)
    x = rng.poisson(rate * alive).astype(float)
    t_x = np.where(x > 0, np.ceil(alive * rng.beta(np.maximum(x, 1), 1)), 0.0)
    return rfm(x, np.minimum(t_x, T), T)


def changed(**columns: Any) -> RFM:
    base = {"x": shop().frequency, "t_x": shop().recency, "T": shop().T}
    return rfm(**(base | columns))


def with_first(row: tuple[float, float, float], times: int = 1) -> RFM:
    base = shop()
    columns = [base.frequency.copy(), base.recency.copy(), base.T.copy()]
    for column, value in zip(columns, row, strict=True):
        column[:times] = value
    return rfm(*columns)


NASTY = {
    "one customer with 5,000 purchases": with_first((5000, 269.5, 272)),
    "300 customers seen for no time": with_first((0, 0, 0), 300),
    "one customer seen for 27,000 years": with_first((0, 0, 1e7)),
    "all one-time buyers": changed(x=0, t_x=0),
    "identical customers": rfm([3] * 800, 140, 245),
    "time in seconds": changed(t_x=shop().recency * 86400, T=shop().T * 86400),
    "100 customers": shop().take(slice(100)),
    "20 customers": shop().take(slice(20)),
    "one customer": rfm([3], [100], [200]),
    "one customer without repeat": rfm([0], [0], [200]),
    "nobody drops out": changed(x=np.random.default_rng(3).poisson(5, 800) + 1, t_x=shop().T),
    "everybody leaves at once": changed(x=1, t_x=1),
    "heavy buyers": changed(
        x=np.random.default_rng(4).integers(100, 900, 800),
        t_x=shop().T * np.random.default_rng(5).uniform(0.2, 1, 800),
    ),
    "one buyer among one-time buyers": rfm([0] * 500 + [3], [0] * 500 + [100], [200] * 501),
}
DOUBTFUL = {
    "all one-time buyers": "nobody has bought a second time",
    "identical customers": "customers share one purchase rate",
    "20 customers": "only 20 customers",
    "one customer": "only 1 customers",
    "nobody drops out": "nobody seems to drop out",
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("case", NASTY)
def test_the_answer_is_finite_and_usable(case, name):
    table = NASTY[case]
    fitted = MODELS[name](spend=None).fit_rfm(table)

    report = fitted.report
    numbers = [
        *report.parameters.values(),
        *report.standard_errors.values(),
        report.log_likelihood,
        report.condition_number,
    ]
    assert np.isfinite(numbers).all()
    assert np.linalg.eigvalsh(report.covariance)[0] > 0
    assert report.converged
    assert report.penalised == any("no maximum" in sentence for sentence in report.warnings)
    counts = fitted.counts(table)
    alive, expected = counts.p_alive, counts.mean(EDGES)
    assert np.isfinite(alive).all()
    assert ((alive >= 0) & (alive <= 1)).all()
    assert np.isfinite(expected).all()
    assert (expected >= 0).all()
    # No forecast is wild: less than twice the pace of the fastest customer.
    pace = (table.frequency.max() + 1) / np.median(table.T)
    assert expected.max() < 2 * pace * EDGES[-1]
    if case in DOUBTFUL and (name, case) != ("nbd", "nobody drops out"):
        assert any(DOUBTFUL[case] in sentence for sentence in report.warnings)


# Three parameters of dropout are more than this shop tells, with the heavy buyer or without.
@pytest.mark.parametrize("name", sorted(set(MODELS) - {"ggompertz_nbd"}))
def test_a_heavy_buyer_does_not_warn_nor_penalise(name):
    report = MODELS[name](spend=None).fit_rfm(NASTY["one customer with 5,000 purchases"]).report

    assert not report.penalised


def test_customers_seen_for_no_time_change_nothing_but_the_unit():
    some = with_first((0, 0, 0), 300)
    without = some.take(slice(300, None))
    found = ParetoNBD(spend=None).fit_rfm(some).report
    expected = ParetoNBD(spend=None).fit_rfm(without).report

    assert found.theta == pytest.approx(expected.theta, abs=1e-5)
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, abs=1e-6)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (rfm([], [], []), "no customer"),
        (rfm([0, 0], [0, 0], [0, 0]), "observed for any time"),
    ],
)
def test_nothing_to_learn_from_is_said(table, words):
    for model in MODELS.values():
        with pytest.raises(NotEnoughDataError, match=words):
            model(spend=None).fit_rfm(table)


@pytest.mark.parametrize(
    "row", [(np.nan, 5, 9), (1, np.nan, 9), (1, 5, np.nan), (1, 12, 9), (-1, 0, 9), (1, 5, np.inf)]
)
def test_rows_that_are_no_histories_are_refused_by_number(row):
    x, t_x, T = np.array([(2.0, 3.0, 9.0), row]).T
    with pytest.raises(EventSchemaError, match="row 1"):
        ParetoNBD(spend=None).fit_rfm(rfm(x, t_x, T))


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"nbd"}))
def test_a_penalty_moves_nothing_that_the_data_can_tell(name):
    """Nobody drops out of a shop: the purchase rates are those of the NBD, penalty or not."""
    rng = np.random.default_rng(11)
    T = rng.integers(100, 200, 3000).astype(float)
    x = rng.poisson(rng.gamma(2.0, 1 / 40, 3000) * T).astype(float)
    table = rfm(x, np.where(x > 0, T, 0.0), T)
    report = MODELS[name](spend=None).fit_rfm(table.take(x > 0)).report

    assert report.nested is not None
    assert "nbd" in report.nested
    rate = report.parameters["r"] / report.parameters["alpha"]
    assert rate == pytest.approx(x[x > 0].sum() / T[x > 0].sum(), rel=0.02)
