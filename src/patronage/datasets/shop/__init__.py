"""A simulated shop: every kind of event, every side table, and the truth behind them."""

from patronage.datasets.shop.settings import CHANNELS, AcquisitionChannel, SimulationSettings
from patronage.datasets.shop.simulation import Simulation, simulate, simulate_chunks
from patronage.datasets.shop.truth import Outlook, Truth

__all__ = [
    "CHANNELS",
    "AcquisitionChannel",
    "Outlook",
    "Simulation",
    "SimulationSettings",
    "Truth",
    "simulate",
    "simulate_chunks",
]
