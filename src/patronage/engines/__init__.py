"""Where SQL runs: one text, on DuckDB over Parquet."""

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

__all__ = [
    "DuckEngine",
    "EngineError",
    "SqlError",
    "cores",
    "default_engine",
    "frames",
    "identifier",
    "literal",
    "ordered_engine",
    "parquet",
]
