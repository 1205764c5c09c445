"""What DuckDB's expressions mean, put so that it means the same in another dialect.

Each rule takes a node of the parsed text with its type known, and gives what to put for it; None
where it may stay.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from patronage.errors import SettingsError

__all__ = ["INSTANT", "RULES", "chosen", "is_spark", "no_counterpart"]


def is_spark(dialect: str) -> bool:
    """Whether the text is to run, not only to be read."""
    return dialect == "spark"


def no_counterpart(why: str, dialect: str) -> SettingsError:
    """The error of a text that cannot be carried over."""
    return SettingsError(
        f"this query cannot be written in {dialect} with the same meaning: {why}.\n"
        "To mend: run it on DuckDB, or write it with the functions of engines/transpile.py."
    )


def chosen(node: Any) -> Any:
    """FILTER as a CASE within the aggregate: NULL is passed over."""
    from sqlglot import exp

    aggregate, condition = node.this.copy(), node.expression.this
    key = "expression" if isinstance(aggregate, exp.ArgMax | exp.ArgMin) else "this"
    given = aggregate.args[key]
    value = exp.Literal.number(1) if isinstance(given, exp.Star) else given.copy()
    aggregate.set(key, exp.Case().when(condition.copy(), value))
    return aggregate


def _sub(node: Any, dialect: str) -> Any:
    """DATE − DATE is a number of days, elsewhere an interval."""
    from sqlglot import exp

    del dialect
    if node.left.is_type("date") and node.right.is_type("date"):
        days = exp.DateDiff(
            this=node.left.copy(), expression=node.right.copy(), unit=exp.var("DAY")
        )
        return exp.cast(days, "bigint")
    return None


def _div(node: Any, dialect: str) -> Any:
    """Division is of floats, whatever is divided."""
    from sqlglot import exp

    del dialect
    if not node.left.is_type("double"):
        node.set("this", exp.cast(node.left.copy(), "double"))
    return None


def _arg(node: Any, dialect: str) -> Any:
    """Rows without the value asked for are passed over."""
    from sqlglot import exp

    del dialect
    if node.args.get("count"):
        raise no_counterpart("arg_max of several values", "spark")
    there = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.Null()))
    parent = node.parent
    if isinstance(parent, exp.Filter):
        where = parent.expression
        where.set("this", exp.and_(where.this.copy(), there, copy=False))
        return None
    return exp.Filter(this=node.copy(), expression=exp.Where(this=there))


def _avg(node: Any, dialect: str) -> Any:
    """The mean of decimals is their exact sum as a float by their number."""
    from sqlglot import exp

    del dialect
    if not node.this.is_type("decimal"):
        return None
    whole = node
    while isinstance(whole.parent, exp.Filter | exp.Window) and whole.arg_key == "this":
        whole = whole.parent

    def over(aggregate: Any) -> Any:
        if whole is node:
            return aggregate(this=node.this.copy())
        copied = whole.copy()
        copied.find(exp.Avg).replace(aggregate(this=node.this.copy()))
        return copied

    count = exp.Nullif(this=over(exp.Count), expression=exp.Literal.number(0))
    mean = exp.Paren(this=exp.Div(this=exp.cast(over(exp.Sum), "double"), expression=count))
    mean.type = exp.DataType.build("double")
    whole.replace(mean)
    return None


INSTANT: Final = ("date", "timestamp", "timestampntz", "timestamptz")
_WHOLE: Final = ("tinyint", "smallint", "int", "bigint", "int128")
_FLOAT: Final = ("float", "double")


def _cast(node: Any, dialect: str) -> Any:
    """Casts that round: to whole numbers, and from floats to decimals."""
    from sqlglot import exp

    given, to = node.this, node.args["to"]
    if not is_spark(dialect):
        return None
    if to.is_type(*exp.DataType.TEXT_TYPES) and given.is_type(*_FLOAT):
        raise no_counterpart("a float is written as text", dialect)
    if to.is_type(*_WHOLE):
        if given.is_type(*_FLOAT) and not isinstance(given.unnest(), exp.Floor | exp.Ceil):
            node.set("this", exp.func("RINT", given.copy()))
        elif given.is_type("decimal"):
            node.set("this", exp.Round(this=given.copy(), decimals=exp.Literal.number(0)))
        return None
    if to.is_type("decimal") and given.is_type(*_FLOAT):
        return _decimal(node)
    return None


def _decimal(node: Any) -> Any:
    """Float to decimal as DuckDB rounds it: half to even in units, ties moved away from zero."""
    from sqlglot import exp

    precision, scale = (int(part.name) for part in node.args["to"].expressions)
    if precision > 18:
        raise no_counterpart("a float becomes a decimal of more than 18 digits", "spark")
    unit, limit = f"1e{scale}", f"1e{precision}"
    scaled = f"(x * {unit} + 1e-9 * SIGN(x))"
    exact = f"CAST(CAST(RINT({scaled}) AS BIGINT) AS DECIMAL({precision}, 0)) * "
    exact += f"CAST('1e-{scale}' AS DECIMAL({max(scale, 1)}, {scale}))"
    fits = (
        exact
        if isinstance(node, exp.Cast) and not isinstance(node, exp.TryCast)
        else (f"CASE WHEN ABS(x * {unit}) < {limit} THEN {exact} END")
    )
    text = f"CAST({fits} AS DECIMAL({precision}, {scale}))"
    import sqlglot

    put = sqlglot.parse_one(text, read="spark")
    for column in list(put.find_all(exp.Column)):
        column.replace(exp.Paren(this=node.this.copy()))
    return put


def _part(node: Any, dialect: str) -> Any:
    """Parts of a date are BIGINT."""
    from sqlglot import exp

    return exp.cast(node.copy(), "bigint") if is_spark(dialect) else None


def _unix(node: Any, dialect: str) -> Any:
    """Seconds since 1970 of a day or an instant; of an interval there are none."""
    from sqlglot import exp

    if not node.this.is_type("date", "timestamp", "timestampntz"):
        raise no_counterpart("epoch of what is neither a day nor an instant", dialect)
    return exp.Paren(
        this=exp.Div(
            this=exp.cast(_micros(node.this), "double"), expression=exp.Literal.number("1e6")
        )
    )


def _anonymous(node: Any, dialect: str) -> Any:
    from sqlglot import exp

    del dialect
    (given,) = node.expressions
    if node.name.lower() == "epoch_us":
        return _micros(given)
    if given.is_type("timestamp", "timestampntz", "date"):
        # Spark has no endless times.
        return exp.Not(this=exp.Is(this=given.copy(), expression=exp.Null()))
    endless = exp.cast(exp.Literal.string("Infinity"), "double")
    return exp.LT(this=exp.Abs(this=given.copy()), expression=endless)


def _micros(given: Any) -> Any:
    from sqlglot import exp

    instant = exp.cast(exp.cast(given.copy(), "timestampntz"), "timestamptz")
    return exp.UnixMicros(this=instant)


RULES: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "Sub": _sub,
    "Div": _div,
    "ArgMax": _arg,
    "ArgMin": _arg,
    "Avg": _avg,
    "Cast": _cast,
    "TryCast": _cast,
    "Day": _part,
    "Month": _part,
    "Year": _part,
    "TimeToUnix": _unix,
    "Anonymous": _anonymous,
}
