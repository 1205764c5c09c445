"""Public data, and simulators whose truth is known."""

from patronage.datasets.shop import SimulationSettings, simulate, simulate_chunks

__all__ = ["SimulationSettings", "simulate", "simulate_chunks"]
