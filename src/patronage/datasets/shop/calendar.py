"""What touches everybody: weekdays, seasons, holidays, promotions, prices, a market event.

Purchases run in season-adjusted time: the integral of a factor whose mean is 1. Rates are then
per average day, and the process is Poisson (or Erlang) in that time whatever the season.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from patronage.datasets.shop.settings import SimulationSettings

__all__ = ["AHEAD_DAYS", "ShopCalendar", "make_calendar"]

# Days beyond the end for which the factor is known, so that expectations reach ten years ahead.
AHEAD_DAYS: Final = 3_660

_WEEKDAYS: Final = np.array([1.05, 0.95, 0.95, 1.0, 1.05, 0.9, 1.1])  # Monday first
_MORNING: Final = (0.4, 0.2, 0.1, 0.1, 0.1, 0.3, 0.8, 1.4, 2.0, 2.6, 3.0, 3.1)
_EVENING: Final = (3.2, 3.0, 2.8, 2.7, 2.8, 3.0, 3.4, 3.8, 4.0, 3.4, 2.2, 1.0)
_HOURS: Final = np.array([*_MORNING, *_EVENING])


@dataclass(frozen=True)
class _Occasion:
    name: str
    kind: str
    start: date
    n_days: int
    factor: float
    discount: float = 0.0
    announced_days: int = 365


@dataclass(frozen=True)
class ShopCalendar:
    """The shop's days, counted from `start`.

    Attributes
    ----------
    start : day 0
    factor : purchase intensity of each day relative to the average day, to AHEAD_DAYS past the end
    discount : fraction off every price on that day
    price_index : price level of each day, 1 on day 0
    clock : season-adjusted time at the start of each hour until the end, in average days
    table : the `calendar` side table
    """

    start: date
    factor: Float[np.ndarray, " days"]
    discount: Float[np.ndarray, " days"]
    price_index: Float[np.ndarray, " days"]
    clock: Float[np.ndarray, " hours"]
    table: pl.DataFrame

    def adjusted(self, t: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
        """Season-adjusted time at `t` days from the start."""
        return np.asarray(np.interp(t * 24.0, np.arange(len(self.clock)), self.clock))

    def instant(self, adjusted: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
        """Days from the start at a season-adjusted time; the inverse of `adjusted`."""
        return np.asarray(np.interp(adjusted, self.clock, np.arange(len(self.clock))) / 24.0)

    def price_level(self, day: Int[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
        """What a list price is multiplied by on a day."""
        return np.asarray(self.price_index[day] * (1.0 - self.discount[day]))


def make_calendar(settings: SimulationSettings) -> ShopCalendar:
    """The calendar of the shop's years and of the ten years after."""
    n_days = settings.n_days + AHEAD_DAYS
    days = np.datetime64(settings.start, "D") + np.arange(n_days)
    day_of_year = (days - days.astype("datetime64[Y]")).astype(np.int64)
    weekday = (days.astype(np.int64) + 3) % 7
    factor = _WEEKDAYS[weekday] * (1 + 0.15 * np.cos(2 * np.pi * (day_of_year - 340) / 365.25))
    discount = np.zeros(n_days)
    occasions = [*_occasions(settings), _market_event(settings)]
    for occasion in occasions:
        first = (occasion.start - settings.start).days
        span = slice(max(first, 0), max(first + occasion.n_days, 0))
        factor[span] *= occasion.factor
        discount[span] = np.maximum(discount[span], occasion.discount)
    factor = factor**settings.seasonality
    factor /= factor.mean()
    quarter = (np.arange(n_days) // 91).astype(np.float64)
    price_index = np.round(1.0075**quarter, 4)
    return ShopCalendar(
        settings.start,
        factor,
        discount,
        price_index,
        hourly_clock(factor[: settings.n_days]),
        _table(settings, occasions, price_index),
    )


def hourly_clock(daily: Float[np.ndarray, " days"]) -> Float[np.ndarray, " hours"]:
    """The integral of a daily intensity, spread over the shop's hours, at each hour's start."""
    hourly = np.outer(daily, _HOURS / _HOURS.sum()).ravel()
    return np.concatenate([[0.0], np.cumsum(hourly)])


def _occasions(settings: SimulationSettings) -> Iterator[_Occasion]:
    last = (settings.end + timedelta(days=AHEAD_DAYS)).year
    for year in range(settings.start.year, last + 1):
        mothers_day = _nth_weekday(year, 5, weekday=6, n=2)
        thanksgiving = _nth_weekday(year, 11, weekday=3, n=4)
        yield _Occasion("New Year", "holiday", date(year, 1, 1), 2, 0.6)
        yield _Occasion("Valentine's Day", "holiday", date(year, 2, 7), 8, 1.25)
        yield _Occasion("Spring sale", "promotion", date(year, 3, 20), 7, 1.5, 0.15, 21)
        yield _Occasion("Mother's Day", "holiday", mothers_day - timedelta(days=7), 8, 1.3)
        yield _Occasion("Summer sale", "promotion", date(year, 7, 5), 10, 1.4, 0.20, 21)
        yield _Occasion("Black Friday", "promotion", thanksgiving, 5, 2.4, 0.25, 30)
        yield _Occasion("Christmas", "holiday", date(year, 12, 1), 20, 1.5)
        yield _Occasion("Christmas days", "holiday", date(year, 12, 24), 4, 0.5)


def _market_event(settings: SimulationSettings) -> _Occasion:
    first = settings.start + timedelta(days=int(0.5 * settings.n_days))
    return _Occasion("A rival opens near by", "market_event", first, 60, 0.85, announced_days=0)


def _nth_weekday(year: int, month: int, *, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _table(
    settings: SimulationSettings,
    occasions: list[_Occasion],
    price_index: Float[np.ndarray, " days"],
) -> pl.DataFrame:
    rows: list[tuple[date, date, str, str, float | None, date]] = [
        (
            occasion.start,
            occasion.start + timedelta(days=occasion.n_days - 1),
            occasion.name,
            occasion.kind,
            occasion.discount or None,
            occasion.start - timedelta(days=occasion.announced_days),
        )
        for occasion in occasions
    ]
    for day in range(0, settings.n_days, 91):
        first = settings.start + timedelta(days=day)
        rows.append(
            (
                first,
                first + timedelta(days=90),
                "Price list",
                "price_index",
                float(price_index[day]),
                first - timedelta(days=7),
            )
        )
    return (
        pl.DataFrame(
            rows, schema=["start", "end", "name", "kind", "value", "known_time"], orient="row"
        )
        .with_columns(
            pl.col("value").cast(pl.Float64), pl.col("known_time").cast(pl.Datetime("us"))
        )
        .filter(pl.col("known_time") < pl.lit(settings.end).cast(pl.Datetime("us")))
        .sort("start", "name")
    )
