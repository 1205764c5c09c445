"""Which features are worth keeping, and why the others are not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Float32, Int

from patronage.errors import NotEnoughDataError, SettingsError
from patronage.models.learners.lightgbm import LightGBM
from patronage.models.selection.components import Components, learn_components
from patronage.models.selection.filters import find_twins, is_constant, stability
from patronage.models.selection.probes import beats_probes

__all__ = ["Selection", "SelectionSettings", "select"]

# Rows by which duplicates and drift are judged; more say nothing new of them.
_MOST_ROWS: Final = 50_000
# A block of time with fewer rows that paid anything teaches no tree.
_FEWEST_PAYING: Final = 60


@dataclass(frozen=True)
class SelectionSettings:
    """What makes a feature fall.

    Attributes
    ----------
    max_rho : |ρ| with an earlier feature from which on it tells nothing new
    max_psi : largest population stability index between following blocks of time; None: it is
        told, and nothing falls by it. Why None: ages and silences drift in every young shop, and
        on two simulated shops and CDNOW, judged at a later date, the usual bound of 0.25 made the
        Tweedie deviance 2 to 11 % worse than no bound did
    n_probes : random columns that a feature must beat; 0: none
    min_blocks : blocks of time in which it must; None: more than half of those that can be learned
    components : share of the variance of the kept features that principal components are to
        carry; None: no components
    most_rows : above it, a sample of the rows is learned from
    learner : what grows the trees of the probes
    """

    max_rho: float = 0.999
    max_psi: float | None = None
    n_probes: int = 10
    min_blocks: int | None = None
    components: float | None = None
    most_rows: int = 200_000
    learner: LightGBM = field(default_factory=lambda: LightGBM(n_folds=2, max_rounds=100))

    def __post_init__(self) -> None:
        bad = not 0 < self.max_rho <= 1 or (self.max_psi is not None and self.max_psi <= 0)
        if bad or self.n_probes < 0 or (self.min_blocks is not None and self.min_blocks < 1):
            raise SettingsError(
                f"0 < max_rho <= 1, max_psi > 0, n_probes >= 0 and min_blocks >= 1 are needed; "
                f"{self.max_rho:g}, {self.max_psi}, {self.n_probes} and {self.min_blocks} given."
            )


@dataclass(frozen=True)
class Selection:
    """The features kept, and the reason for every other.

    Attributes
    ----------
    kept : names, in the order of the table
    report : column, kept, reason, then what was measured: twin and rho, psi, gain (mean share of
        the trees' gain over the blocks), blocks_won and blocks
    n_rows : rows learned from
    notes : what was not done, and why
    components : principal components of the features kept, where asked for
    """

    kept: tuple[str, ...]
    report: pl.DataFrame
    n_rows: int
    notes: tuple[str, ...] = ()
    components: Components | None = None


def select(
    matrix: Float32[np.ndarray, "rows features"],
    names: Sequence[str],
    target: Float[np.ndarray, " rows"],
    *,
    fold: Int[np.ndarray, " rows"],
    time_block: Int[np.ndarray, " rows"],
    settings: SelectionSettings | None = None,
    seed: int = 0,
) -> Selection:
    """Drop constants, duplicates, what drifts, and what gains no more than random probes do.

    All rows given are learned from: give none by which the outcome is to be judged.

    Parameters
    ----------
    target : what the features are to forecast; below 0 it counts as 0, rows with NaN are left out
    fold : blocks of customers
    time_block : blocks of time; the probes are to be beaten in more than one of them

    Raises
    ------
    NotEnoughDataError : no row with a known target
    """
    use = SelectionSettings() if settings is None else settings
    known = ~np.isnan(target)
    if not known.any() or not len(names):
        raise NotEnoughDataError(
            f"{int(known.sum())} rows with a known target and {len(names)} features are too few "
            "to select from.\nTo mend: choose as-of dates whose outcomes are over."
        )
    rows = np.flatnonzero(known)
    rows = rows[_sample(len(rows), use.most_rows, seed)]
    matrix, target = matrix[rows], np.maximum(target[rows], 0.0)
    fold, time_block = fold[rows], time_block[rows]
    columns = _measured(matrix, names, time_block, use, seed)
    left = [k for k, column in enumerate(columns) if column["reason"] is None]
    contest = _contest(matrix[:, left], target, fold, time_block, use, seed)
    for place, k in enumerate(left):
        wins = int(contest.wins[place])
        columns[k] |= {"gain": float(contest.gain[place]), "blocks_won": wins}
        if wins < contest.needed:
            columns[k]["reason"] = (
                f"beat the random probes in {wins} of {contest.blocks} blocks of time, "
                f"{contest.needed} needed"
            )
    where = [k for k in left if columns[k]["reason"] is None]
    kept = tuple(names[k] for k in where)
    report = pl.DataFrame(columns, schema=_REPORT).with_columns(
        kept=pl.col("reason").is_null(), blocks=contest.blocks
    )
    components = None
    if use.components is not None and kept:
        components = learn_components(matrix[:, where], kept, share=use.components)
    return Selection(kept, report, len(matrix), contest.notes, components)


_REPORT: Final = {
    "column": pl.String,
    "kept": pl.Boolean,
    "reason": pl.String,
    "twin": pl.String,
    "rho": pl.Float64,
    "psi": pl.Float64,
    "gain": pl.Float64,
    "blocks_won": pl.Int64,
}


def _measured(
    matrix: Float32[np.ndarray, "rows features"],
    names: Sequence[str],
    time_block: Int[np.ndarray, " rows"],
    use: SelectionSettings,
    seed: int,
) -> list[dict[str, Any]]:
    """Of each feature what it tells by itself, and the reason to drop it, if that is one."""
    some = _sample(len(matrix), _MOST_ROWS, seed)
    constant = is_constant(matrix)
    # Why only among what varies: a constant has no ranks to compare.
    varying = np.flatnonzero(~constant)
    twins = find_twins(matrix[np.ix_(some, varying)], max_rho=use.max_rho)
    earlier = {varying[k]: (varying[of], twins.rho[k]) for k, of in enumerate(twins.of) if of >= 0}
    psi = stability(matrix[some], time_block[some])
    columns: list[dict[str, Any]] = []
    for k, name in enumerate(names):
        twin, rho = (names[earlier[k][0]], float(earlier[k][1])) if k in earlier else (None, None)
        reason = None
        if constant[k]:
            reason = "constant"
        elif twin is not None:
            reason = f"tells what {twin} tells"
        elif use.max_psi is not None and psi[k] > use.max_psi:
            reason = f"unstable: PSI above {use.max_psi:g}"
        columns.append(
            {"column": name, "reason": reason, "twin": twin, "rho": rho, "psi": float(psi[k])}
        )
    return columns


def _sample(n_rows: int, most: int, seed: int) -> Int[np.ndarray, " some"]:
    if n_rows <= most:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, most, replace=False))


@dataclass(frozen=True)
class _Contest:
    """Blocks in which each feature beat the probes."""

    wins: Int[np.ndarray, " features"]
    gain: Float[np.ndarray, " features"]
    blocks: int
    needed: int
    notes: tuple[str, ...] = ()


def _contest(
    matrix: Float32[np.ndarray, "rows features"],
    target: Float[np.ndarray, " rows"],
    fold: Int[np.ndarray, " rows"],
    time_block: Int[np.ndarray, " rows"],
    use: SelectionSettings,
    seed: int,
) -> _Contest:
    wins = np.zeros(matrix.shape[1], np.int64)
    gain = np.zeros(matrix.shape[1])
    blocks = [time_block == k for k in np.unique(time_block)] if use.n_probes else []
    learned = [rows for rows in blocks if _teaches(target[rows], fold[rows], use.learner.n_folds)]
    if not learned or not matrix.shape[1]:
        why = (
            f"no block of time has {_FEWEST_PAYING} rows that paid anything"
            if use.n_probes
            else "none were asked for"
        )
        return _Contest(wins, gain * np.nan, 0, 0, (f"no random probes were tried: {why}.",))
    for number, rows in enumerate(learned):
        won, share = beats_probes(
            matrix[rows],
            target[rows],
            fold[rows] % use.learner.n_folds,
            n_probes=use.n_probes,
            learner=use.learner,
            seed=seed + number,
        )
        wins += won
        gain += share / len(learned)
    needed = use.min_blocks or len(learned) // 2 + 1
    notes = []
    if needed > len(learned):
        notes.append(f"only {len(learned)} blocks of time could be learned from, {needed} asked.")
        needed = len(learned)
    return _Contest(wins, gain, len(learned), needed, tuple(notes))


def _teaches(
    target: Float[np.ndarray, " rows"], fold: Int[np.ndarray, " rows"], n_folds: int
) -> bool:
    paying: Bool[np.ndarray, " rows"] = target > 0
    return all(
        int(paying[fold % n_folds == k].sum()) * n_folds >= _FEWEST_PAYING for k in range(n_folds)
    )
