"""Model in, better-calibrated Model out."""

from patronage.uncertainty.recalibration import FittedRecalibrated, Recalibrated

__all__ = ["FittedRecalibrated", "Recalibrated"]
