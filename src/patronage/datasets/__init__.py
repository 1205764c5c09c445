"""Public data, and simulators whose truth is known."""

from patronage.datasets.btyd import BtydSimulation, simulate_btyd
from patronage.datasets.public import DATASETS, DatasetInfo, load_dataset, open_dataset
from patronage.datasets.shop import Simulation, SimulationSettings, simulate, simulate_chunks

__all__ = [
    "DATASETS",
    "BtydSimulation",
    "DatasetInfo",
    "Simulation",
    "SimulationSettings",
    "load_dataset",
    "open_dataset",
    "simulate",
    "simulate_btyd",
    "simulate_chunks",
]
