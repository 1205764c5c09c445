"""The numbers of production: one road for batch, live and distributed scoring."""

from patronage.scoring.explain import (
    EXPLANATION_COLUMNS,
    Explanation,
    explain,
    importance,
    what_changed,
)
from patronage.scoring.parts import PartScoring, score_parts, scores_schema, scoring_of
from patronage.scoring.score import SCORE_COLUMNS, Scoring, forecast_chunks, score, with_segments
from patronage.scoring.tables import write_predictions_csv, write_scores
from patronage.scoring.totals import TotalValue, total_value

__all__ = [
    "EXPLANATION_COLUMNS",
    "SCORE_COLUMNS",
    "Explanation",
    "PartScoring",
    "Scoring",
    "TotalValue",
    "explain",
    "forecast_chunks",
    "importance",
    "score",
    "score_parts",
    "scores_schema",
    "scoring_of",
    "total_value",
    "what_changed",
    "with_segments",
    "write_predictions_csv",
    "write_scores",
]
