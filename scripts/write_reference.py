"""Write the reference pages in docs/ from the code; `--check` only says what is stale."""

import sys
from pathlib import Path
from typing import Any

import typer.main

from patronage.cli.main import app
from patronage.models.catalog import MODELS
from patronage.snapshots.features import FEATURES

DOCS = Path(__file__).resolve().parents[1] / "docs"
NOTE = "<!-- Written by `make docs` from the code; edit that. -->"


def models_page() -> str:
    """One row per line of the catalogue."""
    rows = [
        f"| `{name}` | {entry.family} | {entry.kind} | {entry.setting} | {entry.when_to_use} |"
        for name, entry in sorted(
            MODELS.items(),
            key=lambda item: (item[1].complexity, item[1].family == "ensemble", item[0]),
        )
    ]
    return "\n".join(
        [
            "# Models",
            "",
            NOTE,
            "",
            "Safest first; a tie on the leaderboard goes to the safer. `forecast` entries give",
            "cash, `purchases` counts, `spend` the money of a purchase.",
            "",
            "| name | family | forecasts | setting | when to use |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def features_page() -> str:
    """Every feature group, and how a line is added."""
    parts = ["# Features", "", NOTE, "", _ON_FEATURES, ""]
    for name, group in FEATURES.items():
        needs = f"; needs {', '.join(f'`{one}`' for one in group.needs)}" if group.needs else ""
        parts += [f"## {name}", "", f"Over `{group.grain}`{needs}.", ""]
        parts += ["| feature | meaning |", "|---|---|"]
        parts += [f"| `{feature}` | {says} |" for feature, (_, says) in group.lines.items()]
        parts += [""]
    return "\n".join(parts)


_ON_FEATURES = """\
`take_snapshot(log, as_of=…, features=("rhythm", "returns"))` adds the columns of these groups
to `Snapshot.customers`: what was known strictly before `as_of`, by the day of the event and by
the day it was learned. Windows are whole UTC days: `spent_28` is [as_of − 28, as_of).
`available_groups(log)` names the groups whose columns and side tables a log has; of the others
the counts are 0 and the rest is empty. `describe(groups)` is this page as a table, with the
type and the SQL of every feature. `"customers.*"` adds every column of the customers table, as
known at `as_of`, `"first_purchase.channel"` a column of the first purchase.

**How to add one.** A feature is one line of one group in `snapshots/features/`: a name, a SQL
aggregate over the rows of the group's grain, and what it says. `:as_of` is the first unknown
day. Divide by `nullif(…, 0)`, give floats by `::DOUBLE`, and use the functions of
`engines/expressions.py`: the same text is run by DuckDB over all customers and folded in Python
for one customer in the live path, and the tests compare the two on random logs, line by line.
They also see to it that no future, no late news and no day outside its window is in it.

| grain | a row for each |
|---|---|
| `days` | day with any event: purchases, money, gaps |
| `activity` | day with any event: what happened, side by side |
| `ledger` | kind of event, event day and day it was learned |
| `spans` | smallest window (7 to 730 days) that holds the day; older days are one more |
| `orders` | order; without order ids, day with a purchase |
| `marks:…` | value of one column: how often, for how much, first and last day |
| `links` | linked customer, with what was known of it |
| `market` | row of the calendar; the same for everybody |"""


def commands_page() -> str:
    """The help of every command, with its arguments and options."""
    group: Any = typer.main.get_command(app)
    parts = ["# Commands", "", NOTE, ""]
    for name, command in sorted(group.commands.items()):
        text = "\n".join(line.strip() for line in (command.help or "").strip().splitlines())
        parts += [f"## patronage {name}", "", text, "", *_parameters(command), ""]
    return "\n".join(parts)


def _parameters(command: Any) -> list[str]:
    rows = []
    for parameter in command.params:
        if parameter.name == "help":
            continue
        spelt = ", ".join(parameter.opts) if parameter.opts[0].startswith("-") else parameter.name
        text = " ".join((getattr(parameter, "help", None) or "").split()).replace("|", "\\|")
        rows.append(f"| `{spelt}` | {text} |")
    return ["| argument or option | meaning |", "|---|---|", *rows] if rows else []


def main() -> int:
    """Write the pages, or with `--check` name the stale ones and fail."""
    stale = []
    pages = {
        "models.md": models_page(),
        "features.md": features_page(),
        "commands.md": commands_page(),
    }
    for name, text in pages.items():
        path = DOCS / name
        if not path.exists() or path.read_text() != text:
            stale.append(f"docs/{name}")
            if "--check" not in sys.argv:
                path.write_text(text)
    if "--check" in sys.argv:
        print(
            f"stale: {', '.join(stale)}. To mend: make docs" if stale else "the reference is true"
        )
        return bool(stale)
    print(f"written: {', '.join(stale)}" if stale else "the reference is true already")
    return 0


if __name__ == "__main__":
    sys.exit(main())
