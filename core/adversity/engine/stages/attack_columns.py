"""Columns of an attack's table that only some attacks have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from adversity.engine.attack.attacking import AttackResult
    from adversity.engine.stages.columns import Columns

__all__ = ["parameter_columns", "result_columns"]


def result_columns(plugin: Any, result: AttackResult, correct: np.ndarray[Any, Any]) -> Columns:
    """Return the columns that only some attacks on the answer have.

    `solved_at` of those that use no gradient; `failure_distance` of those that look for the
    nearest failure: 0 where the answer was wrong from the start, infinite where none was found.
    """
    columns: Columns = {}
    if plugin.access in ("decisions", "scores"):
        columns["solved_at"] = result.solved_at.numpy()
    if plugin.threat_model.nearest:
        columns["failure_distance"] = np.where(correct, np.inf, result.norms.numpy())
    return columns


def parameter_columns(result: AttackResult) -> Columns:
    """Return `parameter_*`: those of parametric attacks, and what others tell of each sample."""
    return {f"parameter_{name}": values.numpy() for name, values in result.parameters.items()}
