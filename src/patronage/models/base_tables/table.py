"""BaseTable: what was known of customers, what followed, and how the rows may be learned from."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Float32

from patronage.errors import SettingsError
from patronage.models.base_tables.dictionary import describe_columns

__all__ = ["BaseTable", "Fold", "float32_safe"]


@dataclass(frozen=True)
class Fold:
    """Rows to learn from and rows to judge, of a table.

    Attributes
    ----------
    start : first day of the block judged; the labels learned from were over by then
    train, test : which rows of the table
    """

    start: date
    train: Bool[np.ndarray, " rows"]
    test: Bool[np.ndarray, " rows"]


@dataclass(frozen=True)
class BaseTable:
    """One row per customer × as_of, or per customer × age.

    Attributes
    ----------
    frame : customer_id, as_of (age), first_day, the features, the targets with `observed`, weight,
        fold, time_block and the marks of the purge; every column is in `dictionary`
    features : names of the feature columns, in order
    dictionary : column, group, type, meaning; one row per column of `frame`, in its order
    split_by : how the days were told apart: 'dates', 'ages', or 'one date' for sets whose
        customers were all observed on one day
    known_until : the first day of which nothing is known; outcomes that end later are not observed
    notes : what was assumed or done to what was asked, in sentences
    warnings : what the user should see first, in sentences
    set_aside : reason → number of rows that were asked for and could not be made
    """

    frame: pl.DataFrame
    features: tuple[str, ...]
    dictionary: pl.DataFrame
    split_by: str
    known_until: date
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    set_aside: tuple[tuple[str, int], ...] = ()

    @property
    def observed(self) -> Bool[np.ndarray, " rows"]:
        """Rows whose outcome is known to its end."""
        if "observed" not in self.frame.columns:
            raise SettingsError(
                "this table was made without targets, so no row has an outcome.\n"
                "To mend: make it with targets='horizon' or targets='age'."
            )
        return np.asarray(self.frame["observed"].to_numpy())

    def matrix(self, names: Sequence[str] | None = None) -> Float32[np.ndarray, "rows features"]:
        """The features that are numbers, or those named; NaN where there is none."""
        wanted = self.numeric if names is None else list(names)
        columns = self.frame.select(pl.col(wanted).cast(pl.Float32).fill_null(np.nan))
        return np.ascontiguousarray(columns.to_numpy(), dtype=np.float32)

    @property
    def numeric(self) -> list[str]:
        """The features that are numbers or truth values, in order."""
        schema = self.frame.schema
        return [n for n in self.features if schema[n].is_numeric() or schema[n] == pl.Boolean]

    def target(self, name: str = "target_cash") -> Float[np.ndarray, " rows"]:
        """A target; NaN where it is not observed."""
        return np.asarray(self.frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy())

    def folds(self, *, by_customer: bool = False) -> Iterator[Fold]:
        """Each block of time judged after learning from what was over by its first day.

        by_customer : who is judged was also never learned from; a fold per block and `fold`
        """
        observed = self.observed
        may_teach, block = self.frame["train_from"], self.frame["time_block"].to_numpy()
        customers = self.frame["fold"].to_numpy()
        for k in range(1, int(block.max(initial=0)) + 1):
            test = observed & (block == k)
            if not test.any():
                continue
            start = self.frame["as_of"].filter(pl.Series(block == k)).min()
            assert isinstance(start, date)
            over = (may_teach <= start).fill_null(value=False)
            train = observed & (block < k) & np.asarray(over.to_numpy())
            for fold in np.unique(customers[test]) if by_customer else [None]:
                mine = np.ones(len(block), bool) if fold is None else customers == fold
                others = np.ones(len(block), bool) if fold is None else ~mine
                if (train & others).any():
                    yield Fold(start, train & others, test & mine)

    def without(self, names: Collection[str]) -> "BaseTable":
        """The table without some of the features."""
        kept = tuple(name for name in self.features if name not in names)
        gone = [name for name in self.features if name in names]
        return replace(
            self,
            frame=self.frame.drop(gone),
            features=kept,
            dictionary=self.dictionary.filter(~pl.col("column").is_in(gone)),
        )

    def with_components(self, values: Float[np.ndarray, "rows components"]) -> "BaseTable":
        """The table with principal components of its features as further features."""
        names = [f"component_{k + 1}" for k in range(values.shape[1])]
        added = pl.DataFrame(values.astype(np.float32), schema=names)
        meaning = dict.fromkeys(names, ("components", "principal component of the features"))
        return replace(
            self,
            frame=pl.concat([self.frame, added], how="horizontal"),
            features=(*self.features, *names),
            dictionary=pl.concat([self.dictionary, describe_columns(added, (), meaning)]),
        )

    def with_part(self, part: pl.Series, split: str) -> "BaseTable":
        """The table with the part of each row, and on each row how the parts were made."""
        added = pl.DataFrame({"part": part}).with_columns(split=pl.lit(split))
        described = describe_columns(added, (), {})
        return replace(
            self,
            frame=pl.concat([self.frame, added], how="horizontal"),
            dictionary=pl.concat([self.dictionary, described]),
        )


def float32_safe(customers: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The columns named, numbers rounded to float32; null where they are not finite in it."""
    columns = []
    for name in names:
        column = pl.col(name)
        if customers.schema[name].is_numeric():
            single = column.cast(pl.Float32, strict=False)
            column = pl.when(single.is_finite()).then(single).alias(name)
        columns.append(column)
    return customers.with_columns(columns)
