"""The page: sections gathered, charts drawn, one HTML text that needs nothing else."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from patronage.reports import theme
from patronage.reports.formats import day, grouped
from patronage.reports.glossary import glossary
from patronage.reports.inputs import ReportInputs
from patronage.reports.sections.ahead import ahead_section
from patronage.reports.sections.answer import answer_section
from patronage.reports.sections.board import board_section
from patronage.reports.sections.cohorts import cohorts_section
from patronage.reports.sections.quality import data_section
from patronage.reports.sections.trust import trust_section

__all__ = ["environment", "render_report", "write_report"]


@cache
def environment() -> Environment:
    """The templates of every page."""
    # Customer ids, model names and column names are user data: everything is escaped but the SVG.
    return Environment(
        loader=PackageLoader("patronage.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _runtime(inputs: ReportInputs) -> str:
    parts = []
    if inputs.seconds is not None:
        parts.append(f"{grouped(inputs.seconds, 1)} seconds")
    if inputs.peak_mib is not None:
        parts.append(f"{grouped(inputs.peak_mib)} MiB at its peak")
    return f"The run took {', '.join(parts)}." if parts else ""


def render_report(inputs: ReportInputs) -> str:
    """The report as HTML: stands alone, opens from disk, and is the same for the same inputs."""
    inputs = inputs.normal()
    board = board_section(inputs)
    page = environment().get_template("report.html.jinja")
    return page.render(
        inputs=inputs,
        as_of=day(inputs.as_of),
        theme={"accent": theme.ACCENT, "wash": theme.WASH, "ink": theme.INK, "muted": theme.MUTED},
        answer=answer_section(inputs),
        ahead=ahead_section(inputs),
        cohorts=cohorts_section(inputs),
        trust=trust_section(inputs),
        board=board,
        account=data_section(inputs),
        terms=glossary(board.metrics, inputs.higher_is_better),
        runtime=_runtime(inputs),
    )


def write_report(inputs: ReportInputs, path: Path) -> None:
    """Write the report to `path`, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_report(inputs), encoding="utf-8", newline="\n")
