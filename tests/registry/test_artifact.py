"""A saved model comes back equal; a damaged, foreign or forged one does not come back."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from patronage.errors import ArtifactError
from patronage.horizon import Horizon
from patronage.models.baselines.nothing import FittedNothing
from patronage.models.two_part import TwoPartCalibration
from patronage.registry import Artifact, load_artifact, save_artifact
from patronage.uncertainty import FittedRecalibrated

KEY = b"a key of our own"


def _calibration() -> TwoPartCalibration:
    return TwoPartCalibration(
        1.1,
        0.9,
        (-0.2, 1.1),
        np.array([0.0, 1.0]),
        np.linspace(0, 1, 5),
        np.ones((2, 5)),
        float("inf"),
        7,
    )


def _artifact() -> Artifact:
    inner = FittedRecalibrated(FittedNothing(), _calibration())
    fitted = FittedRecalibrated(inner, _calibration())
    return Artifact("twice", fitted, Horizon(3, "month"), date(2026, 1, 1), "EUR", facts={"a": 1})


def test_a_model_comes_back_as_it_was(tmp_path: Path) -> None:
    version = save_artifact(_artifact(), tmp_path / "m", signing_key=KEY)

    loaded = load_artifact(tmp_path / "m", signing_key=KEY)

    assert loaded.version == version
    assert (loaded.name, loaded.horizon, loaded.currency) == ("twice", Horizon(3, "month"), "EUR")
    assert isinstance(loaded.fitted, FittedRecalibrated)
    np.testing.assert_array_equal(loaded.fitted.calibration.ratios, np.ones((2, 5)))
    assert loaded.fitted.calibration.total_sd == float("inf")


def test_equal_models_have_equal_versions(tmp_path: Path) -> None:
    assert save_artifact(_artifact(), tmp_path / "a") == save_artifact(_artifact(), tmp_path / "b")


@pytest.mark.parametrize("name", ["model.json", "arrays.npz"])
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    save_artifact(_artifact(), tmp_path / "m")
    path = tmp_path / "m" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    with pytest.raises(ArtifactError, match="damaged"):
        load_artifact(tmp_path / "m")


def test_a_forged_model_is_refused_when_a_key_is_set(tmp_path: Path) -> None:
    """Whoever changes the model can mend the hashes, but not the signature."""
    save_artifact(_artifact(), tmp_path / "m", signing_key=b"the forger's")

    with pytest.raises(ArtifactError, match="signature"):
        load_artifact(tmp_path / "m", signing_key=KEY)


def test_an_unsigned_model_is_refused_when_a_key_is_set(tmp_path: Path) -> None:
    save_artifact(_artifact(), tmp_path / "m")

    with pytest.raises(ArtifactError, match="not signed"):
        load_artifact(tmp_path / "m", signing_key=KEY)


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    save_artifact(_artifact(), tmp_path / "m")
    (tmp_path / "m" / "model.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")

    with pytest.raises(ArtifactError, match="do not belong"):
        load_artifact(tmp_path / "m")


@pytest.mark.parametrize("address", ["os:system", "patronage.models.catalog:make_model"])
def test_only_fitted_models_of_patronage_are_built(tmp_path: Path, address: str) -> None:
    """Even with right hashes, a model file cannot name other code."""
    save_artifact(_artifact(), tmp_path / "m")
    model, manifest = tmp_path / "m" / "model.json", tmp_path / "m" / "manifest.json"
    content = json.loads(model.read_text())
    content["model"]["$class"] = address
    model.write_text(json.dumps(content))
    import hashlib

    hashes = json.loads(manifest.read_text())
    hashes["sha256"]["model.json"] = hashlib.sha256(model.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(hashes))

    with pytest.raises(ArtifactError, match="refused"):
        load_artifact(tmp_path / "m")


def test_a_folder_without_a_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no model of Patronage"):
        load_artifact(tmp_path)
