"""The numbers of production: one road for batch, live and distributed scoring."""

from patronage.scoring.score import SCORE_COLUMNS, Scoring, forecast_chunks, score
from patronage.scoring.tables import write_predictions_csv, write_scores
from patronage.scoring.totals import TotalValue, total_value

__all__ = [
    "SCORE_COLUMNS",
    "Scoring",
    "TotalValue",
    "forecast_chunks",
    "score",
    "total_value",
    "write_predictions_csv",
    "write_scores",
]
