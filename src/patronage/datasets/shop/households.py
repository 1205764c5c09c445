"""Who lives with whom, and who came because of whom."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from patronage.datasets.shop.settings import SimulationSettings

__all__ = ["Relations", "draw_relations"]

_HOUSEHOLD_CORRELATION: Final = 0.6
_REFERRAL_CORRELATION: Final = 0.5


@dataclass(frozen=True)
class Relations:
    """The links, and the standard normal score of each customer's purchase rate.

    Linked customers have correlated scores, so that the graph carries a signal; each score by
    itself stays exactly standard normal, so that the rates stay exactly Gamma.

    Attributes
    ----------
    score : (customers,)
    links : rows of customer, other (row numbers), relation, known (days)
    """

    score: Float[np.ndarray, " customers"]
    links: pl.DataFrame


def draw_relations(
    settings: SimulationSettings,
    acquired: Float[np.ndarray, " customers"],
    channel: Int[np.ndarray, " customers"],
    rng: np.random.Generator,
) -> Relations:
    """Households of two or three, then one referrer for each customer of the channel 'referral'.

    `acquired` is sorted. A household is known a few days after its last member came (two orders to
    one address), in both directions; a referral when the referred customer came, from the
    referrer (customer_id) to the referred (other_id).
    """
    score = rng.standard_normal(len(acquired))
    referral = np.array([c.name == "referral" for c in settings.channels])[channel]
    score, household = _households(settings, acquired, np.flatnonzero(~referral), score, rng)
    score, referred = _referrals(acquired, np.flatnonzero(referral), referral, score, rng)
    return Relations(score, pl.concat([household, referred]).sort("known", "customer", "other"))


def _households(
    settings: SimulationSettings,
    acquired: Float[np.ndarray, " customers"],
    candidates: Int[np.ndarray, " candidates"],
    score: Float[np.ndarray, " customers"],
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, " customers"], pl.DataFrame]:
    n_members = min(round(settings.household_share * len(acquired)), len(candidates))
    members = rng.permutation(candidates)[:n_members]
    # Sizes 2, 2, 3, 2, 2, 3, …; a last member alone is no household.
    bounds = np.cumsum(np.resize([2, 2, 3], n_members // 2))
    home = np.searchsorted(bounds, np.arange(n_members), side="right")
    size = np.bincount(home, minlength=1)
    keep = size[home] > 1
    members, home = members[keep], home[keep]
    shared = rng.standard_normal(int(home.max()) + 1 if len(home) else 0)
    mixed = score.copy()
    mixed[members] = (
        np.sqrt(_HOUSEHOLD_CORRELATION) * shared[home]
        + np.sqrt(1 - _HOUSEHOLD_CORRELATION) * score[members]
    )
    one = pl.DataFrame({"home": home, "customer": members, "since": acquired[members]})
    last = one.group_by("home").agg(pl.col("since").max().alias("last")).sort("home")
    delay = rng.exponential(6.0, len(last))
    links = (
        one.join(one.select("home", other="customer"), on="home")
        .filter(pl.col("customer") != pl.col("other"))
        .join(last.with_columns((pl.col("last") + delay).alias("known")), on="home")
        .select("customer", "other", pl.lit("household").alias("relation"), "known")
    )
    return mixed, links


def _referrals(
    acquired: Float[np.ndarray, " customers"],
    referred: Int[np.ndarray, " referred"],
    referral: np.ndarray,
    score: Float[np.ndarray, " customers"],
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, " customers"], pl.DataFrame]:
    givers = np.flatnonzero(~referral)
    n_before = np.searchsorted(acquired[givers], acquired[referred])
    referred, n_before = referred[n_before > 0], n_before[n_before > 0]
    # Why the power: some customers recommend much more often than others.
    pick = (rng.uniform(size=len(referred)) ** 1.5 * n_before).astype(np.int64)
    giver = givers[pick] if len(referred) else referred
    mixed = score.copy()
    rho = _REFERRAL_CORRELATION
    mixed[referred] = rho * score[giver] + np.sqrt(1 - rho**2) * score[referred]
    links = pl.DataFrame(
        {
            "customer": giver,
            "other": referred,
            "relation": np.full(len(referred), "referral"),
            "known": acquired[referred],
        },
        schema_overrides={"relation": pl.String},
    )
    return mixed, links
