"""Features that are learned: fitted anew at every day that is learned from, and today."""

from patronage.models.learned.base import LearnedFeatures, Taught
from patronage.models.learned.process_expectations import ProcessExpectations
from patronage.models.learned.target_encodings import TargetEncodings
from patronage.models.learned.term_weights import TermWeights

__all__ = ["LearnedFeatures", "ProcessExpectations", "TargetEncodings", "Taught", "TermWeights"]
