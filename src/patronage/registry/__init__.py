"""Saved models without code: JSON and arrays, hashed and signed."""

from patronage.registry.artifact import Artifact, load_artifact, save_artifact

__all__ = ["Artifact", "load_artifact", "save_artifact"]
