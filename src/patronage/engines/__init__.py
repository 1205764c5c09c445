"""Where SQL runs: one text, on DuckDB over Parquet."""

from patronage.engines.duck import (
    DuckEngine,
    EngineError,
    default_engine,
    identifier,
    literal,
    ordered_engine,
    parquet,
)

__all__ = [
    "DuckEngine",
    "EngineError",
    "default_engine",
    "identifier",
    "literal",
    "ordered_engine",
    "parquet",
]
