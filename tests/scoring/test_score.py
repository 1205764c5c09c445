"""score(): the columns of the public face, both kinds of interval, and the segments."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from jaxtyping import Float

from patronage.errors import FitError
from patronage.events import EventLog
from patronage.forecast.mixture import MixtureForecast
from patronage.forecast.samples import SampleForecast
from patronage.horizon import Horizon
from patronage.models.catalog import make_model
from patronage.scoring import SCORE_COLUMNS, Scoring, score, total_value
from patronage.snapshots import Snapshot, take_snapshot
from patronage.value import Economics

HORIZON = Horizon(4, "week")


@dataclass(frozen=True)
class Oracle:
    """Knows what each customer will bring, and how well it knows it."""

    cash: Float[np.ndarray, " customers"]
    sd: float | None = None

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SampleForecast:
        ids = snapshot.customers["customer_id"].to_numpy()
        mine = self.cash[ids]
        draws = np.repeat(mine[:, None] / horizon.n_periods, horizon.n_periods, axis=1)[None]
        factors = None if self.sd is None else (mine * self.sd)[:, None]
        return SampleForecast(ids, snapshot.as_of, horizon, draws, mean_factors=factors)


def snapshot_of(n: int) -> Snapshot:
    frame = pl.DataFrame({"customer_id": range(n), "date": date(2026, 1, 1), "amount": 1.0})
    return take_snapshot(EventLog.from_frame(frame, currency="EUR"))


def scored(cash: list[float], *, sd: float | None = None, level_sd: float = 0.0) -> pl.DataFrame:
    scoring = Scoring(Oracle(np.array(cash), sd), HORIZON, Economics(1.0, 0.0), "o", "1", level_sd)
    return score(snapshot_of(len(cash)), scoring)


def test_the_columns_are_those_of_the_public_face() -> None:
    scores = scored([1.0])

    assert scores.schema == {
        "customer_id": pl.Int64,
        "p_alive": pl.Float64,
        "expected_purchases": pl.Float64,
        "clv": pl.Float64,
        "clv_p10": pl.Float64,
        "clv_p90": pl.Float64,
        "clv_mean_low": pl.Float64,
        "clv_mean_high": pl.Float64,
        "segment": pl.String,
        "as_of": pl.Date,
        "horizon_days": pl.Float64,
        "currency": pl.String,
        "model": pl.String,
        "version": pl.String,
    }
    assert tuple(scores.columns) == SCORE_COLUMNS
    assert scores.row(0)[9:] == (date(2026, 1, 2), 28.0, "EUR", "o", "1")


@pytest.mark.parametrize(
    ("cash", "segments"),
    [
        # 50 carries the first half, 30 the next three tenths, 20 the rest.
        ([20, 50, 30], ["low", "high", "medium"]),
        # The customer who crosses the half still carries a part of it.
        ([40, 40, 20], ["high", "high", "low"]),
        ([70, 10, 10, 10], ["high", "medium", "low", "low"]),
        ([10] * 10, ["high"] * 5 + ["medium"] * 3 + ["low"] * 2),
        ([0, 5, -3], ["low", "high", "low"]),
        ([0, 0], ["low", "low"]),
        ([-1, -2], ["low", "low"]),
    ],
)
def test_segments_share_out_the_value(cash: list[float], segments: list[str]) -> None:
    assert scored([float(one) for one in cash])["segment"].to_list() == segments


def test_a_last_bit_moves_nobody_to_another_segment() -> None:
    exact, off = [0.1 * 3] * 10, [0.1 * 3, 0.3] * 5

    assert scored(exact)["segment"].to_list() == scored(off)["segment"].to_list()


def test_bounds_of_the_expectation_hold_it_and_are_unknown_where_the_model_is_silent() -> None:
    silent, sure = scored([10.0, -4.0, 0.0]), scored([10.0, -4.0, 0.0], sd=0.2)

    assert silent["clv_mean_low"].null_count() == silent["clv_mean_high"].null_count() == 3
    assert (sure["clv_mean_low"] <= sure["clv"]).all()
    assert (sure["clv"] <= sure["clv_mean_high"]).all()
    # 80 % of a log-normal with a relative deviation of 0.2.
    assert sure["clv_mean_high"][0] == pytest.approx(10 * np.exp(1.2815515655 * 0.2))
    assert sure["clv_mean_high"][1] < 0


def test_a_level_that_missed_before_widens_every_expectation() -> None:
    narrow, wide = scored([10.0, 3.0], sd=0.1), scored([10.0, 3.0], sd=0.1, level_sd=0.5)

    assert (wide["clv_mean_high"] > narrow["clv_mean_high"]).all()
    assert (wide["clv_mean_low"] < narrow["clv_mean_low"]).all()
    assert wide["clv"].to_list() == narrow["clv"].to_list()


def test_a_forecast_that_is_not_finite_is_refused_by_name() -> None:
    with pytest.raises(FitError, match="customer 1 is not finite") as refused:
        scored([1.0, float("inf")])

    assert "To mend" in str(refused.value)


@pytest.fixture(scope="module")
def shop() -> Snapshot:
    rng = np.random.default_rng(4)
    who = rng.integers(0, 400, 1500)
    days = [date.fromordinal(738_886 + int(d)) for d in rng.integers(0, 250, 1500)]
    frame = pl.DataFrame({"customer_id": who, "date": days, "amount": rng.lognormal(3, 0.6, 1500)})
    return take_snapshot(EventLog.from_frame(frame, currency="EUR"))


@pytest.fixture(scope="module")
def scoring(shop: Snapshot) -> Scoring:
    fitted = make_model("pareto_nbd").fit(shop, HORIZON)
    return Scoring(fitted, HORIZON, Economics(0.3, 0.1), "pareto_nbd", "v")


def test_both_intervals_are_in_order(shop: Snapshot, scoring: Scoring) -> None:
    scores = score(shop, scoring)

    assert (scores["clv_p10"] <= scores["clv_p90"]).all()
    assert (scores["clv_mean_low"] < scores["clv"]).all()
    assert (scores["clv"] < scores["clv_mean_high"]).all()
    assert (scores["clv_p10"] >= 0).all()


def test_the_total_is_the_sum_of_the_customers(shop: Snapshot, scoring: Scoring) -> None:
    total = total_value(shop, scoring)

    assert total.expected == pytest.approx(score(shop, scoring)["clv"].sum(), rel=1e-12)
    assert total.low < total.expected < total.high
    assert (total.level, total.n_customers) == (0.8, len(shop.customers))
    assert np.mean((total.draws >= total.low) & (total.draws <= total.high)) == pytest.approx(
        0.8, abs=0.01
    )


def test_the_total_does_not_depend_on_the_chunks(shop: Snapshot, scoring: Scoring) -> None:
    whole, parts = (total_value(shop, scoring, chunk_size=size) for size in (25_600, 256))

    assert parts.expected == pytest.approx(whole.expected, rel=1e-12)
    assert parts.draws == pytest.approx(whole.draws, rel=1e-9)


def test_a_margin_below_zero_turns_the_interval_round(shop: Snapshot, scoring: Scoring) -> None:
    losing = score(shop, replace(scoring, economics=Economics(-0.3, 0.1)))

    assert (losing["clv"] <= 0).all()
    assert (losing["clv_p10"] <= losing["clv_p90"]).all()
    assert (losing["clv_mean_low"] <= losing["clv_mean_high"]).all()


def test_progress_counts_customers(shop: Snapshot, scoring: Scoring) -> None:
    seen: list[int] = []

    score(shop, scoring, chunk_size=150, progress=seen.append)

    assert seen == [*range(150, len(shop.customers), 150), len(shop.customers)]


@dataclass(frozen=True)
class Disagreeing:
    """Two oracles, believed alike."""

    one: Oracle
    other: Oracle

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> MixtureForecast:
        both = [each.predict(snapshot, horizon) for each in (self.one, self.other)]
        return MixtureForecast.of(both, np.array([0.5, 0.5]))


def test_models_that_disagree_say_so_beside_the_intervals_and_not_in_them() -> None:
    pool = Disagreeing(Oracle(np.array([10.0, 8.0])), Oracle(np.array([20.0, 8.0])))

    scores = score(snapshot_of(2), Scoring(pool, HORIZON, Economics(0.5, 0.0), "pool", "1"))

    assert scores.columns == [*SCORE_COLUMNS, "model_spread"]
    assert scores["model_spread"].to_list() == pytest.approx([0.5 * 5.0, 0.0])
    assert scores["clv_mean_low"].null_count() == 2
