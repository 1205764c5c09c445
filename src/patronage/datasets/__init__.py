"""Public data, and simulators whose truth is known."""

from patronage.datasets.btyd import BtydSimulation, simulate_btyd
from patronage.datasets.shop import Simulation, SimulationSettings, simulate, simulate_chunks

__all__ = [
    "BtydSimulation",
    "Simulation",
    "SimulationSettings",
    "simulate",
    "simulate_btyd",
    "simulate_chunks",
]
