"""Patronage is put to every published number of its models."""

from pathlib import Path

import pytest

from conformance.check import Check
from conformance.checks import CHECKS
from conformance.inputs import DATA_SETS, make_inputs
from conformance.systems.patronage_system import PatronageSystem


@pytest.fixture(scope="session")
def patronage(data_dir: Path) -> PatronageSystem:
    inputs = make_inputs(data_dir)
    missing = set(DATA_SETS) - set(inputs)
    if missing:
        pytest.skip(f"for want of data: {', '.join(sorted(missing))}")
    return PatronageSystem(inputs)


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(
            check,
            id=check.name,
            marks=[
                *([pytest.mark.slow] if check.slow else []),
                *([pytest.mark.xfail(reason=check.contested)] if check.contested else []),
            ],
        )
        for check in CHECKS
    ],
)
def test_patronage_gives_the_published_number(check: Check, patronage: PatronageSystem) -> None:
    verdict = check.judge(getattr(patronage, check.asks)(check.model, **check.given))

    assert verdict.passed, f"{verdict.told} ({check.source})"


def test_every_check_has_a_name_of_its_own() -> None:
    names = [check.name for check in CHECKS]

    assert len(set(names)) == len(names)


def test_a_wrong_number_fails() -> None:
    check = Check("one", "any", "p_alive", {}, (1.0,), "by hand", abs_=0.01)

    assert check.judge([1.005]).passed
    assert not check.judge([1.02]).passed
    assert not check.judge([float("nan")]).passed
    assert not check.judge([1.0, 1.0]).passed
