"""The table that learners see: attributes beside behaviour, laid out the same at every day."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from patronage.events import EventLog
from patronage.models.tabular.design import FEATURE_GROUPS, Category, Design
from patronage.snapshots import Snapshot, take_snapshot
from patronage.snapshots.attributes import profile_attributes

AS_OF = date(2024, 3, 1)


def snapshot(towns: list[str | None], ages: list[float | None]) -> Snapshot:
    """One purchase each, and a profile."""
    ids = list(range(len(towns)))
    log = EventLog.from_frame(
        pl.DataFrame(
            {"customer_id": ids, "event_time": date(2024, 1, 1), "amount": 5.0},
        ),
        customers=pl.DataFrame({"customer_id": ids, "town": towns, "age": ages}),
    )
    return take_snapshot(log, as_of=AS_OF, features=(*FEATURE_GROUPS, *profile_attributes(log)))


def learned() -> Design:
    known = snapshot(["Ulm"] * 40 + ["Bonn"] * 30 + ["Kiel"] * 3, [float(k) for k in range(73)])
    return Design.learn(known.customers, attributes=("customers.town", "customers.age"))


@pytest.mark.slow
def test_levels_with_too_few_customers_have_no_column():
    design = learned()

    assert design.categories == (Category("customers.town", ("Ulm", "Bonn")),)
    assert design.numbers == ("customers.age",)
    assert design.columns[-3:] == ("customers.age", "customers.town = Ulm", "customers.town = Bonn")
    assert design.features == (*FEATURE_GROUPS, "customers.age", "customers.town")


def test_an_unseen_or_missing_word_is_a_row_of_zeros():
    later = snapshot(["Bonn", "Rom", None, "Kiel"], [1.0, None, 3.0, 4.0])

    table = learned().matrix(later)

    assert table[:, -2:].tolist() == [[0, 1], [0, 0], [0, 0], [0, 0]]
    np.testing.assert_array_equal(table[:, -3], np.float32([1.0, np.nan, 3.0, 4.0]))
