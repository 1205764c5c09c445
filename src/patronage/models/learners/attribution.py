"""Parts of raw scores, one per feature: of trees exact TreeSHAP values (Lundberg et al. 2020)."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32

__all__ = ["Attributes", "AttributesJointly"]


@runtime_checkable
class Attributes(Protocol):
    """A predictor whose members' raw scores are sums of parts, one per feature."""

    @property
    def members(self) -> tuple[str, ...]:
        """What each was learned as."""
        ...

    @property
    def link(self) -> str:
        """'logit' or 'log' or 'identity': from a raw score to the member's prediction."""
        ...

    @property
    def scale(self) -> float:
        """What the mean of the members' predictions is multiplied with."""
        ...

    def raw_parts(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> tuple[Float[np.ndarray, " members"], Float[np.ndarray, "rows members features"]]:
        """Each member's raw score of nobody in particular, and each row's parts beyond it."""
        ...


@runtime_checkable
class AttributesJointly(Protocol):
    """A predictor of several scores, each of which is a sum of parts, one per feature."""

    def score_parts(
        self, matrix: Float32[np.ndarray, "rows features"]
    ) -> tuple[Float[np.ndarray, " scores"], Float[np.ndarray, "rows scores features"]]:
        """The scores of nobody in particular, and each row's parts beyond them."""
        ...
