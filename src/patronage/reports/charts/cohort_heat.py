"""Cash per customer by cohort and age: a heat map with its numbers in it."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, INK, fitted, layered, title

__all__ = ["cohort_heat_chart"]


def cohort_heat_chart(
    cells: pl.DataFrame,
    *,
    colours: tuple[float, float],
    age_unit: str,
    unit: str,
    finding: str,
    subtitle: str,
) -> alt.Chart | alt.LayerChart:
    """`cells`: cohort (label, in order), age, cash_per_customer, written (the cell's text).

    Colours run over `colours` alone, so that the first purchase, which towers over what follows,
    does not wash the rest out.
    """
    floor, ceiling = colours
    cohorts = cells["cohort"].unique(maintain_order=True).to_list()
    n_ages = cells["age"].n_unique()
    base = alt.Chart(inline(cells)).encode(
        x=alt.X(
            "age:O",
            title=f"Age in {age_unit}s since the first purchase",
            axis=alt.Axis(labelAngle=0, domain=False, ticks=False),
        ),
        y=alt.Y(
            "cohort:N",
            sort=cohorts,
            title="Cohort (customers)",
            axis=alt.Axis(labelLimit=200),
        ),
    )
    tiles = base.mark_rect(stroke="white", strokeWidth=1).encode(
        color=alt.Color(
            "cash_per_customer:Q",
            scale=alt.Scale(
                domain=[floor, ceiling], range=["#edf5f5", ACCENT], interpolate="lab", clamp=True
            ),
            legend=alt.Legend(
                title=f"{unit} per customer",
                gradientLength=180,
                gradientThickness=8,
                titleColor="#56646b",
                titleFontSize=12,
                titleFontWeight="normal",
                titleLimit=300,
                tickCount=4,
            ),
        )
    )
    numbers = base.mark_text(fontSize=11 if n_ages <= 16 else 9).encode(
        text="written:N",
        color=alt.condition(
            f"datum.cash_per_customer > {floor + 0.6 * (ceiling - floor)!r}",
            alt.value("white"),
            alt.value(INK),
        ),
    )
    return fitted(
        layered(tiles, numbers).properties(title=title(finding, subtitle)),
        width=min(840, 240 + 62 * n_ages),
        height=max(48, 22 * len(cohorts)),
    )
