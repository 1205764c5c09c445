"""Kinds of event: the log's words, and the words that others use for them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from patronage.engines import default_engine, identifier, literal
from patronage.events.raw import RawTable, blank, text_of
from patronage.events.schema import KINDS

__all__ = ["KindReading", "kind_meant", "read_kinds"]

# What others call it → the kind; words are compared without case and punctuation.
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "purchase": (
        *("order", "sale", "sales", "buy", "bought", "purchased", "transaction", "invoice"),
        *("payment", "checkout", "debit", "order_placed", "order_completed", "order_paid"),
        *("completed", "paid", "donation", "gift"),
    ),
    "refund": (
        *("return", "returned", "returns", "refunded", "refunds", "chargeback", "credit"),
        *("credit_note", "reversal", "order_refunded", "money_back"),
    ),
    "usage": ("usage_charge", "metered", "consumption"),
    "fee": ("service_fee", "fees"),
    "visit": ("page_view", "pageview", "view", "session", "store_visit", "visited", "visits"),
    "click": ("clicked", "clicks"),
    "app_use": ("app", "app_open", "app_session", "login"),
    "email_response": (
        *("email", "email_open", "email_click", "email_opened", "email_clicked", "open"),
    ),
    "support": ("ticket", "support_ticket", "support_contact", "complaint", "contact", "call"),
    "survey": ("nps", "survey_response"),
    "review": ("rating", "product_review", "reviewed"),
    "treatment": ("campaign", "mailing", "coupon", "contacted"),
    "subscription_start": ("subscribe", "subscribed", "subscription", "signup", "sign_up", "start"),
    "renewal": ("renew", "renewed", "rebill"),
    "tier_change": ("upgrade", "downgrade", "plan_change"),
    "cancellation": ("cancel", "cancelled", "canceled", "churn", "churned", "unsubscribe"),
    "payment_failure": ("failed_payment", "payment_failed", "declined", "dunning"),
    "consent_change": ("consent", "opt_in", "opt_out"),
}

_SPELLINGS: Final = {word: kind for kind, words in _WORDS.items() for word in words}

_MOST_NAMED: Final = 10


@dataclass(frozen=True)
class KindReading:
    """How the kind is computed, and what was found.

    Attributes
    ----------
    sql : expression of the kind; NULL where it is unknown
    words : kinds that occur
    unknown : expression of the reason for a row whose kind is unknown
    notes, warnings : in sentences
    cheap : costs next to nothing in every query
    """

    sql: str
    words: tuple[str, ...]
    unknown: str
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    cheap: bool = True


def read_kinds(raw: RawTable, column: str | None, *, certain: bool) -> KindReading | None:
    """Map the words of a column to kinds; None where the column holds none of them.

    certain : the column was named, or is spelled so that it can hold nothing else
    """
    if column is None:
        return KindReading("'purchase'", ("purchase",), "'unknown kind'")
    text = text_of(column)
    # Why grouped before: a text is trimmed once for each spelling, not for each row.
    spellings = f"SELECT {identifier(column)}, count(*) AS __n FROM {raw.sql()} GROUP BY ALL"
    found = default_engine().rows(
        f"SELECT CASE WHEN NOT {blank(text)} THEN {text} END AS t, sum(__n)::BIGINT AS n "
        f"FROM ({spellings}) GROUP BY t ORDER BY t IS NOT NULL, n DESC, t LIMIT 10000"
    )
    counted = [(word, n) for word, n in found if word is not None]
    given = len(counted) == len(found)
    meaning = {str(word): kind_meant(str(word)) for word, _ in counted}
    known = {word: kind for word, kind in meaning.items() if kind is not None}
    if not known and not certain:
        return None
    strange = [(str(word), int(n)) for word, n in counted if meaning[str(word)] is None]
    notes = []
    mapped = {word: kind for word, kind in known.items() if word != kind}
    if mapped:
        said = ", ".join(f"{word!r} as {kind}" for word, kind in list(mapped.items())[:12])
        notes.append(f"kinds of event were read so: {said}.")
    if not given:
        notes.append(f"rows without a kind in {column!r} were taken for purchases.")
    warnings = [_strange(word, n) for word, n in strange[:5]]
    if not mapped and not strange and given and raw.columns[column] == "VARCHAR":
        return KindReading(identifier(column), tuple(sorted(known)), "'unknown kind'")
    branches = "".join(
        f" WHEN {literal(word)} THEN {literal(kind)}" for word, kind in known.items()
    )
    sql = f"CASE WHEN {blank(text)} THEN 'purchase' ELSE CASE {text}{branches} END END"
    sql = sql if branches else f"CASE WHEN {blank(text)} THEN 'purchase' END"
    named = ", ".join(literal(word) for word, _ in strange[:_MOST_NAMED])
    unknown = f"'unknown kind: ' || CASE WHEN {text} IN ({named}) THEN {text} ELSE 'other' END"
    words = sorted({*known.values(), *(() if given else ("purchase",))})
    return KindReading(
        sql,
        tuple(words),
        unknown if strange else "'unknown kind'",
        tuple(notes),
        tuple(warnings),
        cheap=False,
    )


def kind_meant(word: str) -> str | None:
    """The kind that a word stands for; None where it stands for none."""
    form = re.sub(r"[\W_]+", "_", word.lower()).strip("_")
    return form if form in KINDS else _SPELLINGS.get(form)


def _strange(word: str, n: int) -> str:
    close = get_close_matches(word.lower(), [*KINDS, *_SPELLINGS], 1, 0.6)
    hint = f" Did you mean {_SPELLINGS.get(close[0], close[0])}?" if close else ""
    return f"{n} rows have the unknown kind {word!r} and were set aside.{hint}"
