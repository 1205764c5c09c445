"""The Python of the README runs as printed."""

import re
from pathlib import Path

import pytest

import patronage

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


@pytest.mark.slow
@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README.read_text(), re.S))
def test_the_readmes_python_runs(block: str) -> None:
    names: dict[str, object] = {}

    exec(compile(block, "README.md", "exec"), names)

    table = names["pt"].value_table(names["forecast"], names["pt"].Economics(margin=0.35))  # type: ignore[attr-defined]
    assert table["present_value"].sum() > 0


def test_every_public_name_is_there() -> None:
    for name in patronage.__all__:
        assert getattr(patronage, name) is not None

    assert sorted(patronage.__all__, key=str.lower) == sorted(patronage._HOMES, key=str.lower)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        patronage.nonsense  # noqa: B018
