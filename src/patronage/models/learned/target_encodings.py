"""What customers with the same word in an attribute brought, as a feature of the word.

A word's value is the mean outcome of its customers, drawn towards that of all by as many customers
as `prior` says (Micci-Barreca 2001, eq. 3). The outcomes are of an earlier day whose horizon was
over when it is learned: a customer's own outcome to come is never in it.
"""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import polars as pl
from jaxtyping import Float, Float32

from patronage.errors import NotEnoughDataError
from patronage.horizon import Horizon
from patronage.models.training_pairs import rewound_origins, training_pairs
from patronage.snapshots import Snapshot
from patronage.snapshots.attributes import is_attribute, profile_attributes

__all__ = ["TargetEncodings", "TaughtEncodings"]

_MOST_WORDS: Final = 1_000


@final
@dataclass(frozen=True)
class TaughtEncodings:
    """Learned: a value for each word of each attribute.

    Attributes
    ----------
    attributes : such as "customers.city"
    words : of all attributes, one after the other
    starts : where in `words` each attribute begins; one more than there are attributes
    values : mean cash per day of the word's customers; NaN throughout where no outcome was known
    everybody : the value of words unseen, and of none
    """

    attributes: tuple[str, ...]
    words: tuple[str, ...]
    starts: tuple[int, ...]
    values: Float[np.ndarray, " words"]
    everybody: float

    @property
    def features(self) -> tuple[str, ...]:
        return self.attributes

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f"outcome by {attribute}" for attribute in self.attributes)

    def table(self, snapshot: Snapshot) -> Float32[np.ndarray, "customers columns"]:
        known = snapshot.with_features(self.attributes).customers
        columns = np.full((len(known), len(self.attributes)), self.everybody)
        for k, attribute in enumerate(self.attributes):
            here = slice(self.starts[k], self.starts[k + 1])
            told = pl.DataFrame(
                {"word": list(self.words[here]), "value": self.values[here]},
                schema={"word": pl.String, "value": pl.Float64},
            )
            asked = known.select(word=pl.col(attribute).cast(pl.String))
            found = asked.join(told, on="word", how="left", maintain_order="left")["value"]
            columns[:, k] = found.fill_null(self.everybody).to_numpy()
        return columns.astype(np.float32)


@final
@dataclass(frozen=True)
class TargetEncodings:
    """Mean earlier outcome by each attribute in words.

    Attributes
    ----------
    attributes : such as "customers.city"; None: every attribute of the customers table that is
        in words
    prior : customers that everybody's mean counts for
    """

    attributes: tuple[str, ...] | None = None
    prior: float = 50.0

    def learn(self, snapshot: Snapshot, horizon: Horizon, *, seed: int) -> TaughtEncodings:
        del seed
        asked = profile_attributes(snapshot.events) if self.attributes is None else self.attributes
        known = snapshot.with_features(asked)
        wanted = tuple(
            name for name in asked if is_attribute(name) and _in_words(known.customers[name])
        )
        try:
            rewound = rewound_origins(known, horizon, n_min=1)
            pairs = training_pairs(known, rewound.origins, rewound.horizon, wanted)
        except NotEnoughDataError:
            empty = tuple([0] * (len(wanted) + 1))
            return TaughtEncodings(wanted, (), empty, np.empty(0), float("nan"))
        per_day = pairs.total / pairs.horizon.days
        everybody = float(per_day.mean())
        words: list[str] = []
        values: list[float] = []
        starts = [0]
        for name in wanted:
            table = pl.DataFrame({"word": pairs.customers[name].cast(pl.String), "cash": per_day})
            told = (
                table.drop_nulls("word")
                .group_by("word", maintain_order=True)
                .agg(n=pl.len(), total=pl.col("cash").sum())
                .sort("n", "word", descending=[True, False])
                .head(_MOST_WORDS)
                .with_columns(
                    value=(pl.col("total") + self.prior * everybody) / (pl.col("n") + self.prior)
                )
            )
            words += told["word"].to_list()
            values += told["value"].to_list()
            starts.append(len(words))
        return TaughtEncodings(wanted, tuple(words), tuple(starts), np.array(values), everybody)


def _in_words(column: pl.Series) -> bool:
    return column.dtype in (pl.String, pl.Categorical, pl.Enum)
