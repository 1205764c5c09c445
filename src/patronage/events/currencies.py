"""The one currency of a log."""

from patronage.engines import default_engine
from patronage.errors import EventSchemaError, SettingsError
from patronage.events.matching import Match
from patronage.events.raw import RawTable, blank, text_of
from patronage.events.spellings import CURRENCY_SIGNS

__all__ = ["settle_currency"]


def settle_currency(raw: RawTable, match: Match, given: str | None) -> tuple[str, tuple[str, ...]]:
    """The code of the amounts, and how it was settled.

    Raises
    ------
    EventSchemaError : the source has several currencies
    SettingsError : the code given is none
    """
    if given is not None and not (len(given) == 3 and given.isalpha() and given.isascii()):
        raise SettingsError(
            f"{given!r} is no currency.\nTo mend: give its three letters, such as EUR (ISO 4217)."
        )
    column = match.found.get("currency")
    codes: list[str] = []
    if column is not None:
        text = f"upper({text_of(column)})"
        codes = [
            str(row[0])
            for row in default_engine().rows(
                f"SELECT DISTINCT {text} FROM {raw.sql()} WHERE NOT {blank(text)} ORDER BY 1"
            )
        ]
    else:
        column = match.found.get("amount", match.found.get("price"))
        if column is not None and raw.columns[column] == "VARCHAR":
            codes = _signs_in(raw, column)
    if len(codes) > 1:
        raise EventSchemaError(
            f"amounts are in {len(codes)} currencies ({', '.join(codes[:6])}); a sum of them means "
            "nothing.\nTo mend: convert the amounts to one currency, or give the rows of one."
        )
    if given is not None:
        notes: tuple[str, ...] = ()
        if codes and codes[0] != given.upper():
            notes = (f"the source says {codes[0]}, but {given.upper()} was given and is used.",)
        return given.upper(), notes
    if codes:
        return codes[0], (f"currency {codes[0]}, from the column {column!r}.",)
    if match.currency is not None:
        amount = match.found["amount"]
        return match.currency, (f"currency {match.currency}, from the name {amount!r}.",)
    return "USD", ("currency not given: USD is assumed; say another with --currency.",)


def _signs_in(raw: RawTable, column: str) -> list[str]:
    """The codes of the signs that stand in a column of amounts ("12,50 €")."""
    text = text_of(column)
    # Why no letter before it: AR$ is not R$.
    found = (rf"bool_or(regexp_matches({text}, '(^|\P{{L}})\Q{s}\E'))" for s in CURRENCY_SIGNS)
    seen = default_engine().row(f"SELECT {', '.join(found)} FROM {raw.sql()}")
    return sorted(code for code, there in zip(CURRENCY_SIGNS.values(), seen, strict=True) if there)
