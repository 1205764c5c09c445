"""Patronage: customer lifetime value, from raw events to honest forecasts."""

__version__ = "0.1.0"
