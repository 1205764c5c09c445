"""Formulas: which covariates act, in the usual notation, without running anybody's code.

    channel + gender           two main effects
    C(year)                    a number read as categories
    log(income)                the logarithm; also log1p and sqrt
    channel:gender             an interaction alone
    channel * gender           main effects and interaction
    (a + b):c                  an interaction with each
    `first order`              a name with blanks or signs, in backticks

There is always a level of its own (θ₀), so that 1, 0 and -1 have no meaning here.
"""

import re
from dataclasses import dataclass
from typing import Final, final

from patronage.errors import SettingsError

__all__ = ["TRANSFORMS", "Factor", "Term", "parse_formula"]

TRANSFORMS: Final = ("C", "log", "log1p", "sqrt")

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<name>[^\W\d][\w.]*)|`(?P<quoted>[^`]+)`|(?P<sign>[-+:*()~]|\S))"
)
_MOST_TERMS: Final = 200


@final
@dataclass(frozen=True)
class Factor:
    """One covariate, as it is or transformed: "channel", "log(income)".

    Attributes
    ----------
    column : name of the covariate
    transform : "" or one of TRANSFORMS
    """

    column: str
    transform: str = ""

    @property
    def name(self) -> str:
        """As a formula would write it."""
        return f"{self.transform}({self.column})" if self.transform else self.column


Term = tuple[Factor, ...]


def parse_formula(text: str) -> tuple[Term, ...]:
    """The terms of a formula in their order, each once; an empty formula has none.

    Raises
    ------
    SettingsError : the text is not a formula; the message shows where it breaks
    """
    reader = _Reader(text)
    if reader.at_end:
        return ()
    terms = reader.sum()
    if not reader.at_end:
        raise reader.error(f"{reader.seen!r} is not expected there")
    if len(terms) > _MOST_TERMS:
        raise SettingsError(
            f"the formula {text!r} has {len(terms)} terms; at most {_MOST_TERMS} are read.\n"
            "To mend: name fewer covariates, or fewer interactions."
        )
    return terms


class _Reader:
    """A formula read from left to right: + binds least, then *, then :."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    @property
    def at_end(self) -> bool:
        """Whether all was read."""
        return not self._text[self._at :].strip()

    @property
    def seen(self) -> str:
        """The next token."""
        return self._match().group().strip()

    def error(self, what: str) -> SettingsError:
        """What is wrong at this place."""
        return SettingsError(
            f"cannot read the formula {self._text!r}: {what} (after {self._text[: self._at]!r}).\n"
            'To mend: write such as "channel + gender", "log(income) + C(year)", '
            '"channel:gender" or "channel * gender"; other names in `backticks`.'
        )

    def sum(self) -> tuple[Term, ...]:
        """Products with + between them."""
        terms = self._product()
        while self._takes("+"):
            terms += self._product()
        return tuple(dict.fromkeys(terms))

    def _product(self) -> tuple[Term, ...]:
        terms = self._interaction()
        while self._takes("*"):
            right = self._interaction()
            terms = (*terms, *right, *_crossed(terms, right))
        return terms

    def _interaction(self) -> tuple[Term, ...]:
        terms = self._factor()
        while self._takes(":"):
            terms = _crossed(terms, self._factor())
        return terms

    def _factor(self) -> tuple[Term, ...]:
        if self._takes("("):
            inside = self.sum()
            self._closes()
            return inside
        name, is_call = self._name()
        if not is_call:
            return ((Factor(name),),)
        if name not in TRANSFORMS:
            raise self.error(f"there is no {name}(…); there are {', '.join(TRANSFORMS)}")
        column, _ = self._name()
        self._closes()
        return ((Factor(column, name),),)

    def _name(self) -> tuple[str, bool]:
        """A name, and whether an opening bracket follows it."""
        if self.at_end:
            raise self.error("a covariate is missing at the end")
        found = self._match()
        name = found.group("name") or found.group("quoted")
        if name is None:
            said = f"{self.seen!r} stands where a covariate is expected"
            if self.seen in ("1", "0", "-"):
                said += "; the model always has a level of its own, which cannot be left out"
            raise self.error(said)
        self._at = found.end()
        return name, found.group("name") is not None and self._takes("(")

    def _closes(self) -> None:
        if not self._takes(")"):
            raise self.error("a closing bracket is missing")

    def _takes(self, sign: str) -> bool:
        if self.at_end or self._match().group("sign") != sign:
            return False
        self._at = self._match().end()
        return True

    def _match(self) -> re.Match[str]:
        found = _TOKEN.match(self._text, self._at)
        assert found is not None
        return found


def _crossed(left: tuple[Term, ...], right: tuple[Term, ...]) -> tuple[Term, ...]:
    """Each term of the one with each of the other; a factor stands once in a term."""
    return tuple(
        tuple(sorted(dict.fromkeys((*one, *other)), key=lambda factor: factor.name))
        for one in left
        for other in right
    )
