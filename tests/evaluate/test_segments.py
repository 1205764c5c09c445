from datetime import date

import numpy as np
import polars as pl
import pytest

from patronage.evaluate.segments import VALUE_SEGMENTS, cohort_labels, value_groups


@pytest.mark.parametrize(
    ("days", "labels"),
    [
        ([date(2024, 1, 31), date(2024, 12, 1)], ["cohort 2024-01", "cohort 2024-12"]),
        ([date(2019, 2, 1), date(2024, 12, 1)], ["cohort 2019-Q1", "cohort 2024-Q4"]),
        ([date(1990, 2, 1), date(2024, 12, 1)], ["cohort 1990", "cohort 2024"]),
    ],
)
def test_cohorts_are_as_fine_as_can_be_read(days: list[date], labels: list[str]):
    assert cohort_labels(pl.Series(days)).to_list() == labels


def test_half_of_the_expected_cash_is_high_value():
    groups = value_groups(np.array([10.0, 50.0, 0.0, 25.0, 15.0, -3.0]))

    assert [VALUE_SEGMENTS[k].split()[1] for k in groups] == [
        "low",
        "high",
        "low",
        "medium",
        "medium",
        "low",
    ]
