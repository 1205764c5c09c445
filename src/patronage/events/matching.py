"""Which column of the source is which column of the log."""

import re
import shlex
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from patronage.errors import EventSchemaError
from patronage.events.spellings import CURRENCY_CODES, CURRENCY_SIGNS, LAST_RESORTS, SPELLINGS

__all__ = ["Match", "find_column", "match_columns", "normal"]


@dataclass(frozen=True)
class Match:
    """Column of the log → its name in the source, and what had to be chosen.

    Attributes
    ----------
    found : only what was found
    given : the columns that the caller named
    notes : choices between several candidates, in sentences
    currency : a code written in the name of the amount ("Amount (EUR)"), or None
    """

    found: Mapping[str, str]
    given: frozenset[str]
    notes: tuple[str, ...]
    currency: str | None


def normal(name: str) -> str:
    """A column name without case, accents, spaces and punctuation: 'Prix (Été)' → 'prixete'."""
    # Decomposed, an accent is a sign of its own and falls with the others.
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKD", name.strip().lower()))


def match_columns(names: Iterable[str], columns: Mapping[str, str] | None = None) -> Match:
    """Find the columns of the log among `names`; `columns` overrides by name.

    Raises
    ------
    EventSchemaError : a column named is not there, or no customer or time can be found
    """
    seen = list(names)
    given = _given(seen, columns or {})
    found: dict[str, str] = dict(given)
    notes: list[str] = []
    for name in SPELLINGS:
        if name in found:
            continue
        candidates = [c for c in find_column(seen, SPELLINGS[name]) if c not in found.values()]
        if not candidates:
            continue
        found[name] = candidates[0]
        if len(candidates) > 1 and name not in ("price", "quantity"):
            others = ", ".join(repr(other) for other in candidates[1:])
            notes.append(f"{candidates[0]!r} was read as {name}; {others} could be it too.")
        elif normal(candidates[0]) == LAST_RESORTS.get(name):
            notes.append(f"{candidates[0]!r} was read as {name}, for want of a clearer name.")
    missing = [name for name in ("customer_id", "event_time") if name not in found]
    if missing:
        raise EventSchemaError(_missing(missing, seen, found))
    return Match(found, frozenset(given), tuple(notes), _currency_in(found.get("amount")))


def find_column(names: Iterable[str], spellings: Iterable[str]) -> list[str]:
    """The names that are spelled so, in the order of the spellings."""
    by_form: dict[str, list[str]] = {}
    for name in names:
        for form in dict.fromkeys(_forms(name)):
            by_form.setdefault(form, []).append(name)
    hits = [name for spelling in spellings for name in by_form.get(normal(spelling), [])]
    return list(dict.fromkeys(hits))


def _forms(name: str) -> list[str]:
    # Why: "Amount (USD)" and "order_value_eur" are amounts; the unit is not part of the name.
    bare = re.sub(r"[(\[].*?[)\]]", "", name)
    forms = [normal(name), normal(bare)]
    words = re.split(r"[\W_]+", name.strip().lower())
    if len(words) > 1 and words[-1] in CURRENCY_CODES:
        forms.append("".join(words[:-1]))
    return [form for form in forms if form]


def _currency_in(name: str | None) -> str | None:
    words = re.split(r"[\W_]+", (name or "").lower())
    codes = {word.upper() for word in words if word in CURRENCY_CODES and len(words) > 1}
    codes |= {code for sign, code in CURRENCY_SIGNS.items() if sign in (name or "")}
    return codes.pop() if len(codes) == 1 else None


def _given(seen: list[str], columns: Mapping[str, str]) -> dict[str, str]:
    given = {("event_time" if key == "time" else key): name for key, name in columns.items()}
    by_normal = {normal(name): name for name in reversed(seen)}
    for key, name in given.items():
        if key not in SPELLINGS:
            raise EventSchemaError(
                f"the log has no column {key!r}; it has {', '.join(SPELLINGS)}.\n"
                "To mend: name the log's column first, then the source's: customer_id=Kunde."
            )
        if name not in seen:
            if normal(name) not in by_normal:
                close = get_close_matches(name, seen, 3, 0.5)
                raise EventSchemaError(
                    f"there is no column {name!r} (given for {key}); the table has {seen}."
                    + (f" Did you mean {' or '.join(map(repr, close))}?" if close else "")
                    + "\nTo mend: write the name as it stands in the table."
                )
            given[key] = by_normal[normal(name)]
    return given


def _missing(missing: list[str], seen: list[str], found: Mapping[str, str]) -> str:
    lines = [f"cannot tell which column is {' and which is '.join(missing)}."]
    lines.append(f"The table has the columns: {', '.join(map(repr, seen)) or 'none'}.")
    free = {normal(name): name for name in seen if name not in found.values()}
    guesses = dict(found)
    for name in missing:
        forms = [normal(spelling) for spelling in SPELLINGS[name]]
        close = [
            free[form]
            for form in free
            if get_close_matches(form, forms, 1, 0.7)
            or any(len(known) > 3 and known in form for known in forms)
        ]
        if close:
            lines.append(f"Closest to {name}: {', '.join(map(repr, close[:3]))}.")
        guesses[name] = close[0] if close else f"YOUR_{name.upper().replace('EVENT_', '')}_COLUMN"
    if len(seen) == 1:
        lines.append("Only one column was seen: is another delimiter used in this file?")
    typed = ",".join(
        f"{'time' if name == 'event_time' else name}={guesses.get(name, 'YOUR_AMOUNT_COLUMN')}"
        for name in ("customer_id", "event_time", "amount")
    )
    lines.append(f"To mend: --columns {shlex.quote(typed)}")
    return "\n".join(lines)
