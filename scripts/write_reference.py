"""Write docs/models.md and docs/commands.md from the code; `--check` only says what is stale."""

import sys
from pathlib import Path
from typing import Any

import typer.main

from patronage.cli.main import app
from patronage.models.catalog import MODELS

DOCS = Path(__file__).resolve().parents[1] / "docs"
NOTE = "<!-- Written by `make docs` from the code; edit that. -->"


def models_page() -> str:
    """One row per line of the catalogue."""
    rows = [
        f"| `{name}` | {entry.family} | {entry.kind} | {entry.setting} | {entry.when_to_use} |"
        for name, entry in sorted(MODELS.items(), key=lambda item: (item[1].complexity, item[0]))
    ]
    return "\n".join(
        [
            "# Models",
            "",
            NOTE,
            "",
            "Simplest first; a tie on the leaderboard goes to the simpler. `forecast` entries give",
            "cash, `purchases` counts, `spend` the money of a purchase.",
            "",
            "| name | family | forecasts | setting | when to use |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


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
    for name, text in {"models.md": models_page(), "commands.md": commands_page()}.items():
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
