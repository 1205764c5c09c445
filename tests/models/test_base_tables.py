"""Base tables: what was known, what followed, and what may teach what."""

from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from patronage.datasets import Simulation, SimulationSettings, simulate
from patronage.errors import FutureEventError, NotEnoughDataError, SettingsError
from patronage.events import EventLog
from patronage.events.schema import CASH_KINDS
from patronage.horizon import Horizon
from patronage.models.base_tables import BaseTable, base_table, base_table_by_age
from patronage.snapshots import FEATURES
from patronage.snapshots.features import Group

START = date(2024, 1, 1)
WEEK = Horizon(1, "week")
DATES = (date(2024, 9, 1), date(2024, 12, 1), date(2025, 3, 1), date(2025, 5, 20))
QUARTER = Horizon(13, "week")
GROUPS = ("rhythm", "money", "windows", "trends", "customers.region")


@pytest.fixture(scope="module")
def drawn() -> Simulation:
    settings = SimulationSettings(n_customers=400, start=START, end=date(2025, 7, 1))
    return simulate(settings, seed=3)


@pytest.fixture(scope="module")
def shop(drawn: Simulation) -> EventLog:
    return drawn.log()


@pytest.fixture(scope="module")
def by_date(shop: EventLog) -> BaseTable:
    return base_table(shop, as_of=DATES, horizon=QUARTER, groups=GROUPS)


@pytest.fixture(scope="module")
def by_age(shop: EventLog) -> BaseTable:
    return base_table_by_age(shop, ages=(1, 30), age_end=120, groups=("rhythm", "windows"))


def tiny() -> EventLog:
    """1 buys on days 0, 8 and 16, and is refunded on day 9; 2 buys on day 10. The log ends 17."""
    rows = [
        (1, 0, "purchase", 10.0),
        (1, 8, "purchase", 5.0),
        (1, 9, "refund", -2.0),
        (2, 10, "purchase", 3.0),
        (1, 16, "purchase", 4.0),
    ]
    frame = pl.DataFrame(rows, schema=("customer_id", "day", "kind", "amount"), orient="row")
    days = pl.lit(START) + pl.duration(days="day")
    return EventLog.from_frame(frame.select("customer_id", "kind", "amount", event_time=days))


def test_worked_by_hand() -> None:
    dates = [START + timedelta(days=n) for n in (7, 9, 14)]

    table = base_table(tiny(), as_of=dates, horizon=WEEK, groups=())

    columns = ("customer_id", "as_of", "frequency", "cash", "target_cash", "target_purchases")
    assert table.frame.select(*columns, "observed", "weight", "overlaps", "train_from").rows() == [
        # Its week is over on day 14, when the third date begins; the second lies within it.
        (1, dates[0], 0.0, 10.0, 3.0, 1.0, True, 1 / 3, True, dates[2]),
        (1, dates[1], 1.0, 15.0, -2.0, 0.0, True, 1 / 3, True, None),
        (1, dates[2], 1.0, 13.0, None, None, False, 1 / 3, False, None),
        (2, dates[2], 0.0, 3.0, None, None, False, 1.0, False, None),
    ]
    assert "are not over by 2024-01-18" in table.warnings[0]
    assert "2024-01-10 (2 days past 2024-01-15)" in table.warnings[1]


def test_by_age_worked_by_hand() -> None:
    """Customer 1 is 17 days old at the end, customer 2 is 7."""
    table = base_table_by_age(tiny(), ages=(9, 1), age_end=15, groups=())

    columns = ("customer_id", "age", "is_today", "as_of", "cash", "target_cash", "observed")
    more = ("target_life_cash", "known_age", "known_cash", "known_purchases")
    day = {n: START + timedelta(days=n) for n in (1, 9, 11, 17)}
    assert table.frame.select(*columns, *more).rows() == [
        (1, 1, False, day[1], 10.0, 3.0, True, 13.0, 15, 3.0, 1.0),
        (2, 1, False, day[11], 3.0, None, False, None, 7, 0.0, 0.0),
        (2, 7, True, day[17], 3.0, None, False, None, 7, 0.0, 0.0),
        (1, 9, False, day[9], 15.0, -2.0, True, 13.0, 15, -2.0, 0.0),
    ]
    assert table.frame["weight"].to_list() == [0.5] * 4


def test_the_future_changes_no_feature(shop: EventLog, by_date: BaseTable) -> None:
    cut = base_table(shop.before(DATES[1]), as_of=DATES[:2], horizon=QUARTER, groups=GROUPS)

    features = ["customer_id", "as_of", *by_date.features]
    assert_frame_equal(
        by_date.frame.filter(pl.col("as_of") <= DATES[1]).select(features),
        cut.frame.select(features),
    )


def test_all_rows_together_count_customers(by_date: BaseTable, by_age: BaseTable) -> None:
    for table in (by_date, by_age):
        n_customers = table.frame["customer_id"].n_unique()
        assert table.frame["weight"].sum() == pytest.approx(n_customers)
        assert len(table.frame) > n_customers


def test_a_customer_is_in_one_block_at_every_date_and_in_every_table(
    by_date: BaseTable, by_age: BaseTable
) -> None:
    both = pl.concat([t.frame.select("customer_id", "fold") for t in (by_date, by_age)])

    assert both.group_by("customer_id").agg(pl.col("fold").n_unique())["fold"].max() == 1
    shares = both["fold"].value_counts(normalize=True)["proportion"]
    assert shares.min() > 0.1
    assert len(shares) == 5


@pytest.mark.parametrize("by_customer", [False, True])
def test_what_teaches_was_over_before_what_is_judged(
    by_date: BaseTable, by_age: BaseTable, by_customer: bool
) -> None:
    for table in (by_date, by_age):
        folds = list(table.folds(by_customer=by_customer))
        assert folds
        for fold in folds:
            train, test = (table.frame.filter(pl.Series(rows)) for rows in (fold.train, fold.test))
            assert train["label_end"].max() <= test["as_of"].min()
            assert train["train_from"].max() <= fold.start
            assert train["observed"].all()
            assert test["observed"].all()
            shared = set(train["customer_id"]) & set(test["customer_id"])
            assert not shared or not by_customer


def test_a_target_is_the_cash_of_its_window(drawn: Simulation, by_date: BaseTable) -> None:
    """Summed from the raw events, without the ledger."""
    first, last = DATES[2], DATES[2] + timedelta(days=91)
    ahead = (
        drawn.events.filter(
            pl.col("kind").is_in(CASH_KINDS),
            pl.col("event_time").is_between(first, last, closed="left"),
            pl.col("known_time") < by_date.known_until,
        )
        .group_by("customer_id")
        .agg(pl.col("amount").cast(pl.Float64).sum().alias("summed"))
    )

    rows = by_date.frame.filter(pl.col("as_of") == first).join(ahead, "customer_id", "left")

    assert rows["target_cash"].to_list() == pytest.approx(rows["summed"].fill_null(0.0).to_list())
    assert rows["target_cash"].sum() > 0


def test_what_is_not_over_is_kept_and_not_observed(by_date: BaseTable, by_age: BaseTable) -> None:
    open_rows = by_date.frame.filter(~pl.col("observed"))
    assert set(open_rows["as_of"]) == {DATES[-1]}
    assert open_rows["target_cash"].null_count() == len(open_rows)
    young = by_age.frame.filter(~pl.col("observed"))
    assert young["target_cash"].null_count() == len(young)
    assert (young["known_age"] < 120).all()
    assert young.filter(~pl.col("is_today"))["known_cash"].sum() > 0
    # Whoever may still be scored stands at the age of today once.
    today = by_age.frame.filter("is_today")
    assert today["customer_id"].is_unique().all()
    assert (today["as_of"] == by_age.known_until).all()
    assert not today["observed"].any()


def test_every_number_survives_float32_and_every_column_is_described(by_date: BaseTable) -> None:
    frame = by_date.frame

    assert by_date.dictionary["column"].to_list() == frame.columns
    assert by_date.dictionary["meaning"].str.len_chars().min() > 3
    numbers = [name for name in by_date.numeric if frame.schema[name] != pl.Boolean]
    assert set(frame.select(numbers).dtypes) == {pl.Float32}
    assert not frame.select(pl.col(numbers).is_infinite().any()).row(0).count(True)
    assert by_date.matrix().shape == (len(frame), len(by_date.numeric))
    assert "customers.region" in by_date.features
    assert "customers.region" not in by_date.numeric


def test_dates_are_put_in_order_and_taken_once(shop: EventLog, by_date: BaseTable) -> None:
    muddled = [DATES[2], DATES[0], DATES[1], DATES[3], DATES[0]]

    table = base_table(shop, as_of=muddled, horizon=QUARTER, groups=GROUPS)

    assert_frame_equal(table.frame, by_date.frame)
    assert table.notes[:2] == (
        "5 as-of dates were given, 4 of them different.",
        "the as-of dates were put in order, earliest first.",
    )


def test_without_dates_those_are_taken_that_the_history_allows(shop: EventLog) -> None:
    table = base_table(shop, horizon=QUARTER, groups=())

    assert table.frame["observed"].all()
    assert table.frame["as_of"].n_unique() >= 2
    with pytest.raises(NotEnoughDataError, match="it would with"):
        base_table(shop, horizon=Horizon(3, "year"))


def test_a_horizon_beyond_the_log_leaves_every_target_open(shop: EventLog) -> None:
    table = base_table(shop, as_of=DATES[:2], horizon=Horizon(20, "year"), groups=())

    assert not table.observed.any()
    assert "no row has a known outcome" in table.warnings[0]


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"as_of": [date(2030, 1, 1)]}, FutureEventError, "nobody can be seen as of 2030-01-01"),
        ({"as_of": []}, SettingsError, "0 as-of dates"),
        ({"groups": ["rythm"]}, SettingsError, "no feature groups"),
        ({"n_folds": 0}, SettingsError, "at least 1 block"),
    ],
)
def test_what_cannot_be_told_is_refused(
    shop: EventLog, asked: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        base_table(shop, **{"as_of": DATES, "horizon": QUARTER, **asked})


@pytest.mark.parametrize("ages", [(), (0, 7), (7, 365)])
def test_ages_outside_the_life_that_is_judged_are_refused(
    shop: EventLog, ages: tuple[int, ...]
) -> None:
    with pytest.raises(SettingsError, match="whole days from 1 to 364"):
        base_table_by_age(shop, ages=ages)


def test_a_log_that_is_quiet_at_its_end_may_say_so(shop: EventLog) -> None:
    quiet = shop.next_day() + timedelta(days=30)

    table = base_table(shop, as_of=[quiet], horizon=WEEK, groups=(), known_until=quiet)

    assert not table.observed.any()
    with pytest.raises(SettingsError, match="without targets"):
        _ = base_table(shop, as_of=[DATES[0]], groups=(), targets="none").observed


@pytest.mark.slow
def test_a_gap_keeps_targets_from_the_dates_right_after_them(shop: EventLog) -> None:
    weekly = [START + timedelta(days=7 * k) for k in range(40, 44)]

    def first_taught(gap: int) -> object:
        table = base_table(shop, as_of=weekly, horizon=WEEK, groups=(), gap=gap)
        return table.frame.filter(pl.col("as_of") == weekly[0])["train_from"].unique().to_list()

    assert first_taught(0) == [weekly[1]]
    assert first_taught(7) == [weekly[2]]
    assert first_taught(8) == [weekly[3]]
    with pytest.raises(SettingsError, match="a gap is 0 days or more"):
        first_taught(-1)


@pytest.mark.slow
def test_seasons_have_no_age(shop: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    line = {"december_days": ("count(*) FILTER (month(event_day) = 12)", "days in a December")}
    monkeypatch.setitem(FEATURES, "seasons", Group("days", line))

    table = base_table_by_age(shop, ages=(1,), age_end=90, groups=("all",))

    assert "december_days" not in table.features
    assert "mean_gap" in table.features
    assert any("an age has no date" in note and "seasons" in note for note in table.notes)
    with pytest.raises(SettingsError, match=r"\['seasons'\] are of the calendar"):
        base_table_by_age(shop, groups=("rhythm", "seasons"))
    assert "december_days" in base_table(shop, as_of=DATES[:1], groups=("seasons",)).features


def test_a_group_without_its_columns_is_refused() -> None:
    with pytest.raises(SettingsError, match="needs quantity, which this log does not have"):
        base_table(tiny(), as_of=[START + timedelta(days=9)], groups=("item_windows",))
