"""A saved model: a folder of JSON and arrays, with hashes against damage and an optional HMAC.

model.json      format, name, version, what the model is for, and its tree of values
arrays.npz      the arrays the tree names (never objects, so nothing runs on load)
manifest.json   sha256 of both, and with a signing key an HMAC-SHA256 over these hashes
"""

import hashlib
import hmac
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np

from patronage.errors import ArtifactError
from patronage.horizon import Horizon
from patronage.models.base import FittedModel
from patronage.registry.codec import decode, encode

__all__ = ["Artifact", "load_artifact", "save_artifact"]

_FORMAT: Final = 1
_FILES: Final = ("model.json", "arrays.npz")
_MANIFEST: Final = "manifest.json"

# What reading a file raises that is not what it says to be.
_UNREADABLE: Final = (
    *(AttributeError, EOFError, KeyError, OverflowError, RecursionError, TypeError, ValueError),
    *(zipfile.BadZipFile, zlib.error),
)


@dataclass(frozen=True)
class Artifact:
    """A fitted model and what it is for.

    Attributes
    ----------
    name : catalogue name, with its wrappers ("pareto_nbd + recalibration")
    fitted : the model itself
    horizon : the horizon it was fitted for
    as_of : first day it did not know
    currency : of its cash
    version : first 12 digits of the hash of its contents; "" before it is saved
    facts : anything else worth keeping beside it (the choice, the judged horizon …)
    """

    name: str
    fitted: FittedModel
    horizon: Horizon
    as_of: date
    currency: str
    version: str = ""
    facts: Mapping[str, Any] | None = None


def save_artifact(artifact: Artifact, folder: Path, *, signing_key: bytes | None = None) -> str:
    """Write the model into `folder` (made if absent) and return its version."""
    arrays: dict[str, np.ndarray] = {}
    tree = encode(artifact.fitted, arrays)
    packed = _pack(arrays)
    content = {
        "format": _FORMAT,
        "name": artifact.name,
        "horizon": [artifact.horizon.n_periods, artifact.horizon.period],
        "as_of": artifact.as_of.isoformat(),
        "currency": artifact.currency,
        "facts": dict(artifact.facts or {}),
        "model": tree,
    }
    body = json.dumps(content, sort_keys=True, indent=1, allow_nan=False)
    version = hashlib.sha256(body.encode() + packed).hexdigest()[:12]
    content["version"] = version
    files = {
        "model.json": json.dumps(content, sort_keys=True, indent=1, allow_nan=False).encode(),
        "arrays.npz": packed,
    }
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    manifest: dict[str, Any] = {"format": _FORMAT, "sha256": hashes}
    if signing_key is not None:
        manifest["hmac_sha256"] = _sign(hashes, signing_key)
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / _MANIFEST).write_text(json.dumps(manifest, sort_keys=True, indent=1))
    return version


def load_artifact(folder: Path, *, signing_key: bytes | None = None) -> Artifact:
    """Read a model that `save_artifact` wrote; with a key, only one signed with that key.

    Raises
    ------
    ArtifactError : no model there, a file too many or too few, a hash or signature that is wrong,
        or contents that are not a model of Patronage
    """
    hashes = _verified_hashes(folder, signing_key)
    files = {name: (folder / name).read_bytes() for name in _FILES}
    for name, data in files.items():
        if not hmac.compare_digest(hashlib.sha256(data).hexdigest(), hashes[name]):
            raise ArtifactError(
                f"{folder / name} is damaged: its hash is not the one in {_MANIFEST}.\n"
                "To mend: copy the model again, or fit it anew."
            )
    try:
        content = json.loads(files["model.json"])
        if content["format"] != _FORMAT:
            raise ArtifactError(
                f"{folder} has format {content['format']}; this version reads format {_FORMAT}."
            )
        fitted = decode(content["model"], _unpack(files["arrays.npz"]))
        n_periods, period = content["horizon"]
        artifact = Artifact(
            content["name"],
            fitted,
            Horizon(n_periods, period),
            date.fromisoformat(content["as_of"]),
            content["currency"],
            content["version"],
            content["facts"],
        )
    except _UNREADABLE as error:
        if isinstance(error, ArtifactError):
            raise
        raise ArtifactError(f"{folder} is no model of Patronage: {error}.") from error
    if not isinstance(fitted, FittedModel):
        raise ArtifactError(f"{folder} holds a {type(fitted).__name__}, which cannot forecast.")
    return artifact


def _verified_hashes(folder: Path, signing_key: bytes | None) -> dict[str, str]:
    if not (folder / _MANIFEST).is_file():
        raise ArtifactError(
            f"{folder} is no model of Patronage: it has no {_MANIFEST}.\n"
            "To mend: give the folder of one model, for example OUT/models/pareto_nbd."
        )
    present = {path.name for path in folder.iterdir()}
    foreign = sorted(present - {*_FILES, _MANIFEST})
    if foreign:
        raise ArtifactError(
            f"{folder} has files that do not belong to a model: {', '.join(foreign)}; refused.\n"
            "To mend: remove them; a model is model.json, arrays.npz and manifest.json."
        )
    missing = sorted({*_FILES} - present)
    if missing:
        raise ArtifactError(f"{folder} lacks {', '.join(missing)}; copy the model again.")
    try:
        manifest = json.loads((folder / _MANIFEST).read_text())
        hashes = {name: str(manifest["sha256"][name]) for name in _FILES}
        signature = manifest.get("hmac_sha256")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactError(f"{folder / _MANIFEST} cannot be read: {error!r}.") from error
    if signing_key is not None:
        if signature is None:
            raise ArtifactError(
                f"{folder} is not signed, and a signing key is set; refused.\n"
                "To mend: save the model again with PATRONAGE_SIGNING_KEY set."
            )
        if not hmac.compare_digest(_sign(hashes, signing_key), str(signature)):
            raise ArtifactError(
                f"the signature of {folder} is wrong: the model was changed after it was signed, "
                "or signed with another key; refused."
            )
    return hashes


def _sign(hashes: Mapping[str, str], key: bytes) -> str:
    message = json.dumps(dict(sorted(hashes.items()))).encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def _pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    # Why: np.savez stamps the time into the archive, and equal models must have equal versions.
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            data = io.BytesIO()
            np.lib.format.write_array(data, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), data.getvalue())
    return buffer.getvalue()


def _unpack(packed: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(packed), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
