"""Raw tables in, one EventLog out."""

from patronage.events.intake import read_events
from patronage.events.log import EventLog
from patronage.events.quality import QualityReport
from patronage.events.tables import SideTables

__all__ = ["EventLog", "QualityReport", "SideTables", "read_events"]
