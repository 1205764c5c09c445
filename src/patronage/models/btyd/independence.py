"""Does what customers spend per purchase depend on how often they buy? Forecasts assume: no."""

from dataclasses import asdict, dataclass
from typing import Any, Final, final

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from patronage.models.likelihoods.base import Likelihood, Table

__all__ = ["Independence", "check_independence"]

# Spend that changes by less than this share when purchases double moves no decision.
_MATERIAL: Final = 0.05
_SURE: Final = 0.01
_FEWEST: Final = 30
# So many customers show a dependence that matters; more would only cost (2 s a million).
_ENOUGH: Final = 50_000


@final
@dataclass(frozen=True)
class Independence:
    """The score test of spend ∝ (purchases seen)^elasticity against elasticity 0.

    Attributes
    ----------
    elasticity, standard_error : one Newton step from 0
    statistic : standard normal where spend does not depend on purchases
    p_value : of both sides
    material : the dependence is sure (p below 0.01), and spend changes by 5 % or more where
        purchases double
    sentence : the same in words
    """

    elasticity: float
    standard_error: float
    statistic: float
    p_value: float
    material: bool
    sentence: str

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to tell where the assumption fails materially."""
        if not self.material:
            return ()
        more = self.elasticity > 0
        return (
            f"spend and purchases are not independent: {self.sentence}; the cash of frequent "
            f"buyers is {'under' if more else 'over'}stated until they have bought a few times; "
            "Correlated(...) forecasts with the dependence",
        )

    @property
    def facts(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self)


def check_independence(
    likelihood: Likelihood[Any],
    theta: Float[np.ndarray, " k"],
    table: Table,
    purchases: Float[np.ndarray, " rows"],
    *,
    stretch: float = 1.0,
) -> Independence | None:
    """Test at a fit whether spend goes with the number of purchases; None where nothing differs.

    A customer's mean of few purchases is noisier, and its logarithm lower, than that of many. The
    score of the spend level has expectation 0 for every number of purchases if the two are
    independent, whatever the noise; so its sum with ln(purchases) is tested, with the fitted
    parameters' part taken out and the variance from the data (Boos 1992, On generalized score
    tests): it holds too where the spread of amounts is not quite that of the model.

    Parameters
    ----------
    theta, table : the fitted logarithms of the parameters and its rows, in one unit of money
    purchases : amounts seen of each row, 1 or more
    stretch : d ln spend / d of what the likelihood's effect on spend acts on
    """
    every = len(table) // _ENOUGH
    if every > 1:
        table, purchases = table.thinned(every), purchases[every // 2 :: every]
    weight = table.weight
    total = float(weight.sum())
    direction = np.array(likelihood.effects["spend"])
    log_n = np.log(purchases)
    log_n = log_n - weight @ log_n / total
    if total < _FEWEST or float(weight @ log_n**2) < 1e-9 * total:
        return None
    rows = likelihood.row_moments(np.tile(theta, (len(table), 1)), table)
    across = rows.hessian @ direction
    information = -np.einsum("r,rij->ij", weight, rows.hessian)
    if np.linalg.eigvalsh(information)[0] <= 0:
        return None
    shared = np.linalg.solve(information, -(weight * log_n) @ across)
    score = log_n * (rows.gradient @ direction) - rows.gradient @ shared
    own = -float((weight * log_n**2) @ (across @ direction)) - float(shared @ information @ shared)
    spread = float(np.sqrt(weight @ score**2))
    if own <= 1e-12 * total or spread == 0:
        return None
    own = own / stretch
    slope, z = float(weight @ score) / own, float(weight @ score) / spread
    p_value = 2 * float(ndtr(-abs(z)))
    doubling = float(np.exp2(np.clip(slope, -20, 20)) - 1)
    material = p_value < _SURE and abs(doubling) >= _MATERIAL
    return Independence(
        slope, spread / own, z, p_value, material, _sentence(doubling, p_value, total)
    )


def _sentence(doubling: float, p_value: float, n_customers: float) -> str:
    p = "p < 0.0001" if p_value < 1e-4 else f"p = {p_value:.2g}"
    of = f"({p}, {n_customers:.0f} customers)"
    if p_value >= _SURE:
        return f"no sign that spend per purchase depends on how often a customer buys {of}"
    way = "more" if doubling > 0 else "less"
    size = f"{100 * abs(doubling):.1f} %"
    note = "" if abs(doubling) >= _MATERIAL else ", too little to matter"
    return f"customers who buy twice as often spend {size} {way} per purchase {of}{note}"
