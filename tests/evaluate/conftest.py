"""A small shop whose customers buy at their own rates and leave at their own time."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest

from patronage.events import EventLog, QualityReport

START = date(2024, 1, 1)

Row = tuple[int, int, float]


def log_of(rows: list[Row]) -> EventLog:
    """Rows: customer, days after 2024-01-01, amount."""
    values = ", ".join(
        f"({who}, TIMESTAMP '{START + timedelta(days=day)}', {amount})" for who, day, amount in rows
    )
    relation = f"""
        SELECT who::BIGINT AS customer_id, instant AS event_time, instant AS known_time,
               'purchase' AS kind, amount::DECIMAL(18,4) AS amount
        FROM (VALUES {values}) AS t(who, instant, amount)"""
    columns = ("customer_id", "event_time", "known_time", "kind", "amount")
    return EventLog(relation, columns, "USD", False, False, QualityReport(len(rows), len(rows)))


@pytest.fixture(scope="session")
def make_log() -> Callable[[list[Row]], EventLog]:
    return log_of


@pytest.fixture(scope="session")
def shop() -> EventLog:
    """300 customers over 280 days."""
    rng = np.random.default_rng(7)
    rows: list[Row] = []
    for who in range(300):
        first = int(rng.integers(0, 90))
        gap = 5 + 60 * rng.gamma(1.0)
        end = min(280.0, first + rng.exponential(150))
        spend = 10 + 40 * rng.random()
        day = float(first)
        while day <= end:
            rows.append((who, int(day), round(float(spend * rng.uniform(0.5, 1.5)), 2)))
            day += max(1.0, rng.exponential(gap))
    return log_of(rows).compact()
