"""How far outcomes fall from their expectation, learned from customers that the trees never saw."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq, minimize
from scipy.special import digamma, gammaln

__all__ = ["AmountSpread", "TweedieSpread", "learn_amount_spread", "learn_tweedie_spread"]

MIN_ROWS_IN_BIN: Final = 200
MAX_BINS: Final = 8


@dataclass(frozen=True)
class AmountSpread:
    """Of positive cash about its conditional mean.

    Attributes
    ----------
    family : what fits the unseen customers better
    log_mean : middle of each bin of the conditional mean, log of the log's currency
    squared_cv : variance over squared mean in each bin; between bins it is interpolated
    """

    family: Literal["log_normal", "gamma"]
    log_mean: Float[np.ndarray, " bins"]
    squared_cv: Float[np.ndarray, " bins"]

    def at(self, mean: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
        """Squared coefficient of variation of positive cash with this conditional mean."""
        found = np.interp(np.log(np.maximum(mean, 1e-300)), self.log_mean, np.log(self.squared_cv))
        return np.asarray(np.exp(found))


def learn_amount_spread(
    cash: Float[np.ndarray, " rows"], mean: Float[np.ndarray, " rows"]
) -> AmountSpread:
    """Maximum likelihood in bins of the mean, with the mean itself held where the trees put it.

    Parameters
    ----------
    cash : positive outcomes
    mean : their expectation, by trees that did not see the customer
    """
    n_bins = int(np.clip(len(cash) // MIN_ROWS_IN_BIN, 1, MAX_BINS))
    order = np.argsort(mean, kind="stable")
    bins = np.array_split(order, n_bins)
    ratio = cash / mean
    middle = np.array([np.log(np.median(mean[rows])) for rows in bins])
    candidates = {"log_normal": _log_normal, "gamma": _gamma}
    fits = {name: [fit(ratio[rows]) for rows in bins] for name, fit in candidates.items()}
    family: Literal["log_normal", "gamma"] = max(
        ("log_normal", "gamma"), key=lambda name: sum(fit[1] for fit in fits[name])
    )
    middle, first = np.unique(middle, return_index=True)
    squared_cv = np.array([fit[0] for fit in fits[family]])[first]
    return AmountSpread(family, middle, squared_cv)


def _log_normal(ratio: Float[np.ndarray, " rows"]) -> tuple[float, float]:
    """Squared cv and log-likelihood of ratios with mean 1: log ratio ~ N(−s/2, s).

    The score in s is zero where s + s²/4 = mean(log²).
    """
    logs = np.log(ratio)
    s = float(np.clip(2.0 * (np.sqrt(1.0 + np.mean(logs**2)) - 1.0), 1e-4, 6.0))
    likelihood = -0.5 * np.log(2 * np.pi * s) - (logs + s / 2) ** 2 / (2 * s) - logs
    return float(np.expm1(s)), float(likelihood.sum())


def _gamma(ratio: Float[np.ndarray, " rows"]) -> tuple[float, float]:
    """Squared cv and log-likelihood of ratios with mean 1: a gamma of shape = rate = k."""
    excess = float(np.mean(ratio) - np.mean(np.log(ratio)) - 1.0)

    def score(log_k: float) -> float:
        k = np.exp(log_k)
        return float(log_k - digamma(k) - excess)

    low, high = np.log(0.02), np.log(1e4)
    if score(low) <= 0:
        k = np.exp(low)
    elif score(high) >= 0:
        k = np.exp(high)
    else:
        k = np.exp(brentq(score, low, high, xtol=1e-10))
    likelihood = k * np.log(k) - gammaln(k) + (k - 1) * np.log(ratio) - k * ratio
    return float(1.0 / k), float(likelihood.sum())


@dataclass(frozen=True)
class TweedieSpread:
    """Variance = dispersion × mean ** power, with 1 < power < 2: gamma amounts, Poisson often.

    Attributes
    ----------
    power, dispersion : of most likelihood, given the means
    log_likelihood : mean per row; comparable between means, however they were learned
    """

    power: float
    dispersion: float
    log_likelihood: float


def learn_tweedie_spread(
    cash: Float[np.ndarray, " rows"],
    mean: Float[np.ndarray, " rows"],
    *,
    rng: np.random.Generator,
    most_positive: int = 1500,
) -> TweedieSpread:
    """Maximum likelihood of power and dispersion, starting at the moments for power 1.5.

    The chance of nothing is exact for every row; the density of positive cash, a series, is
    taken on at most `most_positive` rows that stand for all of them.
    """
    nothing = mean[cash <= 0]
    positive = np.flatnonzero(cash > 0)
    if len(positive) > most_positive:
        chosen = rng.choice(positive, most_positive, replace=False)
    else:
        chosen = positive
    stands_for = len(positive) / max(len(chosen), 1)

    def loss(theta: Float[np.ndarray, " 2"]) -> float:
        power, dispersion = _unpack(theta)
        silent = -float(np.sum(nothing ** (2 - power))) / (dispersion * (2 - power))
        paid = log_density(cash[chosen], mean[chosen], power=power, dispersion=dispersion)
        return -(silent + stands_for * float(paid.sum())) / len(cash)

    moment = float(np.mean((cash - mean) ** 2 / mean**1.5))
    start = np.array([0.0, np.log(max(moment, 1e-6))])
    found = minimize(
        loss, start, method="Nelder-Mead", options={"xatol": 2e-3, "fatol": 1e-5, "maxiter": 200}
    )
    power, dispersion = _unpack(found.x)
    return TweedieSpread(power, dispersion, -float(found.fun))


def _unpack(theta: Float[np.ndarray, " 2"]) -> tuple[float, float]:
    # Power stays within (1.05, 1.95): at 1 amounts lose their spread, at 2 nobody pays nothing.
    power = 1.05 + 0.9 / (1.0 + np.exp(-np.clip(theta[0], -30, 30)))
    return float(power), float(np.exp(np.clip(theta[1], -30, 30)))


def log_density(
    cash: Float[np.ndarray, " rows"],
    mean: Float[np.ndarray, " rows"],
    *,
    power: float,
    dispersion: float,
) -> Float[np.ndarray, " rows"]:
    """Log-density of positive cash: Poisson-many gamma amounts (Dunn & Smyth 2005).

    The sum over the number of amounts runs over 81 terms about its largest.
    """
    rate = mean ** (2 - power) / (dispersion * (2 - power))
    shape = (2 - power) / (power - 1)
    scale = dispersion * (power - 1) * mean ** (power - 1)
    largest = np.maximum(np.round(cash ** (2 - power) / (dispersion * (2 - power))), 1.0)
    n = np.maximum(largest[:, None] + np.arange(-40.0, 41.0), 0.0)
    terms = n * (np.log(rate) + shape * np.log(cash / scale))[:, None] - _log_gammas(n, shape)
    most = terms.max(axis=1)
    series = most + np.log(np.exp(terms - most[:, None]).sum(axis=1))
    return np.asarray(series - rate - cash / scale - np.log(cash))


def _log_gammas(
    n: Float[np.ndarray, "rows terms"], shape: float
) -> Float[np.ndarray, "rows terms"]:
    """log Γ(n + 1) + log Γ(n shape) of whole n; infinite for n = 0."""
    last = int(n.max(initial=0.0))
    if last > n.size:
        return np.asarray(gammaln(n + 1) + np.where(n > 0, gammaln(n * shape), np.inf))
    # Why: the same few whole numbers in every row; looked up, they cost a tenth.
    whole = np.arange(last + 1.0)
    table = gammaln(whole + 1) + np.where(whole > 0, gammaln(whole * shape), np.inf)
    return np.asarray(table[n.astype(np.int64)])
