"""The page of one fitted purchase model: what was estimated, and whether to believe it."""

from pathlib import Path

from patronage.reports import theme
from patronage.reports.fit_inputs import FitInputs
from patronage.reports.formats import count, day, grouped, percent
from patronage.reports.page import environment
from patronage.reports.sections.fit import (
    checks_table,
    history_figure,
    holdout_figure,
    matrix_figures,
    needed_table,
    parameters_table,
    repeats_figure,
    tracking_figures,
)

__all__ = ["render_fit_page", "write_fit_page"]


def render_fit_page(inputs: FitInputs) -> str:
    """The page as HTML, which stands alone."""
    weekly, cumulative = tracking_figures(inputs)
    return (
        environment()
        .get_template("fit.html.jinja")
        .render(
            inputs=inputs,
            as_of=day(inputs.as_of),
            customers=count(inputs.n_customers),
            theme={
                "accent": theme.ACCENT,
                "wash": theme.WASH,
                "ink": theme.INK,
                "muted": theme.MUTED,
            },
            new_customer=_new_customer(inputs),
            parameters=parameters_table(inputs),
            likelihood=f"Log-likelihood {grouped(inputs.log_likelihood, 4)}, times in "
            f"{inputs.unit}s.",
            needed=needed_table(inputs),
            tracking_says=_tracking_says(inputs),
            weekly=weekly,
            cumulative=cumulative,
            repeats=repeats_figure(inputs),
            checks=checks_table(inputs),
            holdout=holdout_figure(inputs),
            matrices=matrix_figures(inputs),
            history=history_figure(inputs),
        )
    )


def write_fit_page(inputs: FitInputs, folder: Path) -> Path:
    """Write `fit.html` and a CSV per frame into `folder`, making it; the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in inputs.frames().items():
        frame.write_csv(folder / f"{name}.csv")
    path = folder / "fit.html"
    path.write_text(render_fit_page(inputs), encoding="utf-8", newline="\n")
    return path


def _new_customer(inputs: FitInputs) -> str:
    return (
        f"A customer who has just bought for the first time is still there with "
        f"{percent(inputs.new_alive)}, buys {grouped(inputs.new_purchases, 2)} times more over "
        f"{inputs.horizon}, and never again with {percent(inputs.new_never)}. Discounted at "
        f"{percent(inputs.annual_discount_rate)} a year, the purchases of the whole lifetime after "
        f"the first are worth {grouped(inputs.new_dert, 2)} purchases today."
    )


def _tracking_says(inputs: FitInputs) -> str:
    p, period = inputs.tracking_p_value, inputs.period
    if p >= 0.05:
        return (
            f"The {period}s of the fit vary as those of independent customers would: p = {p:.2g}."
        )
    return (
        f"The {period}s of the fit vary more than those of independent customers would (p = "
        f"{p:.1g}): something moves many of them at once, such as holidays or promotions. Totals "
        "of single periods are less sure than the band says."
    )
