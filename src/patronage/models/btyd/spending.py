"""What every model of spend owes the purchase models that it is composed with."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from patronage.forecast.spend import AbstractSpend
from patronage.models.encoders.covariates import FittedCovariates
from patronage.models.fitting.report import FitReport
from patronage.snapshots import RFM, Snapshot

__all__ = ["FittedSpend", "SpendModel", "attributes_of", "buyers_of", "reads_of"]


@runtime_checkable
class FittedSpend(Protocol):
    """A frozen dataclass of what was learned of the money of a purchase."""

    @property
    def name(self) -> str:
        """Name in the catalogue."""
        ...

    @property
    def features(self) -> tuple[str, ...]:
        """Feature groups that `spend` reads beyond RFM."""
        ...

    @property
    def is_net(self) -> bool:
        """Whether its money has refunds and fees in it already."""
        ...

    @property
    def report(self) -> FitReport | None:
        """The fit; None where a pooled mean is used instead."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences that say what is doubtful and what to do about it."""
        ...

    @property
    def facts(self) -> Mapping[str, Any]:
        """What else to tell beside the report, ready for JSON: mean, independence, …."""
        ...

    def spend(self, rfm: RFM) -> AbstractSpend:
        """Money per purchase of each customer, given the purchases seen."""
        ...

    def mean_gradient(self, rfm: RFM) -> Float[np.ndarray, "customers k"]:
        """Derivatives of the expected spend with respect to the report's θ; none if pooled."""
        ...

    @property
    def mean_root(self) -> Float[np.ndarray, "k k"]:
        """Cholesky factor of the covariance of θ; empty if pooled."""
        ...


@runtime_checkable
class SpendModel(Protocol):
    """A frozen dataclass of settings."""

    @property
    def features(self) -> tuple[str, ...]:
        """Feature groups that `fit_rfm` reads beyond RFM."""
        ...

    @property
    def counts_free(self) -> bool:
        """Whether purchases that cost nothing are purchases to it."""
        ...

    def fit_rfm(self, rfm: RFM, *, seed: int = 0) -> FittedSpend:
        """Fit to the rows with usable amounts."""
        ...


@runtime_checkable
class _Reads(Protocol):
    reads: tuple[str, ...]


@runtime_checkable
class _Shifted(Protocol):
    covariates: FittedCovariates | None


def buyers_of(snapshot: Snapshot, features: Sequence[str]) -> RFM:
    """The customers with a purchase, with these groups of features: those whose money is known."""
    known = snapshot.with_features(features)
    return known.rfm().take(known.customers["is_buyer"].to_numpy())


def reads_of(model: object) -> tuple[str, ...]:
    """Names of the covariates that a model reads; most read none."""
    return model.reads if isinstance(model, _Reads) else ()


def attributes_of(fitted: FittedSpend | None) -> FittedCovariates | None:
    """How covariates shift the spend; None: they do not."""
    return fitted.covariates if isinstance(fitted, _Shifted) else None
