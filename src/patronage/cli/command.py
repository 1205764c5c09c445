"""Command: what is said of a column that stands in place of an option."""

import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, final

from typer.core import TyperCommand

__all__ = ["Command"]


@final
class Command(TyperCommand):
    """Says how columns are named where one is given as an option: `--customer client`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As ever, but for an unknown option that spells a column of the log."""
        options = [name for one in self.params for name in (*one.opts, *one.secondary_opts)]
        if "--columns" in options:
            for place, word in enumerate(args):
                name, _, value = word.partition("=")
                if name.startswith("--") and name not in options:
                    _refuse_column(ctx, name, value or _value(args[place + 1 :]), options)
        return super().parse_args(ctx, args)


def _value(after: Sequence[str]) -> str:
    return after[0] if after and not after[0].startswith("-") else "NAME"


def _refuse_column(ctx: Any, option: str, value: str, options: Sequence[str]) -> None:
    from patronage.events.matching import find_column
    from patronage.events.spellings import SPELLINGS

    meant = [name for name, known in SPELLINGS.items() if find_column([option[2:]], known)]
    if meant:
        near = get_close_matches(option, options)
        others = f" (Possible options: {', '.join(sorted(near))})" if near else ""
        named = shlex.quote(f"{meant[0]}={value}")
        ctx.fail(
            f"No such option: {option}{others}\n"
            f"If {value} is a column of your events: --columns {named}"
        )
