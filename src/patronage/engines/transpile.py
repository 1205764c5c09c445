"""DuckDB's SQL in another dialect: the same numbers, or a refusal.

sqlglot writes the text; what it would carry over with another meaning is rewritten here first, or
refused. Only functions on a tested list pass, so that a new one is looked at before it is trusted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from patronage.errors import MissingExtraError, SettingsError

__all__ = ["DIALECTS", "Source", "transpile"]

# Texts of these are tested: on Spark they run, the others are read back.
DIALECTS: Final = ("spark", "snowflake", "bigquery", "redshift", "tsql", "postgres")

_TESTED: Final = frozenset(
    (
        *("Case", "Cast", "Coalesce", "If", "Nullif", "TryCast", "And", "Or", "Not"),
        *("Avg", "ArgMax", "ArgMin", "Count", "CountIf", "Filter", "Max", "Median", "Min"),
        *("StddevSamp", "Sum", "Lag", "RowNumber"),
        *("Abs", "Ceil", "Exp", "Floor", "Greatest", "Least", "Ln", "Pow", "Round", "Sign", "Sqrt"),
        *("Lower", "Trim", "Upper"),
        *("DateDiff", "DateTrunc", "Day", "Month", "TimestampTrunc", "TimeToUnix", "Year"),
    )
)
_TESTED_NAMES: Final = frozenset({"epoch_us", "isfinite"})

# Dialects with FILTER behind an aggregate.
_FILTERS: Final = ("spark", "postgres")

# Why each is not carried: what Spark would make of it.
_REFUSED: Final[Mapping[str, str]] = {
    "ArrayAgg": "a list loses its order; sort after the query",
    "Mode": "of equally frequent values Spark takes any",
    "PercentileCont": "it has another name and other types in every dialect",
    "AnyValue": "any value is another one on every engine; use min",
    "First": "the first row is another one on every engine; use arg_min",
    "ApproxDistinct": "it is an estimate, and another one on every engine",
}

# Of a file, not of its rows; no other engine numbers them.
_VIRTUAL: Final = frozenset({"file_index", "file_row_number"})


@dataclass(frozen=True)
class Source:
    """A table as the other engine knows it.

    Attributes
    ----------
    name : how its SQL calls it
    columns : name → DuckDB type
    """

    name: str
    columns: Mapping[str, str]


def transpile(
    sql: str, dialect: str = "spark", *, source: Callable[[tuple[str, ...]], Source]
) -> str:
    """DuckDB's text of one query in another dialect.

    source : from the paths of a `read_parquet([…])` to the table that holds their rows

    Raises
    ------
    SettingsError : something in the text has no counterpart with the same meaning
    """
    try:
        import sqlglot
    except ImportError as error:
        raise MissingExtraError.of("sqlglot", "spark") from error
    from sqlglot.optimizer.qualify_columns import qualify_columns
    from sqlglot.optimizer.qualify_tables import qualify_tables
    from sqlglot.schema import MappingSchema

    try:
        tree: Any = sqlglot.parse_one(sql, read="duckdb")
        columns = _read_tables(tree, source)
        _check_functions(tree)
        schema = MappingSchema(dict(columns), dialect="duckdb", normalize=False)
        tree = qualify_tables(tree, dialect="duckdb")
        tree = qualify_columns(tree, schema, dialect="duckdb", expand_alias_refs=False)
        _drop_row_numbers(tree)
        _spell_windows_out(tree)
        _rewrite(tree, schema, dialect)
        return cast(
            str,
            tree.sql(
                dialect,
                unsupported_level=sqlglot.ErrorLevel.RAISE
                if _spark(dialect)
                else sqlglot.ErrorLevel.IGNORE,
            ),
        )
    except sqlglot.errors.SqlglotError as error:
        raise _no_counterpart(str(error).splitlines()[0], dialect) from error


def _spark(dialect: str) -> bool:
    return dialect == "spark"


def _no_counterpart(why: str, dialect: str) -> SettingsError:
    return SettingsError(
        f"this query cannot be written in {dialect} with the same meaning: {why}.\n"
        "To mend: run it on DuckDB, or write it with the functions of engines/transpile.py."
    )


def _check_functions(tree: Any) -> None:
    from sqlglot import exp

    for node in tree.find_all(exp.Func, exp.Filter):
        name = type(node).__name__
        if isinstance(node, exp.Anonymous):
            if node.name.lower() not in _TESTED_NAMES:
                raise _no_counterpart(f"{node.name} is not among the tested functions", "spark")
        elif name in _REFUSED:
            raise _no_counterpart(f"{node.sql('duckdb')}: {_REFUSED[name]}", "spark")
        elif name not in _TESTED:
            raise _no_counterpart(
                f"{node.sql('duckdb')} is not among the tested functions", "spark"
            )


def _read_tables(
    tree: Any, source: Callable[[tuple[str, ...]], Source]
) -> dict[str, dict[str, str]]:
    """Put tables for the Parquet files that are read; table → columns."""
    from sqlglot import exp

    columns: dict[str, dict[str, str]] = {}
    for node in list(tree.find_all(exp.ReadParquet)):
        paths = tuple(part.name for part in node.find_all(exp.Literal) if part.is_string)
        found = source(paths)
        columns[found.name] = dict(found.columns)
        table = node.parent
        assert isinstance(table, exp.Table)
        put = exp.to_table(found.name)
        if table.args.get("alias"):
            put.set("alias", table.args["alias"])
        table.replace(put)
    return columns


def _drop_row_numbers(tree: Any) -> None:
    """Leave out file and row numbers that are carried along and never read."""
    from sqlglot import exp

    carried = set(_VIRTUAL)
    while True:
        uses: dict[str, list[Any]] = {}
        for column in tree.find_all(exp.Column):
            if column.name in carried:
                uses.setdefault(column.name, []).append(column)
        # A use that is a projection only hands the number on, under a name that is looked at next.
        handed = {
            column.parent.alias
            for found in uses.values()
            for column in found
            if isinstance(column.parent, exp.Alias) and isinstance(column.parent.parent, exp.Select)
        }
        if handed <= carried:
            break
        carried |= handed
    for found in uses.values():
        for column in found:
            alias = column.parent
            if not (isinstance(alias, exp.Alias) and alias.parent is not tree):
                raise _no_counterpart("row numbers of files are read", "spark")
            alias.pop()


def _spell_windows_out(tree: Any) -> None:
    """Put what it says where a named window is used: not every dialect has a WINDOW clause."""
    from sqlglot import exp

    for select in tree.find_all(exp.Select):
        named = {window.name: window for window in select.args.get("windows") or ()}
        select.set("windows", None)
        for window in select.find_all(exp.Window) if named else ():
            if window.alias in named:
                meant = named[window.alias].copy()
                window.set("alias", None)
                for part in ("partition_by", "order", "spec"):
                    window.set(part, meant.args.get(part))


def _rewrite(tree: Any, schema: Any, dialect: str) -> None:
    """Put what means the same in every dialect for what would mean something else."""
    from sqlglot import exp
    from sqlglot.dialects.duckdb import DuckDB
    from sqlglot.optimizer.annotate_types import annotate_types

    # From the inside out: what a subtraction of dates becomes is a number to all around it.
    known: dict[Any, Any] = dict(DuckDB.EXPRESSION_METADATA)
    plain = known[exp.Sub]["annotator"]

    def difference(annotator: Any, node: Any) -> Any:
        if node.left.is_type("date") and node.right.is_type("date"):
            return annotator._set_type(node, exp.DataType.build("bigint"))
        if node.left.is_type(*_INSTANT) and node.right.is_type(*_INSTANT):
            return annotator._set_type(node, exp.DataType.build("interval"))
        return plain(annotator, node)

    def micros(annotator: Any, node: Any) -> Any:
        named = {"epoch_us": "bigint", "isfinite": "boolean"}.get(node.name.lower(), "unknown")
        return annotator._set_type(node, exp.DataType.build(named))

    def first(annotator: Any, node: Any) -> Any:
        return annotator._set_type(node, node.this.type)

    known |= {
        exp.Sub: {"annotator": difference},
        exp.Anonymous: {"annotator": micros},
        exp.ArgMax: {"annotator": first},
        exp.ArgMin: {"annotator": first},
        exp.TimeToUnix: {"returns": exp.DType.DOUBLE},
    }
    annotate_types(tree, schema, expression_metadata=known, dialect="duckdb")
    nodes = list(tree.walk(bfs=True))
    for node in reversed(nodes):
        rule = _RULES.get(type(node).__name__)
        put = None if rule is None else rule(node, dialect)
        if put is not None and put is not node:
            put.type = node.type
            node.replace(put)
    for node in [] if dialect in _FILTERS else list(tree.find_all(exp.Filter)):
        node.replace(_chosen(node))


def _chosen(node: Any) -> Any:
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
        raise _no_counterpart("arg_max of several values", "spark")
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


_INSTANT: Final = ("date", "timestamp", "timestampntz", "timestamptz")
_WHOLE: Final = ("tinyint", "smallint", "int", "bigint", "int128")
_FLOAT: Final = ("float", "double")


def _cast(node: Any, dialect: str) -> Any:
    """Casts that round: to whole numbers, and from floats to decimals."""
    from sqlglot import exp

    given, to = node.this, node.args["to"]
    if not _spark(dialect):
        return None
    if to.is_type(*exp.DataType.TEXT_TYPES) and given.is_type(*_FLOAT):
        raise _no_counterpart("a float is written as text", dialect)
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
        raise _no_counterpart("a float becomes a decimal of more than 18 digits", "spark")
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


def _unix(node: Any, dialect: str) -> Any:
    """Seconds since 1970 of a day or an instant; of an interval there are none."""
    from sqlglot import exp

    if not node.this.is_type("date", "timestamp", "timestampntz"):
        raise _no_counterpart("epoch of what is neither a day nor an instant", dialect)
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


_RULES: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "Sub": _sub,
    "Div": _div,
    "ArgMax": _arg,
    "ArgMin": _arg,
    "Avg": _avg,
    "Cast": _cast,
    "TryCast": _cast,
    "TimeToUnix": _unix,
    "Anonymous": _anonymous,
}
