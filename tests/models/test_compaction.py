"""Compaction groups equal histories, and finds the way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.models.fitting.compaction import compact
from patronage.models.likelihoods.histories import Histories

DAYS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(4, 7)), min_size=1)


def table(rows: list[tuple[float, float, float]]) -> Histories:
    x, t_x, T = np.array(rows, dtype=float).T
    return Histories(x, t_x, T, np.arange(1.0, len(rows) + 1))


def grouped(histories: Histories) -> dict[tuple[float, float, float], float]:
    found: dict[tuple[float, float, float], float] = {}
    for x, t_x, T, weight in zip(
        histories.x, histories.t_x, histories.T, histories.weight, strict=True
    ):
        found[x, t_x, T] = found.get((x, t_x, T), 0.0) + weight
    return found


@pytest.mark.parametrize("unit", [1.0, 86_400.0, 0.1234567, 1e12], ids=str)
@given(rows=DAYS)
def test_weights_are_conserved_and_every_row_finds_its_own(unit, rows):
    histories = table([(x, t_x * unit, T * unit) for x, t_x, T in rows])
    compacted = compact(histories)

    assert grouped(compacted.table) == grouped(histories)
    for name in ("x", "t_x", "T"):
        found = compacted.expand(getattr(compacted.table, name))
        assert found == pytest.approx(getattr(histories, name), rel=1e-12)


def test_equal_rows_become_one():
    rows = [(1, 5, 9), (0, 0, 9), (1, 5, 9), (0, 0, 9), (2, 5, 9), (1, 5, 9)]
    compacted = compact(table(rows))

    assert len(compacted.table) == 3
    assert sorted(compacted.table.weight) == [5, 6, 10]


def test_sevenths_of_weeks_in_days_count_as_whole():
    weeks = np.arange(1000) % 90 / 7
    compacted = compact(Histories(np.ones(1000), np.zeros(1000), weeks * 7, np.ones(1000)))

    assert len(compacted.table) == 90
    assert pytest.approx(np.arange(90), abs=1e-9) == compacted.table.T


def test_rows_without_ties_are_returned_as_they_are():
    T = np.random.default_rng(0).random(50_000)
    histories = Histories(np.ones(50_000), T / 2, T, np.ones(50_000))
    compacted = compact(histories)

    assert compacted.inverse is None
    assert compacted.table is histories


def test_ties_at_times_that_are_not_whole_are_found():
    rng = np.random.default_rng(1)
    T = rng.choice(rng.random(500), 60_000)
    compacted = compact(Histories(np.zeros(60_000), np.zeros(60_000), T, np.ones(60_000)))

    assert len(compacted.table) == 500
    assert compacted.expand(compacted.table.T) == pytest.approx(T, abs=0)


def test_one_row_is_one_row():
    compacted = compact(table([(0, 0, 5)]))

    assert len(compacted.table) == 1
    assert compacted.expand(np.array([3.0])).tolist() == [3.0]
