"""Selection: what tells nothing falls, and says why."""

import numpy as np
import pytest
from jaxtyping import Float, Float32, Int

from patronage.errors import NotEnoughDataError, SettingsError
from patronage.models.selection import (
    Selection,
    SelectionSettings,
    learn_components,
    select,
)
from patronage.models.selection.filters import stability

NAMES = ("signal", "weaker", "copy", "mirror", "flat", "empty", "noise", "more_noise", "drifting")


@pytest.fixture(scope="module")
def rows() -> tuple[
    Float32[np.ndarray, "rows features"],
    Float[np.ndarray, " rows"],
    Int[np.ndarray, " rows"],
    Int[np.ndarray, " rows"],
]:
    """Three blocks of time; cash follows `signal` and `weaker`; `drifting` is another each time."""
    rng = np.random.default_rng(4)
    block = np.repeat([0, 1, 2], 500)
    signal, weaker = rng.gamma(2.0, 1.0, 1500), rng.normal(size=1500)
    matrix = np.column_stack(
        [
            signal,
            np.where(rng.random(1500) < 0.1, np.nan, weaker),
            2 * signal + 1,
            -np.sqrt(signal),
            np.full(1500, 3.0),
            np.full(1500, np.nan),
            rng.normal(size=(1500, 2)),
            signal + 30 * block + rng.normal(size=1500),
        ]
    ).astype(np.float32)
    mean = 20 * signal * np.exp(0.5 * weaker)
    cash = rng.gamma(2.0, mean / 2) * (rng.random(1500) < 0.8)
    cash[::50] = np.nan
    return matrix, cash, np.arange(1500) % 4, block


def chosen(rows: tuple[np.ndarray, ...], **settings: object) -> Selection:
    matrix, cash, fold, block = rows
    return select(
        matrix, NAMES, cash, fold=fold, time_block=block, settings=SelectionSettings(**settings)
    )


def test_what_tells_nothing_falls_and_says_why(rows: tuple[np.ndarray, ...]) -> None:
    found = chosen(rows, max_psi=0.5)

    assert found.kept == ("signal", "weaker")
    assert found.n_rows == 1470
    why = dict(found.report.select("column", "reason").iter_rows())
    assert why["flat"] == why["empty"] == "constant"
    assert why["copy"] == why["mirror"] == "tells what signal tells"
    assert why["drifting"] == "unstable: PSI above 0.5"
    assert "of 3 blocks of time, 2 needed" in why["noise"]
    assert why["signal"] is None
    report = {row["column"]: row for row in found.report.to_dicts()}
    assert report["mirror"]["rho"] == pytest.approx(-1.0)
    assert report["signal"]["blocks_won"] == 3
    assert report["signal"]["psi"] < 0.1 < report["drifting"]["psi"]
    assert report["signal"]["gain"] > report["weaker"]["gain"] > report["noise"]["gain"]


def test_nothing_falls_by_drift_unless_asked(rows: tuple[np.ndarray, ...]) -> None:
    found = chosen(rows)

    assert found.kept == ("signal", "weaker", "drifting")
    assert found == found
    assert chosen(rows).report.equals(found.report)


def test_without_probes_or_without_payers_it_is_said(rows: tuple[np.ndarray, ...]) -> None:
    assert "noise" in chosen(rows, n_probes=0).kept
    assert chosen(rows, n_probes=0).notes == ("no random probes were tried: none were asked for.",)
    matrix, cash, fold, block = rows
    poor = select(matrix, NAMES, np.zeros(len(cash)), fold=fold, time_block=block)
    assert "no block of time has 60 rows that paid" in poor.notes[0]
    assert poor.report["blocks"].to_list() == [0] * len(NAMES)
    with pytest.raises(NotEnoughDataError, match="0 rows with a known target"):
        select(matrix, NAMES, cash * np.nan, fold=fold, time_block=block)


@pytest.mark.parametrize("wrong", [{"max_rho": 0.0}, {"max_psi": -1.0}, {"min_blocks": 0}])
def test_settings_outside_their_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="are needed"):
        SelectionSettings(**wrong)


def test_stability_worked_by_hand() -> None:
    """Half the customers are below the earlier median, then nine tenths; nobody is missing."""
    earlier, later = [0.0] * 50 + [1.0] * 50, [0.0] * 90 + [1.0] * 10
    matrix = np.array([[*earlier, *later]], dtype=np.float32).T
    p = np.array([50.5, 50.5, 0.5]) / 101.5
    q = np.array([90.5, 10.5, 0.5]) / 101.5

    found = stability(matrix, np.repeat([0, 1], 100), n_bins=2)

    assert found == pytest.approx([((p - q) * np.log(p / q)).sum()])


def test_components_are_the_principal_axes(rows: tuple[np.ndarray, ...]) -> None:
    """Of two features with correlation ρ the axes have the shares (1 ± ρ) / 2."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=2000)
    pair = np.column_stack([x, x + rng.normal(size=2000)]).astype(np.float32)
    rho = np.corrcoef(pair.T)[0, 1]

    found = learn_components(pair, ("a", "b"), share=1.0)

    assert found.share == pytest.approx([(1 + rho) / 2, (1 - rho) / 2], abs=1e-6)
    assert found.directions[0] == pytest.approx([0.5**0.5, 0.5**0.5], abs=1e-6)
    told = found.transform(pair)
    assert told.var(axis=0) == pytest.approx([1 + rho, 1 - rho], abs=1e-5)
    # A missing value is the median of the rows learned from.
    middle = np.median(pair, axis=0)[None].astype(np.float32)
    assert found.transform(np.full((1, 2), np.nan, np.float32)) == pytest.approx(
        found.transform(middle), abs=1e-6
    )
    whole = chosen(rows, components=0.5)
    assert whole.components is not None
    assert whole.components.names == whole.kept
    assert 0.5 <= whole.components.share.sum() < 1.0
    with pytest.raises(SettingsError, match="components need"):
        learn_components(pair, ("a", "b"), share=0.0)
