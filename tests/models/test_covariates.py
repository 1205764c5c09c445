"""Static covariates: published fits, the laws of a linear encoder, and forecasts with them."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patronage.errors import SettingsError
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.models.btyd.bg_nbd import BGNBD
from patronage.models.btyd.gamma_gamma import GammaGamma
from patronage.models.btyd.model import FittedBTYD
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.encoders.covariates import Covariates
from patronage.models.fitting.report import FitReport
from patronage.registry import Artifact, load_artifact, save_artifact
from patronage.snapshots import RFM, Snapshot, take_snapshot

BOTH = Covariates(purchases="Gender + Channel", dropout="Gender + Channel")


@pytest.fixture(scope="module")
def apparel(data_dir: Path) -> RFM:
    """600 customers who all begin on one day, known for 104 weeks."""
    end = date(2006, 12, 31)
    days = (
        pl.read_parquet(data_dir / "apparel_clvtools" / "apparelTrans.parquet")
        .filter(pl.col("Date") <= end)
        .unique(["Id", "Date"])
    )
    day = pl.col("Date")
    table = days.group_by("Id").agg(
        x=(pl.len() - 1).cast(pl.Float64),
        t_x=(day.max() - day.min()).dt.total_days().cast(pl.Float64),
        T=(end - day.min()).dt.total_days().cast(pl.Float64),
    )
    people = pl.read_parquet(data_dir / "apparel_clvtools" / "apparelStaticCov.parquet")
    table = table.join(people, on="Id").sort("Id")
    columns = (table[name].to_numpy() for name in ("Id", "x", "t_x", "T"))
    return RFM(*columns, covariates=table.select("Gender", "Channel"))


def in_weeks(report: FitReport) -> list[float]:
    weeks = report.in_unit(7.0)
    return [*weeks.parameters.values(), *weeks.effects.values()]


def errors(report: FitReport) -> list[float]:
    weeks = report.in_unit(7.0)
    return [*weeks.standard_errors.values(), *weeks.effect_errors.values()]


def test_apparel_as_published_by_clvtools(apparel):
    """Effects have CLVTools' signs: alpha_i = alpha e^(-γ'z), beta_i = beta e^(-γ'z)."""
    report = ParetoNBD(None, BOTH).fit_rfm(apparel).report

    assert list(report.effects) == [
        *("purchases.Gender", "purchases.Channel", "dropout.Gender", "dropout.Channel"),
    ]
    assert report.in_unit(7.0).log_likelihood == pytest.approx(-5821.0627, abs=1e-4)
    published = [1.8378, 92.9123, 0.5920, 49.6227, 0.2859, 0.6241, -0.6430, 0.7907]
    assert in_weeks(report) == pytest.approx(published, rel=3e-3)
    published = [0.3455, 16.967, 0.2609, 36.2509, 0.1041, 0.1050, 0.2955, 0.3059]
    assert errors(report) == pytest.approx(published, rel=4e-3)


def test_apparel_with_one_effect_of_gender_on_both(apparel):
    tied = replace(BOTH, equal=("Gender",))
    report = ParetoNBD(None, tied).fit_rfm(apparel).report

    assert report.in_unit(7.0).log_likelihood == pytest.approx(-5826.5342, abs=1e-4)
    assert list(report.effects) == ["equal.Gender", "purchases.Channel", "dropout.Channel"]


def test_an_effect_held_at_its_estimate_changes_no_other(apparel):
    free = ParetoNBD(None, BOTH).fit_rfm(apparel).report
    held = {"dropout.Gender": free.effects["dropout.Gender"]}
    fitted = ParetoNBD(None, replace(BOTH, fixed=held)).fit_rfm(apparel)

    assert "dropout.Gender" not in fitted.report.effects
    assert fitted.covariates.facts["fixed_effects"] == held
    assert fitted.report.log_likelihood == pytest.approx(free.log_likelihood, abs=1e-9)
    for name, value in fitted.report.effects.items():
        assert value == pytest.approx(free.effects[name], abs=1e-5)
    assert fitted.report.theta == pytest.approx(free.theta, abs=1e-5)


def test_a_penalty_shrinks_effects_by_the_scale_of_their_columns(apparel):
    free, some, much = (
        ParetoNBD(None, replace(BOTH, l2=l2)).fit_rfm(apparel).report for l2 in (0.0, 10.0, 1e9)
    )
    plain = ParetoNBD(None).fit_rfm(apparel).report

    assert not free.has_prior
    assert some.has_prior
    sizes = [np.square(list(report.effects.values())).sum() for report in (free, some, much)]
    assert sizes[0] > sizes[1] > sizes[2]
    assert sizes[2] < 1e-12
    assert free.log_likelihood > some.log_likelihood > plain.log_likelihood
    assert much.theta == pytest.approx(plain.theta, abs=1e-5)
    # A column in other units is the same column.
    other = apparel.covariates.with_columns(pl.col("Channel") * 1000 + 5)
    again = ParetoNBD(None, replace(BOTH, l2=10.0)).fit_rfm(replace(apparel, covariates=other))
    assert again.report.effects["purchases.Channel"] * 1000 == pytest.approx(
        some.effects["purchases.Channel"], rel=1e-6
    )


@pytest.mark.parametrize("model", [BGNBD, ParetoNBD])
def test_an_encoder_without_covariates_is_the_constant_one(model, cdnow_sample):
    plain, empty = (model(None, given).fit_rfm(cdnow_sample) for given in (None, Covariates()))

    assert empty.report.parameters == plain.report.parameters
    assert (empty.report.covariance == plain.report.covariance).all()
    assert empty.report.log_likelihood == plain.report.log_likelihood
    edges = np.array([0.0, 100.0])
    assert empty.counts(cdnow_sample).mean(edges) == pytest.approx(
        plain.counts(cdnow_sample).mean(edges), rel=1e-14
    )


def people(n: int, seed: int) -> RFM:
    """Customers of whom members and the young buy more often; whole days."""
    rng = np.random.default_rng(seed)
    member, age = rng.random(n) < 0.4, rng.normal(40, 10, n)
    rate = rng.gamma(0.8, 1 / 25, n) * np.exp(0.6 * member - 0.02 * (age - 40))
    T = np.rint(rng.uniform(100, 300, n))
    until = np.minimum(T, rng.exponential(size=n) / rng.gamma(0.7, 1 / 80, n))
    x = rng.poisson(rate * until).astype(float)
    t_x = np.where(x > 0, np.ceil(until * rng.random(n) ** (1 / np.maximum(x, 1))), 0.0)
    money = np.where(x > 0, rng.gamma(4.0 * np.maximum(x, 1)) / np.maximum(x, 1), np.nan)
    spent = money * np.exp(0.5 * member) / rng.gamma(5.0, 1 / 30, n)
    covariates = pl.DataFrame({"member": member, "age": age, "kind": rng.choice(["a", "b"], n)})
    return RFM(np.arange(n), x, np.minimum(t_x, T), T, spent, covariates=covariates)


ACTING = Covariates(purchases="member + age + kind", dropout="age")


@given(
    seed=st.integers(0, 5),
    times=st.floats(0.01, 100.0),
    plus=st.floats(-50.0, 50.0),
)
@settings(max_examples=8)
def test_shifting_or_scaling_a_covariate_changes_only_its_own_effect(seed, times, plus):
    rfm = people(400, seed)
    moved = rfm.covariates.with_columns(age=pl.col("age") * times + plus)
    one, other = (
        BGNBD(None, ACTING).fit_rfm(replace(rfm, covariates=c)) for c in (rfm.covariates, moved)
    )

    a, b = one.report, other.report
    assert b.log_likelihood == pytest.approx(a.log_likelihood, rel=1e-9)
    if a.penalised or b.penalised:
        return
    for name, value in a.effects.items():
        scale = times if name.endswith("age") else 1.0
        assert b.effects[name] * scale == pytest.approx(value, rel=1e-4, abs=1e-5)
    at = np.array([0.0, 60.0])
    expected = one.counts(rfm).mean(at)
    assert other.counts(replace(rfm, covariates=moved)).mean(at) == pytest.approx(
        expected, rel=1e-4
    )


@pytest.mark.parametrize("model", [BGNBD, ParetoNBD])
def test_order_and_halved_weights_change_nothing(model):
    rfm = people(600, 3)
    order = np.random.default_rng(1).permutation(len(rfm))
    twice = rfm.take(np.concatenate([order, np.arange(len(rfm))]))
    twice = replace(twice, weight=np.full(len(twice), 0.5))
    plain, shuffled, doubled = (
        model(None, ACTING).fit_rfm(one).report for one in (rfm, rfm.take(order), twice)
    )

    for other in (shuffled, doubled):
        assert other.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)
        assert other.coefficients == pytest.approx(plain.coefficients, abs=1e-6)
        assert other.covariance == pytest.approx(plain.covariance, rel=1e-4, abs=1e-8)


def test_columns_that_tell_nothing_new_are_left_out_and_said():
    rfm = people(400, 1)
    more = rfm.covariates.with_columns(same=pl.lit(3.0), years=pl.col("age") / 2 + 1)
    rfm = replace(rfm, covariates=more)
    plain = BGNBD(None, Covariates("age")).fit_rfm(rfm).report
    report = BGNBD(None, Covariates("age + same + years")).fit_rfm(rfm).report

    assert report.effects == pytest.approx(plain.effects)
    assert sum("left out" in said for said in report.warnings) == 2


@pytest.mark.parametrize("model", [BGNBD, ParetoNBD])
@pytest.mark.parametrize("n", [300, 5_000])
def test_a_level_of_three_who_never_bought_again_is_held_and_named(model, n):
    rfm = people(n, 1)
    rare = np.arange(n) >= n - 3
    x, t_x = (np.where(rare, 0.0, column) for column in (rfm.frequency, rfm.recency))
    kinds = pl.DataFrame({"kind": np.where(rare, "odd", "usual")})
    rfm = replace(rfm, frequency=x, recency=t_x, covariates=kinds)
    fitted = model(None, Covariates("kind", "kind")).fit_rfm(rfm)
    expected = fitted.counts(rfm).mean(np.array([0.0, 100.0]))

    assert fitted.report.penalised
    assert any(
        "purchases.kind[usual]" in said or "purchases.kind[odd]" in said
        for said in fitted.report.warnings
    )
    assert np.isfinite(expected).all()
    assert 0 < expected[-1] < expected[0]
    assert np.abs(list(fitted.report.effects.values())).max() < 6


@pytest.mark.parametrize(
    ("covariates", "words"),
    [
        (Covariates("colour"), "colour"),
        (Covariates(spend="member"), "no spend here"),
        (Covariates("member", equal=("member",)), "fit no effect, or only one"),
        (Covariates("member", fixed={"dropout.member": 1.0}), "dropout.member"),
    ],
)
def test_settings_that_do_not_suit_are_said(covariates, words):
    with pytest.raises(SettingsError, match=words):
        BGNBD(None, covariates).fit_rfm(people(100, 1))


@pytest.mark.parametrize("l2", [-1.0, float("nan"), {"money": 1.0}])
def test_a_penalty_is_a_number_of_zero_or_more(l2):
    with pytest.raises(SettingsError, match="l2"):
        Covariates("member", l2=l2)


def test_spend_recovers_the_effect_of_a_covariate():
    rfm = people(6_000, 2)
    fitted = GammaGamma(use_first=False, covariates="member + kind").fit_rfm(rfm)
    report = fitted.report

    for name, truth in {"spend.member[true]": 0.5, "spend.kind[b]": 0.0}.items():
        assert abs(report.effects[name] - truth) < 3.5 * report.effect_errors[name]
    # Members without a purchase are expected to spend e^effect as much.
    new = np.flatnonzero(rfm.frequency == 0)
    found = fitted.spend(rfm.take(new)).mean()
    member, kind = (rfm.covariates[c].to_numpy()[new] for c in ("member", "kind"))
    ratio = found[member & (kind == "a")][0] / found[~member & (kind == "a")][0]
    assert np.log(ratio) == pytest.approx(report.effects["spend.member[true]"])


LAST = date(2024, 12, 31)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    """Dated purchases of 500 customers, with a table of them and a channel of each purchase."""
    rng, n = np.random.default_rng(8), 500
    member = rng.random(n) < 0.5
    rows = []
    for customer in range(n):
        day = int(rng.integers(1, 150))
        channel = rng.choice(["web", "shop"])
        rate = rng.gamma(1.0, 1 / 40) * (2.0 if member[customer] else 1.0)
        leaves = day + rng.exponential(200.0)
        while day < min(leaves, 365):
            amount = round(float(rng.gamma(4.0)) * (10 if channel == "web" else 5), 2) + 0.01
            rows.append((customer, date.fromordinal(LAST.toordinal() - 365 + day), amount, channel))
            channel = rng.choice(["web", "shop"])
            day += 1 + int(rng.exponential(1 / rate))
    events = pl.DataFrame(rows, ["customer_id", "date", "amount", "channel"], orient="row")
    table = pl.DataFrame({"customer_id": np.arange(n), "member": member, "age": rng.normal(size=n)})
    return take_snapshot(EventLog.from_frame(events, currency="EUR", customers=table))


@pytest.fixture(scope="module")
def fitted(snapshot: Snapshot) -> FittedBTYD:
    model = ParetoNBD(
        GammaGamma(covariates="channel"), Covariates("member + age", "member", l2={"dropout": 1.0})
    )
    return model.fit(snapshot, Horizon(8, "week"))


def test_attributes_come_from_profiles_or_the_first_purchase(fitted):
    assert fitted.features == ("customers.member", "customers.age", "first_purchase.channel")
    assert fitted.report.effects["purchases.member[true]"] > 0.2
    assert abs(fitted.spend.report.effects["spend.channel[web]"]) < 5


def test_forecasts_know_covariates_and_survive_the_disk(fitted, snapshot, tmp_path):
    horizon = Horizon(8, "week")
    forecast = fitted.predict(snapshot, horizon)
    save_artifact(Artifact("p", fitted, horizon, snapshot.as_of, "EUR"), tmp_path / "model")
    again = load_artifact(tmp_path / "model").fitted.predict(snapshot, horizon)

    assert np.isfinite(forecast.mean()).all()
    assert (again.mean() == forecast.mean()).all()
    assert (again.quantile([0.5, 0.9]) == forecast.quantile([0.5, 0.9])).all()
    assert (again.mean_factors == forecast.mean_factors).all()
    part = fitted.predict(snapshot.take(slice(20, 60)), horizon)
    np.testing.assert_allclose(part.mean(), forecast.mean()[20:60], rtol=1e-12)
    np.testing.assert_allclose(part.mean_factors, forecast.mean_factors[20:60], rtol=1e-9)


def test_uncertainty_of_the_mean_counts_that_of_effects(fitted, snapshot):
    """Against the forecast itself, fitted coefficient by coefficient a little elsewhere."""
    horizon = Horizon(8, "week")
    report = fitted.report
    forecast = fitted.predict(snapshot, horizon)
    root = np.linalg.cholesky(report.covariance)
    k, n = len(report.parameters), len(report.coefficients)

    for place in range(n):
        means = []
        for sign in (1e-3, -1e-3):
            at = report.coefficients + sign * np.eye(n)[place]
            moved = replace(
                report,
                parameters=dict(zip(report.parameters, np.exp(at[:k]).tolist(), strict=True)),
                effects=dict(zip(report.effects, at[k:].tolist(), strict=True)),
            )
            means.append(replace(fitted, report=moved).predict(snapshot, horizon).mean().sum(1))
        slope = (means[0] - means[1]) / 2e-3
        known = forecast.mean_factors[:, :n] @ np.linalg.inv(root)[:, place]
        np.testing.assert_allclose(known, slope, rtol=1e-3, atol=1e-4)


def test_new_levels_and_missing_profiles_are_usual_and_counted(fitted, snapshot, caplog):
    known = snapshot.with_features(fitted.features)
    odd = known.customers.with_columns(
        pl.lit(None, dtype=pl.Boolean).alias("customers.member"),
        pl.lit("radio").alias("first_purchase.channel"),
    )
    forecast = fitted.predict(replace(known, customers=odd), Horizon(8, "week"))

    usual = known.customers.with_columns(
        pl.lit(fitted.covariates.design.references["member"] == "true").alias("customers.member"),
        pl.lit(fitted.spend.covariates.design.references["channel"]).alias(
            "first_purchase.channel"
        ),
    )
    expected = fitted.predict(replace(known, customers=usual), Horizon(8, "week"))
    np.testing.assert_array_equal(forecast.mean(), expected.mean())
    assert "member: 500 of 500 customers have no known level" in caplog.text
    assert "channel: 500 of 500 customers have a level that the fit never saw" in caplog.text


def test_a_fit_to_a_table_serves_a_snapshot_with_attributes_of_these_names(snapshot):
    known = snapshot.with_features(("customers.member", "customers.age"))
    rfm = known.rfm()
    named = rfm.covariates.rename({"customers.member": "member", "customers.age": "age"})
    settings = ParetoNBD(None, Covariates("member + age"))
    fitted = settings.fit_rfm(replace(rfm, covariates=named))
    horizon = Horizon(8, "week")

    assert fitted.features == ()
    np.testing.assert_array_equal(
        fitted.predict(snapshot, horizon).mean(),
        settings.fit(snapshot, horizon).predict(snapshot, horizon).mean(),
    )


def test_a_snapshot_without_the_table_is_a_clear_error(fitted, snapshot):
    log = replace(snapshot.events, tables=replace(snapshot.events.tables, customers=None))

    with pytest.raises(SettingsError, match=r"customers\.member"):
        fitted.predict(take_snapshot(log), Horizon(8, "week"))
