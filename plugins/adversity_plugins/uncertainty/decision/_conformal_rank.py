"""The threshold of split conformal prediction: a rank among held-out scores, and what it needs."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

__all__ = ["classes_note", "groups_note", "rank_of", "threshold_of", "whole_note"]


def rank_of(n: int, alpha: float) -> int:
    """Return ceil((n + 1)(1 - alpha)), of alpha as it is written.

    In floats 1 - 0.1 times 10 is 9.000000000000002 for some alphas.

    Example:
        >>> rank_of(9, 0.1)
        9
    """
    return math.ceil((n + 1) * (1 - Fraction(str(alpha))))


def threshold_of(scores: np.ndarray[Any, Any], alpha: float) -> float:
    """Return the score of that rank; infinite where the rank exceeds n."""
    rank = rank_of(len(scores), alpha)
    return float(sorted(scores.tolist())[rank - 1]) if rank <= len(scores) else math.inf


def whole_note(n: int, alpha: float) -> str:
    """Say where there are too few rows for the promise to exclude anything; empty elsewhere."""
    if rank_of(n, alpha) <= n:
        return ""
    return (
        f"only {n} rows to fit on, alpha = {alpha:g} needs at least {_needed(alpha)}: every set holds "
        "all classes"
    )


def classes_note(counts: Mapping[str, int], alpha: float) -> str:
    """Say it of classes, by the rows of each."""
    few = _few(counts, alpha)
    if not few:
        return ""
    return (
        f"{len(few)} of {len(counts)} classes have fewer than the {_needed(alpha)} rows that alpha = "
        f"{alpha:g} needs, {min(few.values())} at least: every set holds them"
    )


def groups_note(counts: Mapping[str, int], alpha: float, by: str, alone: int) -> str:
    """Say it of groups, by the rows of each, and how many rows are in none.

    Args:
        counts: By the group's name.
        alpha: As it is written.
        by: What tells the groups apart.
        alone: How many rows are in no group.
    """
    few = _few(counts, alpha)
    said = [f"{alone} rows without {by} were not used"] if alone else []
    if few:
        listed = ", ".join(f"{name}: {count}" for name, count in few.items())
        said.append(
            f"{len(few)} of {len(counts)} groups by {by} have fewer than the {_needed(alpha)} rows "
            f"that alpha = {alpha:g} needs ({listed}): their sets hold all classes"
        )
    return "; ".join(said)


def _few(counts: Mapping[str, int], alpha: float) -> dict[str, int]:
    return {name: count for name, count in counts.items() if rank_of(count, alpha) > count}


def _needed(alpha: float) -> int:
    share = 1 - Fraction(str(alpha))
    return math.ceil(share / (1 - share))
