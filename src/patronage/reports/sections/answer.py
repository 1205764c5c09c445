"""Section 1, the answer first: what is expected, who matters, who slips away."""

from dataclasses import dataclass

import polars as pl

from patronage.reports.charts.concentration import concentration_chart
from patronage.reports.charts.segments import segments_chart
from patronage.reports.figures import Figure, draw
from patronage.reports.formats import (
    ABSENT,
    amounts,
    count,
    day,
    grouped,
    money,
    percent,
    split_words,
)
from patronage.reports.inputs import ReportInputs
from patronage.reports.sections.concentration import concentration, segment_table, top_tenth
from patronage.reports.sections.slipping import OVERDUE, slipping_customers
from patronage.reports.tables import Column, Table, make_table

__all__ = ["Answer", "Tile", "answer_section"]

_N_ROWS = 10
_N_SLIPPING = 8  # with the ten above, what still fits one printed page


@dataclass(frozen=True)
class Tile:
    """A number that stands out."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class Answer:
    """What section 1 shows."""

    headline: str
    interval: str
    caution: str
    tiles: tuple[Tile, ...]
    figures: tuple[Figure, ...]
    no_curve: str
    top: Table
    top_note: str
    slipping: Table | None
    slipping_note: str


def answer_section(inputs: ReportInputs) -> Answer:
    """Gather section 1."""
    scores, currency = inputs.scores, inputs.currency
    curve = concentration(scores)
    segments = segment_table(scores)
    share = top_tenth(curve) if curve is not None else None
    slipping = slipping_customers(scores, inputs.as_of, n_rows=_N_SLIPPING)
    return Answer(
        headline=_headline(inputs),
        interval=_interval(inputs),
        caution=inputs.caution,
        tiles=(
            _value_tile(inputs),
            _customer_tile(scores),
            Tile(
                "Carried by the top tenth",
                percent(share) if share is not None else ABSENT,
                f"{count(max(1, round(scores.height / 10)))} customers"
                if share is not None
                else "no share can be said",
            ),
            Tile(
                "At stake, slipping away",
                money(slipping.at_stake, currency),
                f"{_customers(slipping.n_customers)} overdue",
            ),
        ),
        figures=_figures(inputs, curve, segments),
        no_curve=""
        if curve is not None
        else "Shares of the value are not drawn: they need at least ten customers and a total "
        "above zero.",
        top=_top(inputs),
        top_note=_top_note(scores),
        slipping=_slipping(inputs, slipping.rows) if slipping.n_customers else None,
        slipping_note=_slipping_note(
            slipping.n_customers, slipping.clv, slipping.knows_alive, inputs
        ),
    )


def _customers(n: int) -> str:
    return f"{count(n)} customer{'' if n == 1 else 's'}"


def _headline(inputs: ReportInputs) -> str:
    expected = inputs.total.expected
    who = (
        "This customer is"
        if inputs.scores.height == 1
        else (f"These {_customers(inputs.scores.height)} are")
    )
    if expected < 0:
        what = f"expected to cost {money(-expected, inputs.currency)} more than they bring"
    else:
        what = f"expected to bring {money(expected, inputs.currency)}"
    return f"{who} {what} over the next {inputs.horizon}."


def _interval(inputs: ReportInputs) -> str:
    total = inputs.total
    source = f" ({total.drawn_from.rstrip('.')})" if total.drawn_from else ""
    return (
        f"With {percent(total.level)} probability the total lies between "
        f"{money(total.low, inputs.currency)} and {money(total.high, inputs.currency)}{source}. "
        f"It counts what comes from {day(inputs.as_of)} on, after margin and discounting, "
        "from the customers known on that day; customers still to be won are not in it."
    )


def _value_tile(inputs: ReportInputs) -> Tile:
    total, currency = inputs.total, inputs.currency
    return Tile(
        "Expected value",
        money(total.expected, currency),
        f"{money(total.low, currency)} to {money(total.high, currency)}",
    )


def _customer_tile(scores: pl.DataFrame) -> Tile:
    alive = scores["p_alive"].drop_nulls()
    if scores.height == 1 and len(alive):
        return Tile("Customers", "1", f"still active: {percent(float(alive[0]))} likely")
    note = (
        f"about {count(float(alive.sum()))} of them still active"
        if len(alive) == scores.height
        else f"{grouped(float(scores['expected_purchases'].sum()))} purchases expected"
    )
    return Tile("Customers", count(scores.height), note)


def _figures(
    inputs: ReportInputs, curve: pl.DataFrame | None, segments: pl.DataFrame
) -> tuple[Figure, ...]:
    table = _segments(inputs, segments)
    if curve is None or segments["share_value"].is_null().any():
        return ()
    share = top_tenth(curve)
    shares = make_table(
        "Share of the expected value carried by the most valuable customers",
        [
            Column("Customers, best first", lambda r: percent(r["share_of_customers"], 1)),
            Column("Share of the value", lambda r: percent(r["share_of_value"], 1)),
        ],
        rows=curve.iter_rows(named=True),
    )
    return (
        draw(
            concentration_chart(curve, share),
            "concentration",
            about=f"Curve of the value carried by the most valuable customers: the best tenth "
            f"carries {percent(share)}.",
            table=shares,
        ),
        draw(
            segments_chart(segments),
            "segments",
            about="Each segment's share of the customers and of the value.",
            table=table,
        ),
    )


def _segments(inputs: ReportInputs, segments: pl.DataFrame) -> Table:
    sums = amounts(segments["value"], inputs.currency)
    means = amounts(segments["mean_clv"], inputs.currency)
    return make_table(
        "Segments of customers by expected value",
        [
            Column("Segment", lambda r: split_words(str(r["segment"])), numeric=False),
            Column("Customers", lambda r: count(r["customers"])),
            Column("Share", lambda r: percent(r["share_customers"], 1)),
            Column(f"Value ({sums.label})", lambda r: sums.write(r["value"])),
            Column("Share", lambda r: percent(r["share_value"], 1)),
            Column(f"Mean CLV ({means.label})", lambda r: means.write(r["mean_clv"])),
            Column("Mean purchases", lambda r: grouped(r["mean_purchases"], 2)),
            *(
                [Column("Mean p_alive", lambda r: percent(r["mean_p_alive"]))]
                if _active(inputs.scores)
                else []
            ),
        ],
        rows=segments.iter_rows(named=True),
    )


def _identity() -> Column:
    return Column("Customer", lambda r: str(r["customer_id"]), numeric=False)


def _active(scores: pl.DataFrame) -> list[Column]:
    """The column of p_alive, where the model knows it of anybody."""
    known = scores["p_alive"].is_not_null().any()
    return [Column("Active", lambda r: percent(r["p_alive"]))] if known else []


def _top(inputs: ReportInputs) -> Table:
    best = inputs.scores.sort("clv", "customer_id", descending=[True, False]).head(_N_ROWS)
    cash = amounts([*best["clv"], *best["clv_p90"], *best["spend"]], inputs.currency)
    columns = [
        _identity(),
        Column("First seen", lambda r: day(r["first_day"]), numeric=False),
        Column("Repeat purchases", lambda r: count(r["frequency"])),
        Column("Spent so far", lambda r: cash.write(r["spend"])),
        Column("Purchases ahead", lambda r: grouped(r["expected_purchases"], 1)),
        *_active(inputs.scores),
        Column("Expected value", lambda r: cash.write(r["clv"])),
        Column("Range of outcomes", lambda r: cash.between(r["clv_p10"], r["clv_p90"])),
        Column(
            "Range of expectation",
            lambda r: cash.between(r["clv_mean_low"], r["clv_mean_high"]),
        ),
    ]
    return make_table(
        f"Who matters: most valuable customers, money in {cash.label}",
        columns,
        rows=best.iter_rows(named=True),
    )


def _top_note(scores: pl.DataFrame) -> str:
    best = float(scores["clv"].top_k(min(_N_ROWS, scores.height)).sum())
    whole = float(scores["clv"].sum())
    share = (
        f"The {count(_N_ROWS)} shown carry {percent(best / whole, 1)} of the value. "
        if whole > 0 and scores.height > _N_ROWS
        else ""
    )
    return (
        f"{share}8 outcomes in 10 fall in the range of outcomes; the range of expectation "
        "bounds the average over many such customers."
    )


def _slipping(inputs: ReportInputs, rows: pl.DataFrame) -> Table:
    cash = amounts([*rows["clv"], *rows["spend"]], inputs.currency)
    return make_table(
        f"Who slips away: most value at stake, money in {cash.label}",
        [
            _identity(),
            Column("Repeat purchases", lambda r: count(r["frequency"])),
            Column("Spent so far", lambda r: cash.write(r["spend"])),
            Column("Days silent", lambda r: count(r["days_since_last"])),
            Column("Usual gap (days)", lambda r: grouped(r["usual_gap"])),
            Column("Overdue", lambda r: f"{grouped(r['overdue'], 1)} ×"),
            *_active(inputs.scores),
            Column("Expected value", lambda r: cash.write(r["clv"])),
            Column("At stake", lambda r: cash.write(r["at_stake"])),
        ],
        rows=rows.iter_rows(named=True),
    )


def _slipping_note(n: int, clv: float, knows_alive: bool, inputs: ReportInputs) -> str:
    rule = (
        f"Slipping: came back at least once, and silent now for {OVERDUE:.0f} or more of their "
        "usual gaps (days from first to last purchase, divided by repeat purchases). "
    )
    stake = (
        "At stake: expected value × (1 − probability that they are still active)."
        if knows_alive
        else "At stake: their expected value, as this model does not say who is still active."
    )
    if not n:
        return f"{rule}No customer of value is."
    return (
        f"{rule}{stake} {_customers(n)} with an expected value of {money(clv, inputs.currency)} "
        f"{'is' if n == 1 else 'are'} slipping."
    )
