"""Model in, better-calibrated Model out."""

from patronage.uncertainty.bootstrapped import Bootstrap, FittedBootstrap
from patronage.uncertainty.conformal import Conformal, FittedConformal
from patronage.uncertainty.isotonic import FittedIsotonicRecalibration, IsotonicRecalibration
from patronage.uncertainty.recalibration import FittedRecalibrated, Recalibrated
from patronage.uncertainty.segments import FittedSegmentRecalibration, SegmentRecalibration
from patronage.uncertainty.sets import PredictionSets, prediction_sets

__all__ = [
    "Bootstrap",
    "Conformal",
    "FittedBootstrap",
    "FittedConformal",
    "FittedIsotonicRecalibration",
    "FittedRecalibrated",
    "FittedSegmentRecalibration",
    "IsotonicRecalibration",
    "PredictionSets",
    "Recalibrated",
    "SegmentRecalibration",
    "prediction_sets",
]
