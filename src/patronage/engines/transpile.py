"""DuckDB's SQL in another dialect: the same numbers, or a refusal.

sqlglot writes the text; what it would carry over with another meaning is rewritten here first, or
refused. Only functions on a tested list pass, so that a new one is looked at before it is trusted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from patronage.engines.meanings import INSTANT, RULES, chosen, no_counterpart
from patronage.errors import MissingExtraError

__all__ = ["DIALECTS", "Source", "transpile"]

# Texts of these are tested: on Spark they run, the others are read back.
DIALECTS: Final = ("spark", "snowflake", "bigquery", "redshift", "tsql", "postgres")

_TESTED: Final = frozenset(
    (
        *("Case", "Cast", "Coalesce", "If", "Nullif", "TryCast", "And", "Or", "Not"),
        *("Avg", "ArgMax", "ArgMin", "Count", "CountIf", "Filter", "Max", "Median", "Min"),
        *("StddevSamp", "Sum", "Lag", "RowNumber"),
        *("Abs", "Ceil", "Exp", "Floor", "Greatest", "Least", "Ln", "Pow", "Round", "Sign", "Sqrt"),
        *("Lower", "MD5", "Split", "Substring", "Trim", "Upper", "Explode", "Unnest"),
        *("DateDiff", "DateTrunc", "Day", "Month", "TimestampTrunc", "TimeToUnix", "Year"),
    )
)
_TESTED_NAMES: Final = frozenset({"epoch_us", "isfinite"})

# Dialects with FILTER behind an aggregate.
_FILTERS: Final = ("spark", "postgres")

# Dialects that put NULL before all else, and cannot be told otherwise in a window.
_NULLS_SMALL: Final = ("bigquery", "tsql")

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
        if dialect in _NULLS_SMALL:
            _put_nulls_last(tree)
        _rewrite(tree, schema, dialect)
        return cast(
            str,
            tree.sql(dialect, unsupported_level=sqlglot.ErrorLevel.RAISE),
        )
    except sqlglot.errors.SqlglotError as error:
        raise no_counterpart(str(error).splitlines()[0], dialect) from error


def _check_functions(tree: Any) -> None:
    from sqlglot import exp

    for node in tree.find_all(exp.Func, exp.Filter):
        name = type(node).__name__
        if isinstance(node, exp.Anonymous):
            if node.name.lower() not in _TESTED_NAMES:
                raise no_counterpart(f"{node.name} is not among the tested functions", "spark")
        elif name in _REFUSED:
            raise no_counterpart(f"{node.sql('duckdb')}: {_REFUSED[name]}", "spark")
        elif name not in _TESTED:
            raise no_counterpart(f"{node.sql('duckdb')} is not among the tested functions", "spark")


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
                raise no_counterpart("row numbers of files are read", "spark")
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


def _put_nulls_last(tree: Any) -> None:
    """Order windows first by whether the key is NULL."""
    from sqlglot import exp

    for window in tree.find_all(exp.Window):
        order = window.args.get("order")
        for key in list(order.expressions) if order else ():
            missing = exp.Case().when(exp.Is(this=key.this.copy(), expression=exp.Null()), "1")
            first = exp.Ordered(this=missing.else_("0"), desc=False, nulls_first=True)
            key.set("nulls_first", not key.args.get("desc"))
            key.replace([first, key.copy()])


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
        if node.left.is_type(*INSTANT) and node.right.is_type(*INSTANT):
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
        rule = RULES.get(type(node).__name__)
        put = None if rule is None else rule(node, dialect)
        if put is not None and put is not node:
            put.type = node.type
            node.replace(put)
    for node in [] if dialect in _FILTERS else list(tree.find_all(exp.Filter)):
        node.replace(chosen(node))
