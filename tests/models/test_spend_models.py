"""The family of spend models: recovery, shrinkage, laws of money, odd amounts, and a choice."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.errors import EventSchemaError, NotEnoughDataError, PatronageError, SettingsError
from patronage.models.btyd.best_spend import BestSpend, choose_spend
from patronage.models.btyd.bg_nbd import BGNBD
from patronage.models.btyd.gamma_gamma import GammaGamma
from patronage.models.btyd.log_normal_spend import LogNormalSpend
from patronage.models.btyd.normal_spend import NormalSpend
from patronage.models.btyd.zero_inflated_spend import ZeroInflatedSpend
from patronage.snapshots import RFM, AmountSums

FAMILY = {
    "best_spend": BestSpend(),
    "gamma_gamma": GammaGamma(),
    "log_normal_spend": LogNormalSpend(),
    "normal_spend": NormalSpend(),
    "zero_inflated_spend": ZeroInflatedSpend(),
}


def rfm_of(amounts: list[np.ndarray], *, first: bool = False) -> RFM:
    """Customers with these amounts of repeat purchases (or with the first one in front)."""
    repeats = [row[1:] if first else row for row in amounts]
    x = np.array([float((row != 0).sum()) for row in repeats])
    paid = [row[row != 0] for row in repeats]
    mean = np.array([row.mean() if len(row) else np.nan for row in paid])
    with np.errstate(invalid="ignore"):
        logs = [np.log(row) for row in paid]
    nets = amounts
    return RFM(
        np.arange(len(x)),
        x,
        np.where(x > 0, 5.0, 0.0),
        np.full(len(x), 90.0),
        mean,
        np.array([row[0] for row in amounts]) if first else None,
        logs=_sums(logs),
        nets=_sums(nets),
        free=np.array([float((row == 0).sum()) for row in repeats]),
        recency_of_any=np.where([len(row) > 0 for row in repeats], 6.0, 0.0),
    )


def _sums(rows: list[np.ndarray]) -> AmountSums:
    return AmountSums(
        np.array([float(len(row)) for row in rows]),
        np.array([float(row.sum()) for row in rows]),
        np.array([float((row**2).sum()) for row in rows]),
    )


def log_normal_amounts(
    n: int = 3000, seed: int = 1, *, level: float = 30.0, sigma: float = 0.5, tau: float = 0.7
) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    own = np.log(level) + tau * rng.standard_normal(n)
    return [np.exp(m + sigma * rng.standard_normal(1 + rng.poisson(1.5))) for m in own]


def gamma_amounts(n: int = 3000, seed: int = 1, p: float = 1.2) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    rate = rng.gamma(4.0, 1 / 30, n)
    return [rng.gamma(p, 1 / nu, 1 + rng.poisson(1.5)) for nu in rate]


def net_amounts(n: int = 3000, seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    own = 6.0 + 5.0 * rng.standard_normal(n)
    return [m + 15.0 * rng.standard_normal(1 + rng.poisson(1.5)) for m in own]


def with_free(seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    share = rng.beta(3.0, 1.0, 3000)
    return [
        row * (rng.random(len(row)) < s) for row, s in zip(gamma_amounts(p=5.0), share, strict=True)
    ]


def assert_covers(report, truth) -> None:
    assert report.converged
    assert not report.penalised
    for (name, found), true in zip(report.parameters.items(), truth, strict=True):
        assert abs(found - true) < 3.5 * report.standard_errors[name], name


@pytest.mark.parametrize("use_first", [False, True, None])
def test_log_normal_spend_recovers_the_truth(use_first: bool | None) -> None:
    table = rfm_of(log_normal_amounts(20_000), first=True)
    fitted = LogNormalSpend(use_first=use_first).fit_rfm(table)

    assert fitted.use_first is (use_first is not False)
    assert_covers(fitted.report, (30.0, 0.5, 0.7))


def test_expected_log_normal_spend_is_right_for_high_and_low_spenders() -> None:
    rng = np.random.default_rng(5)
    own = 3.0 + 0.7 * rng.standard_normal(20_000)
    rows = [np.exp(m + 0.5 * rng.standard_normal(2)) for m in own]
    table = rfm_of(rows)
    found = LogNormalSpend().fit_rfm(table).spend(table).mean()

    truth = np.exp(own + 0.5**2 / 2)
    for group in (slice(None), found > np.median(found), found <= np.median(found)):
        assert found[group].mean() == pytest.approx(truth[group].mean(), rel=0.02)


def test_normal_spend_recovers_the_truth_from_amounts_and_from_means() -> None:
    table = rfm_of(net_amounts(20_000))
    means = replace(table, nets=replace(table.nets, squares=np.where(table.nets.n > 1, np.nan, 0)))

    assert_covers(NormalSpend().fit_rfm(table).report, (6.0, 15.0, 5.0))
    from_means = NormalSpend().fit_rfm(means)
    assert_covers(from_means.report, (6.0, 15.0, 5.0))
    assert "only means" in from_means.warnings[0]
    bare = NormalSpend().fit_rfm(replace(table, nets=None))
    assert bare.report.parameters == pytest.approx(from_means.report.parameters)


def test_a_customer_who_gives_back_more_than_is_kept_has_a_negative_expectation() -> None:
    table = rfm_of([*net_amounts(), np.full(30, -8.0)])
    spend = NormalSpend().fit_rfm(table).spend(table)

    assert spend.mean()[-1] < 0
    assert (spend.mean()[:-1] > -20).all()


def test_a_base_that_loses_money_is_fitted_too() -> None:
    table = rfm_of([row - 20.0 for row in net_amounts()])
    report = NormalSpend().fit_rfm(table).report

    assert report.parameters["mean"] == pytest.approx(-14.0, abs=1.0)


def test_shares_of_free_purchases_are_recovered() -> None:
    table = rfm_of(with_free())
    fitted = ZeroInflatedSpend().fit_rfm(table)

    assert_covers(fitted.report, (3.0, 1.0))
    assert fitted.share_free == pytest.approx(0.25, abs=0.02)
    money = fitted.of.spend(table).mean()
    assert (fitted.spend(table).mean() < money).all()
    assert fitted.of.report.parameters == GammaGamma().fit_rfm(table).report.parameters


def test_without_free_purchases_the_spend_is_that_of_the_paid() -> None:
    table = rfm_of(gamma_amounts(500))
    fitted = ZeroInflatedSpend().fit_rfm(table)

    assert fitted.report is None
    assert "no repeat purchase was free" in fitted.warnings[0]
    assert np.array_equal(
        fitted.spend(table).mean(), GammaGamma().fit_rfm(table).spend(table).mean()
    )


def test_purchases_that_are_free_are_purchases_to_the_process_too() -> None:
    table = rfm_of(with_free())
    table = replace(table, recency=17 * table.recency, recency_of_any=14.5 * table.recency_of_any)
    counting = BGNBD(spend=ZeroInflatedSpend()).fit_rfm(table)
    paid = BGNBD().fit_rfm(table)
    by_hand = BGNBD(spend=None).fit_rfm(table.with_free())

    assert counting.report.parameters == by_hand.report.parameters
    assert "free" in counting.features
    weeks = np.array([0.0, 91.0])
    ahead = counting.counts(table).mean(weeks).sum()
    assert ahead > 1.2 * paid.counts(table).mean(weeks).sum()
    cash = (counting.counts(table).mean(weeks)[:, 0] * counting.spend.spend(table).mean()).sum()
    expected = (paid.counts(table).mean(weeks)[:, 0] * paid.spend.spend(table).mean()).sum()
    # The same money from more purchases that are worth less each.
    assert cash == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("name", ["log_normal_spend", "normal_spend", "zero_inflated_spend"])
def test_gradient_of_the_mean_is_that_of_finite_differences(name: str) -> None:
    amounts = net_amounts(60) if name == "normal_spend" else with_free()[:60]
    table = rfm_of(amounts)
    fitted = FAMILY[name].fit_rfm(table)
    gradient = fitted.mean_gradient(table)
    offset = getattr(fitted, "offset", 0.0)
    root = fitted.mean_root

    assert root.shape == (gradient.shape[1],) * 2
    for column, key in enumerate(fitted.report.parameters):
        ends = []
        for sign in (1, -1):
            moved = dict(fitted.report.parameters)
            shift = offset if key == "mean" else 0.0
            moved[key] = (moved[key] + shift) * np.exp(sign * 1e-5) - shift
            report = replace(fitted.report, parameters=moved)
            ends.append(replace(fitted, report=report).spend(table).mean())
        difference = (ends[0] - ends[1]) / 2e-5
        assert gradient[:, column] == pytest.approx(difference, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", sorted(FAMILY))
def test_money_in_cents_is_a_hundred_times_the_money(name: str) -> None:
    amounts = with_free()[:800] if name == "zero_inflated_spend" else gamma_amounts(800)
    euros, cents = rfm_of(amounts), rfm_of([100 * row for row in amounts])
    found = [FAMILY[name].fit_rfm(table).spend(table) for table in (euros, cents)]

    assert found[1].mean() == pytest.approx(100 * found[0].mean(), rel=1e-6)
    money = np.full(len(amounts), 40.0)
    assert found[1].sum_cdf(2, 100 * money) == pytest.approx(found[0].sum_cdf(2, money), abs=1e-7)


@pytest.mark.parametrize("name", sorted(FAMILY))
def test_rows_with_weights_are_customers(name: str) -> None:
    rows = gamma_amounts(150)
    once = rfm_of(rows)
    weighted = replace(once, weight=np.full(150, 2.0))
    twice = rfm_of(rows + rows)
    one, other = (FAMILY[name].fit_rfm(table) for table in (weighted, twice))

    assert one.spend(once).mean() == pytest.approx(other.spend(once).mean(), rel=1e-6)


NASTY = {
    "one value of 1e7": [*gamma_amounts(300), np.array([1e7])],
    "all equal": [np.full(1 + k % 3, 25.0) for k in range(200)],
    "three customers": [np.array([3.0, 9.0]), np.array([20.0]), np.array([8.0, 8.0])],
    "one customer": [np.array([3.0, 9.0, 4.0])],
    "one purchase each": [row[:1] for row in gamma_amounts(300)],
    "a customer spends the same each time": [
        np.full(1 + k % 3, row[0]) for k, row in enumerate(gamma_amounts(300))
    ],
    "tiny money": [1e-4 * row for row in gamma_amounts(300)],
    "huge money": [1e12 * row for row in gamma_amounts(300)],
}


@pytest.mark.parametrize("case", NASTY)
@pytest.mark.parametrize("name", sorted(FAMILY))
def test_odd_amounts_get_a_finite_answer(name: str, case: str) -> None:
    table = rfm_of(NASTY[case])
    fitted = FAMILY[name].fit_rfm(table)
    spend = fitted.spend(table)

    assert np.isfinite(spend.mean()).all()
    assert np.isfinite(fitted.mean_gradient(table)).all()
    assert np.isfinite(fitted.mean_root).all()
    scale = np.abs(spend.mean())
    reached = spend.sum_cdf(2, 2 * scale)
    assert ((reached >= 0) & (reached <= 1)).all()
    if case == "all equal":
        assert spend.mean() == pytest.approx(np.full(len(table), 25.0), rel=1e-6)
    if case == "one value of 1e7" and name != "normal_spend":
        assert np.median(spend.mean()) < 100
    if case == "three customers":
        assert fitted.warnings


@pytest.mark.parametrize("name", sorted(FAMILY))
def test_no_money_is_an_error_that_mends(name: str) -> None:
    table = replace(rfm_of(gamma_amounts(20)), monetary_value=None, logs=None, nets=None)

    with pytest.raises(PatronageError, match="To mend"):
        FAMILY[name].fit_rfm(table)


@pytest.mark.parametrize("name", ["best_spend", "log_normal_spend"])
def test_means_alone_do_not_tell_logarithms(name: str) -> None:
    table = replace(rfm_of(gamma_amounts(100)), logs=None)

    with pytest.raises(EventSchemaError, match="log_sum"):
        FAMILY[name].fit_rfm(table)
    single = replace(rfm_of([row[:1] for row in gamma_amounts(100)]), logs=None)
    assert np.isfinite(FAMILY[name].fit_rfm(single).spend(single).mean()).all()


def test_zero_and_negative_means_are_left_out_and_counted() -> None:
    table = rfm_of(log_normal_amounts(200))
    mean = table.monetary_value.copy()
    mean[:3] = [0.0, -4.0, np.nan]
    fitted = LogNormalSpend().fit_rfm(replace(table, monetary_value=mean))
    apart = LogNormalSpend().fit_rfm(table.take(slice(3, None)))

    assert fitted.n_excluded == 3
    assert fitted.report.parameters == pytest.approx(apart.report.parameters)


def test_only_zero_money_is_refused() -> None:
    table = rfm_of([np.array([5.0])] * 3)
    with pytest.raises(NotEnoughDataError, match="above zero"):
        LogNormalSpend().fit_rfm(replace(table, monetary_value=np.zeros(3)))


def test_free_purchases_that_are_not_known_are_refused() -> None:
    with pytest.raises(EventSchemaError, match="free"):
        ZeroInflatedSpend().fit_rfm(replace(rfm_of(gamma_amounts(30)), free=None))
    with pytest.raises(SettingsError, match="paid purchases"):
        ZeroInflatedSpend(ZeroInflatedSpend())
    with pytest.raises(SettingsError, match="net money"):
        ZeroInflatedSpend(NormalSpend()).fit_rfm(rfm_of(with_free()[:60]))


@given(
    st.lists(
        st.lists(st.one_of(st.just(0.0), st.floats(-1e5, 1e6)), min_size=0, max_size=5),
        min_size=1,
        max_size=25,
    )
)
def test_any_net_money_gives_a_finite_spend_or_a_clear_error(rows: list[list[float]]) -> None:
    nets = _sums([np.array(row) for row in rows])
    n = nets.n
    table = RFM(np.arange(len(n)), n, n, n + 1, np.zeros(len(n)), nets=nets)
    try:
        fitted = NormalSpend().fit_rfm(table)
    except NotEnoughDataError:
        assert (n == 0).all()
        return
    assert np.isfinite(fitted.spend(table).mean()).all()


def test_the_choice_finds_what_the_amounts_were_drawn_from() -> None:
    log_normal = choose_spend(rfm_of(log_normal_amounts(sigma=0.9)))
    gamma = choose_spend(rfm_of(gamma_amounts()))

    assert log_normal.model == "log_normal_spend"
    assert log_normal.aic["log_normal_spend"] < log_normal.aic["gamma_gamma"]
    assert log_normal.p_value < 0.01
    assert gamma.model == "gamma_gamma"
    assert gamma.vuong < -2
    assert "AIC" in gamma.sentence


def test_a_tie_goes_to_gamma_gamma() -> None:
    """Amounts of large shape are gamma and log-normal alike."""
    rng = np.random.default_rng(3)
    rows = [rng.gamma(900.0, 1 / 900, 2) * np.exp(0.1 * rng.standard_normal()) for _ in range(80)]
    choice = choose_spend(rfm_of(rows))

    assert abs(choice.vuong) < 1.96
    assert choice.model == "gamma_gamma"
    assert "do not tell" in choice.sentence


def test_the_choice_does_not_depend_on_the_currency() -> None:
    rows = log_normal_amounts(500)
    one, other = choose_spend(rfm_of(rows)), choose_spend(rfm_of([700 * row for row in rows]))

    assert one.vuong == pytest.approx(other.vuong, rel=1e-5)
    gap = {name: other.aic[name] - one.aic[name] for name in one.aic}
    assert gap["gamma_gamma"] == pytest.approx(gap["log_normal_spend"], rel=1e-6)


def test_the_best_spend_is_the_chosen_model_with_its_reason() -> None:
    table = rfm_of([*log_normal_amounts(sigma=0.9), *[np.array([5.0, 0.0])] * 60])
    fitted = BestSpend().fit_rfm(table)
    alone = LogNormalSpend().fit_rfm(table)

    assert fitted.name == "log_normal_spend"
    assert np.array_equal(fitted.spend(table).mean(), alone.spend(table).mean())
    assert fitted.facts["choice"]["model"] == "log_normal_spend"
    assert any("cost nothing" in sentence for sentence in fitted.warnings)
    few = BestSpend().fit_rfm(rfm_of(log_normal_amounts(20)))
    assert few.name == "gamma_gamma"
    assert "do not tell" in few.choice.sentence
