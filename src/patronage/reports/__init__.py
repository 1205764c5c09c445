"""The report: one HTML page that stands alone, with charts as inline SVG and a table for each."""

from patronage.reports.inputs import ReportInputs, TotalValue
from patronage.reports.page import render_report, write_report

__all__ = ["ReportInputs", "TotalValue", "render_report", "write_report"]
