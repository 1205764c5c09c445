"""Blocks of customers and of time, and which rows may teach a later day.

A row is learned from only where its outcome was over before the day that is forecast: a label
window that reaches past that day would tell of what is to be forecast.
"""

from hashlib import blake2b
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.errors import SettingsError

__all__ = ["places_of_customers", "with_blocks", "with_purge"]

_BYTES: Final = 8


def places_of_customers(customer_id: pl.Series, *, seed: int) -> Float[np.ndarray, " rows"]:
    """Each row's customer as a number in [0, 1), by its id and the seed alone.

    So a customer has the same place at every date, in every table and beside any others.
    """
    customers = customer_id.unique()
    key = seed.to_bytes(_BYTES, "little")
    places = [
        int.from_bytes(blake2b(str(one).encode(), digest_size=_BYTES, key=key).digest(), "little")
        # Why 53 of the 64 bits: all of them, as a float, could round up to 1.
        >> 11
        for one in customers
    ]
    table = pl.DataFrame({"customer_id": customers, "place": places})
    found = customer_id.to_frame("customer_id").join(table, "customer_id", maintain_order="left")
    return np.asarray(found["place"].to_numpy() / 2.0**53)


def with_blocks(rows: pl.DataFrame, *, n_folds: int, seed: int) -> pl.DataFrame:
    """The rows with `weight` (1 / number of rows of the customer) and `fold` of the customer."""
    fold = np.floor(places_of_customers(rows["customer_id"], seed=seed) * n_folds).astype(np.int32)
    return rows.with_columns(
        weight=1.0 / pl.len().over("customer_id").cast(pl.Float64), fold=pl.Series(fold)
    )


def with_purge(rows: pl.DataFrame, *, gap: int) -> pl.DataFrame:
    """The rows with `overlaps` and `train_from`, by their as_of, label_end and time_block.

    overlaps : the label window and the gap reach past the first day of a later block
    train_from : first day of the first block that the row may teach; null where there is none

    Parameters
    ----------
    gap : days between the end of a label window and the first block that it may teach

    Raises
    ------
    SettingsError : a gap below 0
    """
    if gap < 0:
        raise SettingsError(f"a gap is 0 days or more; {gap} given.")
    starts = rows.group_by("time_block").agg(pl.col("as_of").min()).sort("time_block")["as_of"]
    edges = starts.to_numpy().astype("datetime64[D]")
    ends = rows["label_end"].to_numpy().astype("datetime64[D]") + gap
    place = np.searchsorted(edges, ends, side="left")
    following = np.append(edges, np.datetime64("NaT"))[place]
    block = rows["time_block"].to_numpy()
    return rows.with_columns(
        overlaps=pl.Series(place > block + 1), train_from=pl.Series(following).cast(pl.Date)
    )
