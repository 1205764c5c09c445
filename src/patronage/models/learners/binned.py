"""A design matrix cut into bins once, for every head and member that grows on its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from patronage.errors import MissingExtraError

__all__ = ["BinnedTable", "lightgbm"]

_BINS: Final[Mapping[str, Any]] = {
    "max_bin": 127,
    # Why: else a feature would be dropped for what a head's own leaves can hold.
    "feature_pre_filter": False,
    "num_threads": 1,
    "verbose": -1,
}


@final
@dataclass(frozen=True)
class BinnedTable:
    """Rows of features, and LightGBM's bins of them.

    Attributes
    ----------
    matrix : the features; NaN where there is none
    seed : of the rows that bins are made from, where there are very many
    """

    matrix: Float32[np.ndarray, "rows features"]
    seed: int

    @property
    def parameters(self) -> dict[str, Any]:
        """What growing must repeat of how the bins were made."""
        return {**_BINS, "seed": self.seed}

    @cached_property
    def _whole(self) -> Any:
        return (
            lightgbm()
            .Dataset(self.matrix, np.zeros(len(self.matrix)), params=self.parameters)
            .construct()
        )

    def part(self, rows: Bool[np.ndarray, " rows"], target: Float[np.ndarray, " rows"]) -> Any:
        """LightGBM's data set of some of the rows, each with its target; costs no binning."""
        where: Int[np.ndarray, " part"] = np.flatnonzero(rows)
        return self._whole.subset(where).construct().set_label(target[where])

    def take(self, rows: Bool[np.ndarray, " rows"]) -> "BinnedTable":
        """Some of the rows, with bins of their own."""
        return BinnedTable(self.matrix[rows], self.seed)


def lightgbm() -> Any:
    """The package, imported when it is first needed."""
    try:
        import lightgbm
    except ImportError as error:
        raise MissingExtraError.of("lightgbm", "boost") from error
    except OSError as error:
        raise MissingExtraError(
            f"LightGBM is installed, but a library it needs cannot be loaded: {error}.\n"
            "To mend: install OpenMP (libgomp1 on Debian and Ubuntu, libomp on macOS)."
        ) from error
    return lightgbm
