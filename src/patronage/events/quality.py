"""What was read, used, set aside and assumed: rows in = rows used + rows set aside, always."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["QualityReport"]


@dataclass(frozen=True)
class QualityReport:
    """The account of one intake.

    Attributes
    ----------
    n_rows_read : rows in the source
    n_rows_used : rows in the log; n_rows_read = n_rows_used + sum(quarantined.values())
    quarantined : reason → number of rows set aside for it (each row has one reason)
    matched : column of the log → how the source spells it
    notes : what was assumed, in sentences ("times without a zone were read as UTC")
    warnings : what looks wrong, in sentences, loudest first
    quarantine : Parquet file of the rows set aside, with their `reason`; None where there are none
    """

    n_rows_read: int
    n_rows_used: int
    quarantined: Mapping[str, int] = field(default_factory=dict)
    matched: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    quarantine: Path | None = None

    @property
    def n_rows_quarantined(self) -> int:
        """Rows set aside."""
        return sum(self.quarantined.values())
