"""Forecast and value in, decision out: pure functions."""

from patronage.decide.asymmetric import (
    budget_decision,
    expectile_decision,
    linex_decision,
    newsvendor_decision,
)

__all__ = ["budget_decision", "expectile_decision", "linex_decision", "newsvendor_decision"]
