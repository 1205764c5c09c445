"""Bootstrap: how far expected values would move with other customers to learn from."""

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Final, final

import numpy as np
from jaxtyping import Float

from patronage.errors import SettingsError
from patronage.forecast import AbstractForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.btyd.model import AbstractBTYD
from patronage.models.explaining import Account
from patronage.models.training_pairs import rewound_origins
from patronage.snapshots import Snapshot
from patronage.uncertainty.accounts import levelled_account
from patronage.uncertainty.out_of_time import actual_totals, expected_totals, trials_at

__all__ = ["Bootstrap", "FittedBootstrap", "residual_root"]

_GROUPS: Final = 10
_BLOCK: Final = 1 << 22


def residual_root(
    expected: Float[np.ndarray, " rows"],
    actual: Float[np.ndarray, " rows"],
    edges: Float[np.ndarray, " edges"],
    *,
    n: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "groups groups"]:
    """Root of the covariance of each group's log(actual / expected) over `n` resamplings.

    Each resampling gives every customer an exponential weight (Rubin 1981).

    Parameters
    ----------
    edges : expected cash at which groups end
    """
    group = np.searchsorted(edges, expected)
    n_groups = len(edges) + 1
    member = (group[:, None] == np.arange(n_groups)).astype(float)
    whole = max(float(actual.sum() / max(expected.sum(), 1e-300)), 1e-9)
    # Why: a share of what all taught, so that a group of whom nobody bought has a logarithm.
    told = member * expected[:, None]
    came = member * (0.99 * np.maximum(actual, 0.0) + 0.01 * whole * expected)[:, None]
    ratios = np.empty((n, n_groups))
    size = max(1, _BLOCK // max(len(expected), 1))
    for first in range(0, n, size):
        weight = rng.standard_exponential((min(size, n - first), len(expected)))
        sums, means = weight @ came, weight @ told
        sound = (sums > 0) & (means > 0)
        ratios[first : first + size] = np.log(np.where(sound, sums / np.where(sound, means, 1), 1))
    covariance = np.atleast_2d(np.cov(ratios, rowvar=False))
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


@final
@dataclass(frozen=True)
class FittedBootstrap:
    """Learned: the model, and how its expectations vary.

    Attributes
    ----------
    model : makes the forecasts
    method : "weights", the fit itself was resampled and its forecasts carry what came of it; or
        "residuals", the errors of groups of customers were, on rewound folds
    n : resamplings
    edges : expected cash a day at which groups end
    root : a row per group, a column per independent factor of log expected cash
    """

    model: FittedModel
    method: str
    n: int
    edges: Float[np.ndarray, " edges"]
    root: Float[np.ndarray, "groups factors"]

    @property
    def features(self) -> tuple[str, ...]:
        return self.model.features

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> AbstractForecast:
        return self._bounded(self.model.predict(snapshot, horizon))

    def explain(self, snapshot: Snapshot, horizon: Horizon, reference: Snapshot) -> Account:
        """The model's account, levelled as its forecast is."""
        return levelled_account(self._bounded, self.model, snapshot, horizon, reference)

    def _bounded(self, base: AbstractForecast) -> AbstractForecast:
        """The model's forecast with what the resampled errors say of its mean."""
        if self.method == "weights":
            return base
        mean = base.mean().sum(axis=1)
        group = np.searchsorted(self.edges, mean / base.horizon.days)
        factors = mean[:, None] * self.root[group]
        return replace(base, mean_factors=factors)  # type: ignore[type-var]


@final
@dataclass(frozen=True)
class Bootstrap:
    """Any model with intervals of the expected value from resampled customers.

    A buy-till-you-die model has its fit resampled: each draw weighs the customers anew and takes
    one Newton step (`models.fitting.bootstrap`), purchases and spend alike; its covariance replaces
    the curvature's. To refit any other model a thousand times would cost too much. Of those the
    errors on rewound folds are resampled: log(actual / expected) of ten groups by expected cash,
    which tells how surely outcomes of so many customers fix the level of each, and includes no
    doubt about which group a customer belongs to. With a few hundred customers of heavy-tailed
    spend such intervals are too narrow (about 85 % where 90 % was meant). Either way what the model
    said of its own uncertainty is replaced.

    Attributes
    ----------
    model : the model
    n : resamplings; of fits it is always 1,000
    n_folds : earlier origins whose errors are resampled
    """

    model: Model
    n: int = 1000
    n_folds: int = 1

    def __post_init__(self) -> None:
        if self.n < 100:
            raise SettingsError(f"{self.n} resamplings tell little.\nTo mend: 100 or more.")

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedBootstrap:
        if isinstance(self.model, AbstractBTYD):
            fitted = _resampling(self.model).fit(snapshot, horizon, seed=seed)
            return FittedBootstrap(fitted, "weights", 1000, np.empty(0), np.empty((1, 0)))
        rewound = rewound_origins(snapshot, horizon, n_min=self.n_folds)
        trials = trials_at(self.model, snapshot, rewound.origins, rewound.horizon, seed=seed)
        expected = expected_totals(trials)
        n_groups = max(1, min(_GROUPS, len(expected) // 100))
        shares = np.arange(1, n_groups) / n_groups
        edges = np.unique(np.quantile(expected, shares, method="lower"))
        # Why: where many are equal, nobody may be above the last edge.
        edges = edges[edges < expected.max()]
        root = residual_root(
            expected,
            actual_totals(trials),
            edges,
            n=self.n,
            rng=np.random.default_rng([seed, trials[-1].at.as_of.toordinal()]),
        )
        return FittedBootstrap(
            self.model.fit(snapshot, horizon, seed=seed),
            "residuals",
            self.n,
            edges / rewound.horizon.days,
            root,
        )


def _resampling(settings: Any) -> Any:
    """The same settings, and those of the spend within, with a bootstrapped posterior."""
    known = {field.name for field in fields(settings)}
    changed: dict[str, Any] = {"uncertainty": "bootstrap"} if "uncertainty" in known else {}
    spend = getattr(settings, "spend", None)
    if is_dataclass(spend):
        changed["spend"] = _resampling(spend)
    return replace(settings, **changed)
