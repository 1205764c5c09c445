"""A figure of the page: its chart as SVG, its alternative text, and its numbers as a table."""

from dataclasses import dataclass

import altair as alt

from patronage.reports.render import chart_svg
from patronage.reports.tables import Table

__all__ = ["Figure", "draw"]


@dataclass(frozen=True)
class Figure:
    """`svg` is markup made here, not user data; `table` holds every number that it draws."""

    name: str
    svg: str
    table: Table


def draw(chart: alt.Chart | alt.LayerChart, name: str, *, about: str, table: Table) -> Figure:
    """Render `chart`; `about` tells a reader who cannot see it what it shows."""
    return Figure(name, chart_svg(chart, name, label=about), table)
