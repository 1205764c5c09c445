"""TF-IDF: how much of each telling word a customer's texts hold (Spärck Jones 1972)."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import polars as pl
from jaxtyping import Float, Float32

from patronage.engines import default_engine
from patronage.horizon import Horizon
from patronage.snapshots import Snapshot

__all__ = ["TaughtTerms", "TermWeights"]

_WORD: Final = r"[\p{L}]{3,}"


@final
@dataclass(frozen=True)
class TaughtTerms:
    """Learned: the words, and how rare each is.

    Attributes
    ----------
    terms : most common first
    idf : log of customers with any text over customers with the word
    n_terms : columns; where fewer words were found, the last are empty
    """

    terms: tuple[str, ...]
    idf: Float[np.ndarray, " terms"]
    n_terms: int

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    @property
    def columns(self) -> tuple[str, ...]:
        # Why by number: the words of one origin are not those of another, their rank means more.
        return tuple(f"text term {k + 1}" for k in range(self.n_terms))

    def table(self, snapshot: Snapshot) -> Float32[np.ndarray, "customers columns"]:
        ids = snapshot.customers.select("customer_id").with_row_index("row")
        table = np.zeros((len(ids), self.n_terms), dtype=np.float32)
        told = pl.DataFrame(
            {"term": list(self.terms), "idf": self.idf},
            schema={"term": pl.String, "idf": pl.Float64},
        ).with_row_index("column")
        counted = _terms(snapshot).join(told, on="term").join(ids, on="customer_id")
        if len(counted):
            weight = counted["n"].to_numpy() / counted["all"].to_numpy() * counted["idf"].to_numpy()
            table[counted["row"].to_numpy(), counted["column"].to_numpy()] = weight
        return table


@final
@dataclass(frozen=True)
class TermWeights:
    """Term frequency times inverse document frequency of the words in events' `text`.

    A customer's document is all of its texts. Words are runs of three or more letters, in lower
    case; what nearly everybody or hardly anybody wrote tells nothing.

    Attributes
    ----------
    n_terms : words kept, by the number of customers that used them
    vocabulary : the words to use in place of those found; None: find them
    least, most : share of the customers with text that must have, and may have, the word
    """

    n_terms: int = 50
    vocabulary: tuple[str, ...] | None = None
    least: float = 0.005
    most: float = 0.6

    def learn(self, snapshot: Snapshot, horizon: Horizon, *, seed: int) -> TaughtTerms:
        del horizon, seed
        counted = _terms(snapshot)
        n_documents = counted["customer_id"].n_unique()
        used = (
            counted.group_by("term")
            .agg(n=pl.len())
            .with_columns(share=pl.col("n") / max(n_documents, 1))
        )
        if self.vocabulary is None:
            kept = used.filter(pl.col("share").is_between(self.least, self.most))
        else:
            kept = used.filter(pl.col("term").is_in(self.vocabulary))
        kept = kept.sort("n", "term", descending=[True, False]).head(self.n_terms)
        idf = np.log(n_documents / np.maximum(kept["n"].to_numpy(), 1))
        return TaughtTerms(tuple(kept["term"]), np.asarray(idf, dtype=np.float64), self.n_terms)


def _terms(snapshot: Snapshot) -> pl.DataFrame:
    """customer_id, term, n (times used) and all (words of the customer)."""
    empty = pl.DataFrame(
        schema={"customer_id": snapshot.customers["customer_id"].dtype, "term": pl.String}
    )
    texts = empty
    if "text" in snapshot.events.columns:
        texts = (
            default_engine()
            .frame(
                f"SELECT customer_id, text FROM ({snapshot.events.sql()}) WHERE text IS NOT NULL"
            )
            .select("customer_id", term=pl.col("text").str.to_lowercase().str.extract_all(_WORD))
            .explode("term")
            .drop_nulls("term")
        )
    return (
        texts.group_by("customer_id", "term")
        .agg(n=pl.len())
        .with_columns(all=pl.col("n").sum().over("customer_id"))
    )
