"""A fitted model as a JSON tree and named arrays, and back: values only, never code.

What can be written is what the protocol of fitted models allows: None, bool, int, float, str,
date, NumPy arrays of numbers or text, tuples, dicts with text keys, and frozen dataclasses of
Patronage made of these. A dataclass is written by its address ("module:Class"); reading accepts
only addresses inside Patronage that name a dataclass, and builds it from its fields.
"""

import dataclasses
import importlib
import math
from datetime import date
from typing import Any, Final

import numpy as np

from patronage.errors import ArtifactError

__all__ = ["decode", "encode"]

_ROOMS: Final = ("patronage.models.", "patronage.uncertainty.", "patronage.horizon")


def encode(value: object, arrays: dict[str, np.ndarray]) -> Any:
    """The JSON tree of `value`; arrays are put into `arrays` under the names the tree uses."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biufUM":
            raise ArtifactError(f"arrays of type {value.dtype} cannot be saved.")
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"$array": name}
    if isinstance(value, np.generic):
        return encode(value.item(), arrays)
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, tuple):
        return {"$tuple": [encode(item, arrays) for item in value]}
    if isinstance(value, dict):
        # Why pairs: the file's keys are sorted, and the order of members has a meaning.
        if not all(isinstance(key, str) for key in value):
            raise ArtifactError("a fitted model holds a dict whose keys are no texts.")
        return {"$dict": [[key, encode(item, arrays)] for key, item in value.items()]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        fields = {
            field.name: encode(getattr(value, field.name), arrays)
            for field in dataclasses.fields(value)
            if field.init
        }
        return {"$class": f"{kind.__module__}:{kind.__qualname__}", "fields": fields}
    raise ArtifactError(
        f"a fitted model holds a {type(value).__name__}, which cannot be saved without code.\n"
        "To mend: keep only numbers, texts, dates, arrays, tuples, dicts and frozen dataclasses."
    )


def decode(tree: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The value that `encode` wrote.

    Raises
    ------
    ArtifactError : an address outside Patronage, a missing array or field, an unknown mark
    """
    if not isinstance(tree, dict):
        return tree
    match tree:
        case {"$float": str(text)} if text in ("nan", "inf", "-inf"):
            return float(text)
        case {"$array": str(name)} if name in arrays:
            return arrays[name]
        case {"$date": str(text)}:
            return date.fromisoformat(text)
        case {"$tuple": list(items)}:
            return tuple(decode(item, arrays) for item in items)
        case {"$dict": list(items)}:
            return {str(key): decode(item, arrays) for key, item in items}
        case {"$class": str(address), "fields": dict(fields)}:
            return _build(address, {key: decode(item, arrays) for key, item in fields.items()})
    raise ArtifactError(f"the model file has a part that is not understood: {str(tree)[:80]}.")


def _build(address: str, fields: dict[str, Any]) -> Any:
    module, _, name = address.partition(":")
    if not f"{module}.".startswith(_ROOMS) or not name.isidentifier():
        raise ArtifactError(
            f"the model file names {address!r}, which is not a model of Patronage; refused."
        )
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ArtifactError(
            f"this version of Patronage has no {address!r}.\n"
            "To mend: load the model with the version that saved it, or fit it anew."
        ) from error
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise ArtifactError(f"{address!r} is not a fitted model; refused.")
    try:
        return kind(**fields)
    except TypeError as error:
        raise ArtifactError(f"the fields of {address!r} do not fit: {error}.") from error
