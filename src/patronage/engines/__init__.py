"""Where SQL runs: one text, on DuckDB over Parquet, or on Spark."""

from patronage.engines.base import ENGINES, NO_ENGINE, Engine, check_engine
from patronage.engines.decimals import decimal_as_double, decimal_column
from patronage.engines.duck import (
    DuckEngine,
    EngineError,
    SqlError,
    cores,
    default_engine,
    frames,
    identifier,
    literal,
    ordered_engine,
    parquet,
    side_by_side,
)
from patronage.engines.spark import SparkEngine, spark_engine

__all__ = [
    "ENGINES",
    "NO_ENGINE",
    "DuckEngine",
    "Engine",
    "EngineError",
    "SparkEngine",
    "SqlError",
    "check_engine",
    "cores",
    "decimal_as_double",
    "decimal_column",
    "default_engine",
    "frames",
    "identifier",
    "literal",
    "ordered_engine",
    "parquet",
    "side_by_side",
    "spark_engine",
]
