"""RESULTS.md from results.json. Standard library only."""

import json
from typing import Any

from places import RESULTS, ROOT

__all__ = ["write_report"]

_HEAD = """# Speed and memory against the peers

Written by `make bench`; one case again: `make bench ARGS="NAME"` (see `benchmarks/README.md`).
Every round of every side is a fresh process, the sides of a case run in turn in one run, and
medians are kept. "Wall" and "CPU" are seconds (CPU of all threads and children); "peak" is the
largest resident memory of the process; "load" is the machine's load average while that side ran:
above the number of cores, others were at work too, wall times are long and only the ratio counts.
Imports are not counted, except where a command is measured.

"""


def write_report() -> None:
    """Write RESULTS.md beside results.json."""
    entries = json.loads((RESULTS / "results.json").read_text())
    parts = [_HEAD, _verdicts(entries), *(_case(name, e) for name, e in sorted(entries.items()))]
    pins = sorted((ROOT / "benchmarks" / "requirements").glob("*.txt"))
    parts.append("## Versions of the peers\n\n")
    for path in pins:
        lines = [line for line in path.read_text().splitlines() if "==" in line]
        parts.append(f"- {path.stem}: {', '.join(lines)}\n")
    (RESULTS / "RESULTS.md").write_text("".join(parts))


def _verdicts(entries: dict[str, Any]) -> str:
    rows = ["## Targets\n\n| case | measured | target | |\n|---|---|---|---|\n"]
    for _, entry in sorted(entries.items()):
        title = entry["title"]
        for target in entry["targets"]:
            rows.append(f"| {title} | {_measured(target)} | {_bound(target)} | {_mark(target)} |\n")
            title = ""
    return "".join(rows) + "\n"


def _measured(target: dict[str, Any]) -> str:
    value = target["value"]
    return (
        f"not measured: {target['says']}" if value is None else f"{_number(value)} {target['says']}"
    )


def _bound(target: dict[str, Any]) -> str:
    if target["at_least"] is not None:
        return f"at least {_number(target['at_least'])}"
    return "–" if target["at_most"] is None else f"at most {_number(target['at_most'])}"


def _mark(target: dict[str, Any]) -> str:
    if target["at_least"] is target["at_most"] is None:
        return ""
    return "met" if target["met"] else "**missed**"


def _number(value: float) -> str:
    if value and abs(value) < 1e-3:
        return f"{value:.0e}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _case(name: str, entry: dict[str, Any]) -> str:
    lines = [
        f'## {entry["title"]}\n\n`make bench ARGS="{name}"`; {entry["when"]}; '
        f"{entry['machine']}.\n\n",
        "| side | wall | of which | CPU | peak MiB | rounds | load |\n",
        "|---|---|---|---|---|---|---|\n",
    ]
    for label, side in entry["sides"].items():
        if side["failed"]:
            lines.append(f"| {label} | {side['failed']} | | | | | |\n")
            continue
        inside = [f"{part} {s:.3f}" for part, s in side["wall"].items() if part != "total"]
        lines.append(
            f"| {label} | {side['wall']['total']:.3f} | "
            f"{', '.join(inside) if len(inside) > 1 else ''} | {side['cpu']['total']:.3f} | "
            f"{side['peak_mib']:,.0f} | {side['rounds']} | {side['load']:.1f} |\n"
        )
    lines.append("\n" + _answers(entry))
    if entry["differences"]:
        lines.append("Where the answers differ:\n")
        lines += [f"- {difference}\n" for difference in entry["differences"]]
        lines.append("\n")
    return "".join(lines)


def _answers(entry: dict[str, Any]) -> str:
    """What each side answered, so that equal speed at a wrong answer is seen."""
    lines = []
    for label, side in entry["sides"].items():
        said = "; ".join(f"{name} {_said(value)}" for name, value in side["answer"].items())
        if said:
            lines.append(f"- {label}: {said}\n")
    return "".join(lines) + "\n" if lines else ""


def _said(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_said(each) for each in value)
    if isinstance(value, float):
        return f"{value:,.4f}"
    return str(value)
