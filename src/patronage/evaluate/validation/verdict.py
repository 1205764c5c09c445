"""The verdict: each number against its limit, the simple models beside it, in sentences."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from patronage.evaluate.bootstrap import interval
from patronage.evaluate.validation.catalog import VALIDATION_METRICS
from patronage.evaluate.validation.groups import DECILE
from patronage.evaluate.validation.limits import Limit, Status
from patronage.evaluate.validation.measured import Measured

__all__ = ["Finding", "against_benchmarks", "against_limits", "group_findings", "worst"]

_COMPARED: Final = ("deviance", "normalized_gini")
_ORDER: Final[tuple[Status, ...]] = ("pass", "attention", "fail")
_METRIC_LABELS: Final = {"deviance": "error (deviance)", "normalized_gini": "ranking (Gini)"}


@dataclass(frozen=True)
class Finding:
    """One line of the verdict.

    Attributes
    ----------
    status : pass, attention or fail
    about : a limit's name, 'benchmark' or 'fairness'
    sentence : what was found
    """

    status: Status
    about: str
    sentence: str


def worst(findings: Sequence[Finding]) -> Status:
    """The verdict on the whole: that of its worst line."""
    return max((finding.status for finding in findings), key=_ORDER.index, default="pass")


def against_limits(
    found: Mapping[str, tuple[float, float, float]], limits: Mapping[str, Limit]
) -> list[Finding]:
    """A line per limit that has a number: (value, low, high), the bounds NaN where not known."""
    findings = []
    for name, limit in limits.items():
        if name not in found:
            continue
        value, low, high = found[name]
        status = limit.status(value, low, high)
        said = f"{limit.label[:1].upper()}{limit.label[1:]} is {_written(limit, value)}"
        if math.isfinite(low) and math.isfinite(high):
            said += f" ({_written(limit, low)} to {_written(limit, high)})"
        findings.append(Finding(status, name, f"{said}; {_bound(limit, status)}."))
    return findings


def against_benchmarks(
    name: str,
    model: Mapping[str, Measured],
    others: Mapping[str, Mapping[str, Measured]],
    simpler: Collection[str],
) -> list[Finding]:
    """Whether each benchmark is worse, as good or better, by customers resampled alike.

    A benchmark that is better than the model in error fails it; one that is better in ranking
    alone, or that is simpler and ties, calls for attention.
    """
    findings = []
    for other, numbers in others.items():
        verdicts = {metric: _compare(model, numbers, metric) for metric in _COMPARED}
        wins = [_METRIC_LABELS[m] for m, side in verdicts.items() if side < 0]
        ties = [_METRIC_LABELS[m] for m, side in verdicts.items() if side == 0]
        loses = [_METRIC_LABELS[m] for m, side in verdicts.items() if side > 0]
        mine, theirs = model["deviance"].value, numbers["deviance"].value
        less = f"deviance {mine:,.4g} against {theirs:,.4g}"
        if wins:
            status: Status = "fail" if verdicts["deviance"] < 0 else "attention"
            said = f"{other} is better than {name} in {' and '.join(wins)} ({less})"
            if status == "fail":
                what = "it is simpler and should be preferred" if other in simpler else "prefer it"
                said += f": {what}"
        elif verdicts["deviance"] == 0:
            status = "attention" if other in simpler else "pass"
            said = f"{other} does as well as {name} in {' and '.join(ties)} ({less}): a difference "
            said += "within chance"
            said += ", and the simpler one is the safer" if other in simpler else ""
        else:
            status, said = "pass", f"{name} beats {other} in {' and '.join(loses)} ({less})"
        findings.append(Finding(status, "benchmark", f"{said}."))
    return findings


def group_findings(groups: pl.DataFrame, limit: Limit) -> list[Finding]:
    """A line for each grouping: the group furthest off, and those too small to judge."""
    findings = []
    ratios = groups.filter(pl.col("metric") == "relative_ratio")
    for (by,), part in ratios.group_by("by", maintain_order=True):
        judged = part.filter("judged")
        small = part.filter(~pl.col("judged"))["group"].to_list()
        left = f" Not judged, under 50 customers: {', '.join(map(str, small))}." if small else ""
        if len(judged) < 2:
            said = f"By {by} there are not two groups large enough to compare.{left}"
            findings.append(Finding("attention", "fairness", said))
            continue
        rows = [
            (limit.status(row["value"], row["low"], row["high"]), row)
            for row in judged.iter_rows(named=True)
        ]
        known = [(s, row) for s, row in rows if math.isfinite(row["value"])]
        status, row = max(
            known or rows, key=lambda pair: (_ORDER.index(pair[0]), limit.badness(pair[1]["value"]))
        )
        if by == DECILE and status == "fail":
            # Deciles of little money may be far off; what they sum to has a limit of its own.
            status = "attention"
        off = sum(s != "pass" for s, _ in rows)
        said = (
            f"By {by}, {len(judged) - off} of {len(judged)} groups are valued alike; furthest off "
            f"is {row['group']}, whose predicted/actual is {row['value']:.2f} of everybody's "
            f"({row['low']:.2f} to {row['high']:.2f})."
        )
        findings.append(Finding(status, "fairness", said + left))
    return findings


def _compare(model: Mapping[str, Measured], other: Mapping[str, Measured], metric: str) -> int:
    """1: the model is better beyond chance, −1: the other is, 0: neither."""
    described = VALIDATION_METRICS[metric]
    mine, theirs = (described.loss(one[metric].draws) for one in (model, other))
    low, high = interval(mine - theirs)
    return 1 if high < 0 else -1 if low > 0 else 0


def _written(limit: Limit, value: float) -> str:
    if not math.isfinite(value):
        return "not known"
    text = f"{100 * value:.1f} %" if limit.percent else f"{value:.3f}"
    return text.replace("-", "−")


def _bound(limit: Limit, status: Status) -> str:
    edge = limit.fail if status == "fail" else limit.attention
    if limit.best is not None:
        within = f"{edge:.0%}".replace("%", " %") if limit.percent else f"{edge:g}"
        target = f" of {limit.best:g}" if limit.best else ""
        word = "within" if status == "pass" else "not within"
        return f"{word} {within}{target}"
    asked = f"{edge:.0%}".replace("%", " %") if limit.percent else f"{edge:g}"
    side = "at least" if limit.higher_is_better else "at most"
    return f"the limit is {side} {asked}"
