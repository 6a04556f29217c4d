"""The fit of CV+: folds, a regressor without each, and its errors on what it did not see."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.values import State
from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.contracts.values import Block, FitData
    from adversity_plugins.regressor.cv_plus import CVPlus

__all__ = ["dealt", "fitted_without_folds", "parts_of", "rank_of"]

Array = np.ndarray[Any, Any]
Folds = np.ndarray[Any, np.dtype[np.int64]]


def fitted_without_folds(given: CVPlus, data: FitData, rng: np.random.Generator) -> State:
    """Return what `cv_plus` learns."""
    label = f"{given.kind} {given.name!r}"
    stream = _Held(data)
    targets, units = _gathered(stream, label)
    rank = rank_of(len(targets), given.level)
    _require_enough(len(targets), given.level, label)
    folds = dealt(units, given.folds, rng, label)
    errors, states = np.zeros(targets.shape), []
    for fold in range(int(folds.max()) + 1):
        out = np.flatnonzero(folds == fold)
        child = np.random.Generator(np.random.Philox(key=int(rng.integers(2**63))))
        state = given.regressor.learn(stream, child, rows=np.flatnonzero(folds != fold))
        errors[out] = np.abs(targets[out] - _said(given.regressor.fitted(state), stream, out))
        states.append(state)
    _require_errors(errors, rank, label)
    rmse = np.sqrt((errors**2).mean(0))
    facts = {
        "n": len(targets),
        "folds": len(states),
        "left_out_as_one": len(set(units)),
        "out_of_fold_rmse": dict(zip(data.target_names, rmse.tolist(), strict=True)),
    }
    arrays = {f"{n}.{name}": v for n, s in enumerate(states) for name, v in s.arrays.items()}
    return State(
        arrays | {"folds": folds, "errors": errors},
        {
            "regressor": given.name,
            "level": given.level,
            "target_names": list(data.target_names),
            "fits": [dict(state.info) for state in states],
            "training": facts,
        },
    )


class _Held:
    """A stream whose blocks are held in memory: its images are made once, not once for each fold."""

    def __init__(self, data: FitData) -> None:
        """Go through it."""
        self._data, self._blocks = data, list(data)
        self.class_names, self.target_names = data.class_names, data.target_names
        self.sources, self.watch = data.sources, data.watch

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._data)

    def __iter__(self) -> Iterator[Block]:
        """Go through the blocks."""
        return iter(self._blocks)

    def epoch(self, number: int, /) -> Iterator[Block]:
        """Go through them as they are in an epoch; what is drawn anew is not held."""
        return iter(self) if number == 0 else self._data.epoch(number)


def parts_of(state: State) -> list[State]:
    """Return the states of the fits, in the order of their folds."""
    named: list[dict[str, Array]] = [{} for _ in state.info["fits"]]
    for name, value in state.arrays.items():
        number, point, inner = name.partition(".")
        if point:
            named[int(number)][inner] = value
    return [State(own, info) for own, info in zip(named, state.info["fits"], strict=True)]


def rank_of(count: int, level: float) -> int:
    """Return which of `count` ordered upper ends bounds the interval; the lower one is so from above."""
    return math.ceil(round((count + 1) * level, 9))  # 0.9 * 10 is no more than 9


def dealt(units: Sequence[str], count: int | None, rng: np.random.Generator, label: str) -> Folds:
    """Deal samples into folds of about the same size; return the fold of each, `[N]`, from 0.

    Args:
        units: `[N]` names; samples of one name lie in one fold.
        count: How many folds; None: one for each name.
        rng: Draws which go where.
        label: What messages call the plugin.

    Raises:
        DataError: There are fewer names than folds, or than two.
    """
    _, of, sizes = np.unique(np.array(units, dtype=object), return_inverse=True, return_counts=True)
    count = max(2, len(sizes)) if count is None else count
    if count > len(sizes):
        raise DataError(
            f"fitting {label} needs as many images, or groups of them, as there are folds, {count}, "
            f"got {len(sizes)}; add some, or choose fewer `folds`"
        )
    fold_of, held = np.zeros(len(sizes), np.int64), np.zeros(count, np.int64)
    mixed = rng.permutation(len(sizes))
    for unit in mixed[np.argsort(-sizes[mixed], kind="stable")]:  # the largest first
        fold_of[unit] = held.argmin()
        held[fold_of[unit]] += sizes[unit]
    folds: Folds = fold_of[of]
    return folds


def _gathered(data: FitData, label: str) -> tuple[Array, list[str]]:
    """Return targets `[N, D]`, and `[N]` names of what is left out as one: a group, or a sample.

    Copies of one sample, as a draw with replacement has them, are one.

    Raises:
        DataError: There are no images with numbers.
    """
    targets, units = [], []
    for block in data:
        if block.images is None or block.targets is None or block.targets.ndim != 2:
            raise DataError(
                f"fitting {label} needs images with numbers as targets; fit it on such a data set"
            )
        targets.append(block.targets.cpu().double().numpy())
        groups = block.groups or (None,) * len(block.ids)
        named = zip(block.ids, groups, strict=True)
        units += [f"id {id_}" if group is None else f"group {group}" for id_, group in named]
    return np.concatenate(targets), units


def _require_enough(count: int, level: float, label: str) -> None:
    """Refuse so few images that intervals would be endless.

    Raises:
        DataError: They would.
    """
    if rank_of(count, level) > count:
        raise DataError(
            f"fitting {label} needs {math.ceil(round(level / (1 - level), 9))} images or more for "
            f"intervals that hold {level:g} of targets, got {count}; add some, or choose a smaller "
            "`level`"
        )


def _require_errors(errors: Array, rank: int, label: str) -> None:
    """Refuse errors that are 0 on so many images that the ends of an interval may meet.

    Raises:
        DataError: They may.
    """
    # rank images have their lower end above that of the interval, or on it, and rank their upper
    # one below: at least 2 rank - n have both, of which one must err.
    n = len(errors)
    none = int((errors == 0).sum(0).max())
    if none >= 2 * rank - n:
        raise DataError(
            f"fitting {label} expected errors on images that were left out, got none on {none} of "
            f"{n}: an interval would be a point; look for what gives the targets away"
        )


def _said(call: Any, data: FitData, rows: Folds) -> Array:
    """Return the means of some images `[n, D]`, ascending places of the stream."""
    import torch

    found, start = [], 0
    for block in data:
        here = rows[slice(*np.searchsorted(rows, (start, start + len(block.ids))))] - start
        if len(here) and block.images is not None:
            index = torch.from_numpy(here).to(block.images.device)
            found.append(call(block.images[index]).mean.cpu().double().numpy())
        start += len(block.ids)
    return np.concatenate(found)
