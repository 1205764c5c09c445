"""The catalogue names every model, and misses kindly."""

import dataclasses

import pytest

from patronage.errors import SettingsError
from patronage.models.base import Model
from patronage.models.catalog import MODELS, make_model


@pytest.mark.parametrize("name", MODELS)
def test_every_name_makes_a_frozen_model_with_default_settings(name):
    model = make_model(name)

    assert isinstance(model, Model)
    assert type(model).__dataclass_params__.frozen
    assert dataclasses.replace(model) == model
    assert MODELS[name].when_to_use.endswith(".")


def test_an_unknown_name_is_answered_with_its_neighbours():
    with pytest.raises(SettingsError, match=r"Did you mean .*pareto_nbd"):
        make_model("paretonbd")
    with pytest.raises(SettingsError, match="Known models: "):
        make_model("oracle of delphi")
