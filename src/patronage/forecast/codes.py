"""Equal rows of several columns, told by one number."""

import numpy as np
from jaxtyping import Float

__all__ = ["equal_rows"]


def equal_rows(*columns: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
    """A number that two rows share where they are equal in all columns."""
    _, code = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
    return np.asarray(code, dtype=float).reshape(-1)
