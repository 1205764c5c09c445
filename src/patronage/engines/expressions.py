"""SQL aggregates over the rows of one customer, in Python: DuckDB's text, DuckDB's answer.

The batch runs the text of a feature on an engine; the live path runs the same text here, over the
few rows that it holds. Only what is listed here passes, so that no text means one thing there and
another here.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from patronage.engines.aggregates import AGGREGATES, KEYED
from patronage.engines.decimals import to_decimal
from patronage.errors import MissingExtraError, SettingsError

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["MARKS", "Rows", "check_expression", "compile_expression"]

# What a text may ask beside the columns of its rows: the first unknown day, and the instant up to
# which T runs.
MARKS: Final = ("as_of", "end_us")

Value = Any
Column = Sequence[Value]


class Rows:
    """The rows of one customer by column, and what was computed from them so far.

    Parameters
    ----------
    columns : name → values, all of one length
    length : number of rows
    marks : the values of MARKS
    """

    def __init__(
        self, columns: Mapping[str, Column], length: int, marks: Mapping[str, Value]
    ) -> None:
        self.columns = columns
        self.length = length
        self.marks = marks
        self.made: dict[str, Any] = {}


class _Compiled(NamedTuple):
    """run : from rows to a column (`by_row`) or to one value."""

    run: Callable[[Rows], Any]
    by_row: bool


def check_expression(sql: str, columns: Collection[str]) -> None:
    """See that a text is an aggregate of these columns that every path computes alike.

    Raises
    ------
    SettingsError : it uses something else
    """
    _compiled(sql, tuple(columns))


def compile_expression(sql: str, columns: Collection[str]) -> Callable[[Rows], Value]:
    """The function of the rows of one customer that a SQL aggregate is."""
    return _compiled(sql, tuple(columns)).run


@cache
def _compiled(sql: str, columns: tuple[str, ...]) -> _Compiled:
    try:
        import sqlglot
    except ImportError as error:
        raise MissingExtraError.of("sqlglot", "spark") from error
    made = _Compiler(sql, frozenset(columns)).of(sqlglot.parse_one(sql, read="duckdb"))
    if made.by_row:
        raise _refused(sql, "it is no aggregate")
    return made


def _refused(sql: str, why: str) -> SettingsError:
    return SettingsError(
        f"the feature {sql!r} cannot be computed alike on every path: {why}.\n"
        "To mend: write it with the functions of engines/expressions.py."
    )


class _Compiler:
    """One text, compiled from the leaves up."""

    def __init__(self, sql: str, columns: frozenset[str]) -> None:
        self._sql = sql
        self._columns = columns

    def of(self, node: "exp.Expr") -> _Compiled:
        """The function that a node of the text is."""
        kind = type(node).__name__
        if kind == "Alias" and not node.alias:
            return self.of(node.this)
        if kind == "Paren":
            return self.of(node.this)
        if kind == "Column":
            return self._column(node.name)
        if kind == "Placeholder":
            return self._mark(node.name)
        if kind in ("Literal", "Null", "Boolean"):
            constant = _constant(node)
            return _Compiled(lambda _: constant, False)
        if kind == "Filter":
            return self._aggregate(node.this, self.of(node.expression.this), node.sql("duckdb"))
        if kind in AGGREGATES or kind in KEYED:
            return self._aggregate(node, None, node.sql("duckdb"))
        return self._scalar(node)

    def _column(self, name: str) -> _Compiled:
        if name not in self._columns:
            raise _refused(self._sql, f"there is no column {name} in its rows")
        return _Compiled(lambda rows: rows.columns[name], True)

    def _mark(self, name: str) -> _Compiled:
        if name not in MARKS:
            return self._column(name)
        return _Compiled(lambda rows: rows.marks[name], False)

    def _aggregate(self, node: "exp.Expr", where: _Compiled | None, text: str) -> _Compiled:
        kind = type(node).__name__
        if kind not in AGGREGATES and kind not in KEYED:
            raise _refused(self._sql, f"{kind} is not among the tested aggregates")
        if where is not None and not where.by_row:
            raise _refused(self._sql, "a FILTER looks at rows")
        given = node.this
        distinct = type(given).__name__ == "Distinct"
        if distinct:
            (given,) = given.expressions
        star = type(given).__name__ == "Star"
        inner = _Compiled(lambda rows: [1] * rows.length, True) if star else self.of(given)
        if not inner.by_row:
            raise _refused(self._sql, "an aggregate looks at rows")
        if kind in KEYED:
            key = self.of(node.expression)
            pick = KEYED[kind]

            def keyed(rows: Rows) -> Value:
                pairs = zip(inner.run(rows), key.run(rows), strict=True)
                return pick(
                    [
                        (value, at)
                        for (value, at), kept in zip(pairs, _kept(where, rows), strict=True)
                        if kept and value is not None and at is not None
                    ]
                )

            return _Compiled(_once(text, keyed), False)
        reduce = AGGREGATES[kind]

        def aggregate(rows: Rows) -> Value:
            values = inner.run(rows)
            if where is None:
                found = [value for value in values if value is not None]
            else:
                mask = where.run(rows)
                found = [v for v, kept in zip(values, mask, strict=True) if kept and v is not None]
            return reduce(list(set(found)) if distinct else found)

        return _Compiled(_once(text, aggregate), False)

    def _scalar(self, node: "exp.Expr") -> _Compiled:
        kind = type(node).__name__
        if kind == "Case":
            return self._case(node)
        if kind == "Cast":
            to = node.args["to"].sql("duckdb")
            convert = _conversion(to)
            if convert is None:
                raise _refused(self._sql, f"a cast to {to}")
            return self._combined(node, (node.this,), convert)
        if kind == "In":
            words = frozenset(_constant(one) for one in node.expressions)
            return self._combined(
                node, (node.this,), lambda value: None if value is None else value in words
            )
        if kind == "Div" and not _never_zero(node.expression):
            raise _refused(self._sql, "a divisor may be 0; write nullif(…, 0)")
        if kind not in _SCALARS:
            raise _refused(self._sql, f"{kind} is not among the tested functions")
        keys, function = _SCALARS[kind]
        arguments = [node.args[key] for key in keys if node.args.get(key) is not None]
        arguments += node.args.get("expressions") or []
        return self._combined(node, arguments, function)

    def _case(self, node: "exp.Expr") -> _Compiled:
        if node.this is not None:
            raise _refused(self._sql, "write CASE WHEN")
        branches = [part for one in node.args["ifs"] for part in (one.this, one.args["true"])]
        default = node.args.get("default")

        def choose(*values: Value) -> Value:
            for condition, value in zip(values[0:-1:2], values[1:-1:2], strict=True):
                if condition:
                    return value
            return values[-1]

        last = [] if default is None else [default]
        if default is None:
            return self._combined(node, branches, lambda *values: choose(*values, None))
        return self._combined(node, [*branches, *last], choose)

    def _combined(
        self, node: "exp.Expr", arguments: Sequence["exp.Expr"], function: Callable[..., Value]
    ) -> _Compiled:
        parts = [self.of(argument) for argument in arguments]
        if not any(part.by_row for part in parts):
            return _Compiled(lambda rows: function(*(part.run(rows) for part in parts)), False)

        def by_row(rows: Rows) -> Column:
            columns = [
                part.run(rows) if part.by_row else [part.run(rows)] * rows.length for part in parts
            ]
            return [function(*values) for values in zip(*columns, strict=True)]

        return _Compiled(_once(node.sql("duckdb"), by_row), True)


def _once(text: str, run: Callable[[Rows], Any]) -> Callable[[Rows], Any]:
    """Computed once for the same rows, however many features ask."""

    def remembered(rows: Rows) -> Any:
        if text not in rows.made:
            rows.made[text] = run(rows)
        return rows.made[text]

    return remembered


def _kept(where: _Compiled | None, rows: Rows) -> Column:
    return [True] * rows.length if where is None else where.run(rows)


def _constant(node: "exp.Expr") -> Value:
    kind = type(node).__name__
    if kind == "Null":
        return None
    if kind == "Boolean":
        return bool(node.this)
    if kind == "Neg":
        return -_constant(node.this)
    if node.args.get("is_string"):
        return node.name
    text = node.name
    if "e" in text.lower():
        return float(text)
    # Why a decimal: so is 0.1 in DuckDB.
    return Decimal(text) if "." in text else int(text)


def _never_zero(node: "exp.Expr") -> bool:
    kind = type(node).__name__
    if kind in ("Paren", "Cast"):
        return _never_zero(node.this)
    if kind == "Nullif":
        return True
    return kind == "Literal" and float(node.name) != 0


def _conversion(to: str) -> Callable[[Value], Value] | None:
    if to.startswith("DECIMAL("):
        precision, scale = (int(part) for part in to[8:-1].split(","))

        def decimal(value: Value) -> Value:
            return None if value is None else to_decimal(value, scale, precision)

        return decimal
    return {"DOUBLE": _strict(float), "BIGINT": _strict(_whole), "INT": _strict(_whole)}.get(to)


def _whole(value: Value) -> int:
    if isinstance(value, Decimal):
        rounded = to_decimal(value, 0, 38)
        assert rounded is not None
        return int(rounded)
    whole: int = round(value)
    return whole


def _strict(function: Callable[..., Value]) -> Callable[..., Value]:
    """NULL where any argument is."""

    def strict(*values: Value) -> Value:
        return None if any(value is None for value in values) else function(*values)

    return strict


def _alike(left: Value, right: Value) -> tuple[Value, Value]:
    """Two numbers in the type that DuckDB adds or compares them in; all else as it is."""
    if isinstance(left, float) and isinstance(right, Decimal):
        return left, float(right)
    if isinstance(left, Decimal) and isinstance(right, float):
        return float(left), right
    return left, right


def _numeric(function: Callable[[Value, Value], Value]) -> Callable[..., Value]:
    def numeric(left: Value, right: Value) -> Value:
        return None if left is None or right is None else function(*_alike(left, right))

    return numeric


def _add(left: Value, right: Value) -> Value:
    if isinstance(left, date) and not isinstance(left, datetime):
        return left + timedelta(days=right)
    return left + right


def _subtract(left: Value, right: Value) -> Value:
    if isinstance(left, date) and isinstance(right, date):
        return (left - right).days
    if isinstance(left, date):
        return left - timedelta(days=right)
    return left - right


def _and(left: Value, right: Value) -> Value:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _or(left: Value, right: Value) -> Value:
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def _coalesce(*values: Value) -> Value:
    return next((value for value in values if value is not None), None)


def _extreme(choose: Callable[..., Value]) -> Callable[..., Value]:
    def extreme(*values: Value) -> Value:
        there = [value for value in values if value is not None]
        if any(isinstance(value, float) for value in there):
            there = [float(value) for value in there]
        return choose(there) if there else None

    return extreme


def _nullif(left: Value, right: Value) -> Value:
    if left is None or right is None:
        return left
    return None if left == right else left


def _round(value: Value, digits: int = 0) -> Value:
    if isinstance(value, Decimal):
        return to_decimal(value, digits, 38)
    unit = 10.0**digits
    scaled = value * unit
    rounded = math.copysign(math.floor(abs(scaled) + 0.5), scaled) / unit
    return rounded if math.isfinite(rounded) else value


# Node of the text → its arguments, and what it does with their values.
_SCALARS: Final[Mapping[str, tuple[tuple[str, ...], Callable[..., Value]]]] = {
    "Add": (("this", "expression"), _numeric(_add)),
    "Sub": (("this", "expression"), _numeric(_subtract)),
    "Mul": (("this", "expression"), _numeric(lambda a, b: a * b)),
    "Div": (("this", "expression"), _numeric(lambda a, b: float(a) / float(b))),
    "Neg": (("this",), _strict(lambda a: -a)),
    "EQ": (("this", "expression"), _numeric(lambda a, b: a == b)),
    "NEQ": (("this", "expression"), _numeric(lambda a, b: a != b)),
    "GT": (("this", "expression"), _numeric(lambda a, b: a > b)),
    "GTE": (("this", "expression"), _numeric(lambda a, b: a >= b)),
    "LT": (("this", "expression"), _numeric(lambda a, b: a < b)),
    "LTE": (("this", "expression"), _numeric(lambda a, b: a <= b)),
    "And": (("this", "expression"), _and),
    "Or": (("this", "expression"), _or),
    "Not": (("this",), _strict(lambda a: not a)),
    "Is": (("this", "expression"), lambda a, b: a is b),
    "Coalesce": (("this",), _coalesce),
    "Greatest": (("this",), _extreme(max)),
    "Least": (("this",), _extreme(min)),
    "Nullif": (("this", "expression"), _nullif),
    "Abs": (("this",), _strict(abs)),
    "Ln": (("this",), _strict(lambda a: math.log(a))),
    "Sqrt": (("this",), _strict(lambda a: math.sqrt(a))),
    "Round": (("this", "decimals"), _strict(_round)),
    "Month": (("this",), _strict(lambda day: day.month)),
}
