"""The club: a monthly subscription with tiers, failed payments and cancellations."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from patronage.datasets.shop.customers import Customers
from patronage.datasets.shop.products import MEMBERSHIPS
from patronage.datasets.shop.settings import SimulationSettings
from patronage.horizon import DAYS_PER, Horizon

__all__ = ["Memberships", "draw_memberships"]

_MONTH: Final = DAYS_PER["month"]
_FEES: Final = np.array(list(MEMBERSHIPS.values()))
_TIERS: Final = tuple(MEMBERSHIPS)
_FAILURE: Final = 0.035
_RETRY_FAILS: Final = 0.35
_UPGRADE: Final = 0.025
_REASONS: Final = (
    "too expensive",
    "do not use it enough",
    "moving abroad",
    "found another shop",
    "no reason given",
)


@dataclass(frozen=True)
class Memberships:
    """The truth of the club; rows are members, times are days from the start.

    Attributes
    ----------
    customer : row of the customer
    start : first payment; the customer was alive then
    p_cancel : chance to cancel voluntarily before each renewal
    ended : when it was cancelled; infinite where it runs on at the end
    upgraded : when the tier changed from basic to plus; infinite where it did not; 0 plus at once
    events : the rows that all this left behind
    """

    customer: np.ndarray
    start: Float[np.ndarray, " members"]
    p_cancel: Float[np.ndarray, " members"]
    ended: Float[np.ndarray, " members"]
    upgraded: Float[np.ndarray, " members"]
    events: pl.DataFrame

    def expected(
        self,
        day: float,
        horizon: Horizon,
        alive: Bool[np.ndarray, " members"],
        death_rate: Float[np.ndarray, " members"],
    ) -> tuple[Float[np.ndarray, "members periods"], Float[np.ndarray, "members periods"]]:
        """Expected number and sum of the fees paid in each period from `day` on.

        Each month the member must be alive, not cancel, and pay at the first or second attempt;
        the tier is that of `day`, and may rise. Those who have yet to join are counted too, if
        they are customers by `day`.
        """
        edges = horizon.edges()
        count = np.zeros((len(self.start), horizon.n_periods))
        cash = np.zeros_like(count)
        stays = (1 - self.p_cancel) * (1 - _FAILURE * _RETRY_FAILS)
        paid = np.where(self.start < day, np.ceil((day - self.start) / _MONTH), 0.0)
        running = alive & (self.ended >= day)
        is_basic = (self.upgraded >= day).astype(np.float64)
        for step in range(int(horizon.days / _MONTH) + 2):
            ahead = self.start + (paid + step) * _MONTH - day
            renewals = step + (paid > 0)
            chance = running * np.exp(-death_rate * np.maximum(ahead, 0.0)) * stays**renewals
            basic = is_basic * (1 - _UPGRADE) ** renewals
            period = np.searchsorted(edges, ahead, side="right") - 1
            within = np.flatnonzero(period < horizon.n_periods)
            cell = (within, period[within])
            count[cell] += chance[within]
            cash[cell] += (chance * (basic * _FEES[0] + (1 - basic) * _FEES[1]))[within]
        return count, cash


def draw_memberships(
    settings: SimulationSettings, customers: Customers, rng: np.random.Generator
) -> Memberships:
    """Join within two months of the first order, then live month by month to the end."""
    share = settings.membership_share * settings.full
    wants = rng.uniform(size=len(customers)) < share * np.where(customers.business, 0.2, 1.0)
    begin = customers.acquired + rng.uniform(0.05, 60.0, len(customers))
    member = np.flatnonzero(wants & (begin < np.minimum(customers.left, settings.n_days)))
    start, left = begin[member], customers.left[member]
    p_cancel = rng.beta(1.2, 16.0, len(member))
    plus = rng.uniform(size=len(member)) < 0.25
    ended = np.full(len(member), np.inf)
    upgraded = np.where(plus, 0.0, np.inf)
    rows = [_rows(member, start, "subscription_start", plus, fee=True)]
    for month in range(1, int(settings.n_days / _MONTH) + 2):
        due = start + month * _MONTH
        open_ = np.isinf(ended) & (due < settings.n_days)
        cancels = open_ & ((rng.uniform(size=len(member)) < p_cancel) | (left <= due))
        eve = due - rng.uniform(0.02, 1.0, len(member))
        rows.append(_rows(member, eve, "cancellation", plus, where=cancels, rng=rng))
        ended = np.where(cancels, eve, ended)
        pays = open_ & ~cancels
        rises = pays & ~plus & (rng.uniform(size=len(member)) < _UPGRADE)
        plus = plus | rises
        rows.append(_rows(member, due - 0.01, "tier_change", plus, where=rises))
        upgraded = np.where(rises, due - 0.01, upgraded)
        fails = pays & (rng.uniform(size=len(member)) < _FAILURE)
        rows.append(_rows(member, due, "payment_failure", plus, where=fails))
        lost = fails & (rng.uniform(size=len(member)) < _RETRY_FAILS)
        rows.append(_rows(member, due + 3.0, "cancellation", plus, where=lost))
        ended = np.where(lost, due + 3.0, ended)
        when = np.where(fails, due + 3.0, due)
        rows.append(_rows(member, when, "renewal", plus, where=pays & ~lost, fee=True))
    return Memberships(member, start, p_cancel, ended, upgraded, pl.concat(rows))


def _rows(
    member: np.ndarray,
    time: Float[np.ndarray, " members"],
    kind: str,
    plus: Bool[np.ndarray, " members"],
    *,
    where: Bool[np.ndarray, " members"] | None = None,
    fee: bool = False,
    rng: np.random.Generator | None = None,
) -> pl.DataFrame:
    """Event rows of one kind; a cancellation with `rng` has a reason, one without was not paid."""
    picked = np.arange(len(member)) if where is None else np.flatnonzero(where)
    tier = plus[picked].astype(np.int64)
    text = pl.repeat("payment failed" if kind == "cancellation" else None, len(picked), eager=True)
    if rng is not None:
        text = pl.Series(_REASONS).gather(rng.integers(len(_REASONS), size=len(picked)))
    return pl.DataFrame(
        {
            "customer": member[picked],
            "time": time[picked],
            "kind": pl.repeat(kind, len(picked), eager=True),
            "amount": _FEES[tier] * fee,
            "product_id": pl.Series(_TIERS).gather(tier),
            "quantity": np.full(len(picked), float(fee)),
            "text": text.cast(pl.String),
        }
    )
