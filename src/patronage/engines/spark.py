"""Spark as an engine: the same SQL text, transpiled, on one machine or on a cluster."""

import hashlib
import os
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import polars as pl

from patronage import errors
from patronage.engines.transpile import Source, transpile
from patronage.errors import MissingExtraError, PatronageError, SettingsError

__all__ = ["SparkEngine", "spark_engine"]

Work = Callable[[Iterator[pl.DataFrame]], Iterator[pl.DataFrame]]

# What the numbers hang on; set in a session of the engine's own.
_MEANING: Final[Mapping[str, str]] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    # Why: as many customers at a time as `scoring.score` takes.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
}

# A session on this machine alone: no page, no port to the network.
_LOCAL: Final[Mapping[str, str]] = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "4",
    # Why: what fails is raised, with its own words.
    "spark.log.level": "OFF",
}


class SparkEngine:
    """Runs DuckDB's SQL text on Spark, with the answers of `DuckEngine`.

    The session is made when it is first needed, unless one is given.

    Parameters
    ----------
    session : a running Spark session; the engine works in one of its own beside it, and leaves it
        running
    master : where Spark runs, when the engine makes the session
    memory : of the Spark that the engine makes
    """

    def __init__(
        self, session: Any = None, *, master: str = "local[2]", memory: str = "2g"
    ) -> None:
        self._given = session
        self._session: Any = None
        self._master = master
        self._memory = memory

    @property
    def session(self) -> Any:
        """The Spark session in which the queries run."""
        if self._session is None:
            whole = self._given or _start(self._master, self._memory)
            self._session = whole.newSession()
            for name, value in _MEANING.items():
                self._session.conf.set(name, value)
        return self._session

    def close(self) -> None:
        """Stop the Spark that the engine has made."""
        if self._session is not None and self._given is None:
            self._session.stop()
        self._session = None

    def __enter__(self) -> "SparkEngine":
        return self

    def __exit__(self, *failed: object) -> None:
        self.close()

    def can_run(self, sql: str) -> bool:
        """Whether Spark can read and compute this text with the same meaning."""
        pyspark = _pyspark()
        try:
            self.query(sql)
        except (SettingsError, pyspark.errors.PySparkException):
            return False
        return True

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> Any:
        """The result as a Spark frame, not yet computed."""
        if parameters:
            raise SettingsError("a query on Spark takes no parameters; write them as literals.")
        return self.session.sql(transpile(sql, "spark", source=self._source))

    def frame(self, sql: str, parameters: Mapping[str, object] | None = None) -> pl.DataFrame:
        """The result as a Polars frame, in no order but that of its ORDER BY."""
        return pl.DataFrame(self.query(sql, parameters).toArrow())

    def rows(
        self, sql: str, parameters: Mapping[str, object] | None = None
    ) -> list[tuple[Any, ...]]:
        """All rows of a small result."""
        return [tuple(row) for row in self.query(sql, parameters).collect()]

    def row(self, sql: str, parameters: Mapping[str, object] | None = None) -> tuple[Any, ...]:
        """The first row of the result."""
        found = self.query(sql, parameters).head(1)
        if not found:
            raise LookupError("the query has no rows")
        return tuple(found[0])

    def write(
        self,
        sql: str,
        path: Path,
        parameters: Mapping[str, object] | None = None,
        *,
        compression: str = "snappy",
    ) -> Path:
        """Write the result to one Parquet file and return its path."""
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as folder:
            parts = Path(folder) / "parts"
            table = self.query(sql, parameters).coalesce(1)
            table.write.option("compression", compression).parquet(str(parts))
            (part,) = parts.glob("part-*.parquet")
            shutil.move(part, path)
        return path

    def map(
        self,
        sql: str,
        work: Work,
        schema: Mapping[str, Any],
    ) -> pl.DataFrame:
        """What `work` makes of the rows, part by part where they lie, in no order.

        work : a function of an importable module (with `functools.partial`: and plain values)
        schema : column → Polars type of what it makes

        Raises
        ------
        PatronageError : what `work` raised on purpose
        """
        names = pl.DataFrame(schema=dict(schema)).to_arrow().schema
        types = ", ".join(f"`{field.name}` {_SPARK_TYPE[str(field.type)]}" for field in names)

        errors_of = _pyspark().errors
        try:
            with warnings.catch_warnings():
                # Why: Spark asks for a pandas below 3, and Arrow batches need none.
                warnings.filterwarnings("ignore", "PySpark does not yet", FutureWarning)
                made = self.query(sql).mapInArrow(partial(_over, work), types).toArrow()
        except errors_of.PySparkException as failed:
            raise _raised_there(failed) from failed
        return pl.DataFrame(made)

    def _source(self, paths: tuple[str, ...]) -> Source:
        """A view of these files, made anew so that it never lags behind them."""
        name = "files_" + hashlib.sha256("\n".join(paths).encode()).hexdigest()[:16]
        reader = self.session.read.option("mergeSchema", str(len(paths) > 1).lower())
        table = reader.parquet(*paths)
        table.createOrReplaceTempView(name)
        return Source(name, {column: _duck_type(kind) for column, kind in table.dtypes})


_SPARK_TYPE: Final[Mapping[str, str]] = {
    "int64": "bigint",
    "double": "double",
    "string": "string",
    "large_string": "string",
    "string_view": "string",
    "date32[day]": "date",
    "bool": "boolean",
}


def _duck_type(kind: str) -> str:
    return {"string": "VARCHAR", "timestamp_ntz": "TIMESTAMP", "timestamp": "TIMESTAMPTZ"}.get(
        kind, kind.upper()
    )


def _over(work: Work, batches: Iterator[Any]) -> Iterator[Any]:
    """The work of `SparkEngine.map` on Arrow batches, as Spark has them."""
    import pyarrow as pa

    for made in work(pl.DataFrame(pa.Table.from_batches([batch])) for batch in batches):
        yield from _plain(made.to_arrow()).to_batches()


def _plain(table: Any) -> Any:
    """Texts as Spark takes them."""
    import pyarrow as pa

    texts = ("large_string", "string_view")
    fields = [
        pa.field(field.name, pa.string() if str(field.type) in texts else field.type)
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


def _raised_there(failed: Any) -> Exception:
    """The error of ours that a worker raised, with its own words; else Spark's."""
    found = re.findall(r"^patronage\.errors\.(\w+): (.*(?:\nTo mend: .*)?)", str(failed), re.M)
    if not found:
        return failed  # type: ignore[no-any-return]
    name, said = found[-1]
    kind = getattr(errors, name, PatronageError)
    return kind(said)


def _pyspark() -> Any:
    try:
        import pyspark
        import pyspark.errors
        import pyspark.sql
    except ImportError as error:
        raise MissingExtraError.of("pyspark", "spark") from error
    return pyspark


def _start(master: str, memory: str) -> Any:
    """A session of Spark in this process.

    Raises
    ------
    MissingExtraError : pyspark is not installed
    SettingsError : there is no Java
    """
    pyspark = _pyspark()
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=f"{home}/bin" if home else None) is None:
        raise SettingsError(
            "Spark needs Java 17 or later, and there is none"
            + (f" in JAVA_HOME, {home}.\n" if home else " on the path.\n")
            + "To mend: install it (Debian: apt-get install openjdk-17-jre-headless), or set "
            "JAVA_HOME; or --engine duckdb, which needs none."
        )
    builder = pyspark.sql.SparkSession.builder.appName("patronage").master(master)
    settings = {"spark.driver.memory": memory}
    if master.startswith("local"):
        settings |= _LOCAL
        # The workers' Python is this one, with all that is installed beside it.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


@cache
def spark_engine() -> SparkEngine:
    """The process's engine: the active session if there is one (spark-submit), else a local one."""
    active = _pyspark().sql.SparkSession.getActiveSession()
    return SparkEngine(active, master=os.environ.get("PATRONAGE_SPARK_MASTER", "local[2]"))
