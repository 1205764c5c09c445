"""Where SQL runs: one text, on DuckDB over Parquet, or on Spark."""

from patronage.engines.base import NO_ENGINE, Engine
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
)
from patronage.engines.spark import SparkEngine, spark_engine

__all__ = [
    "NO_ENGINE",
    "DuckEngine",
    "Engine",
    "EngineError",
    "SparkEngine",
    "SqlError",
    "cores",
    "default_engine",
    "frames",
    "identifier",
    "literal",
    "ordered_engine",
    "parquet",
    "spark_engine",
]
