"""Columns and shares that show a masked gradient: signs that an attack failed, not the defence held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.data.sample_columns import GROUP
from adversity.metrics import grouped, share

if TYPE_CHECKING:
    from adversity.contracts import Measure
    from adversity.contracts.goal import Goal
    from adversity.engine.attack.attacking import AttackResult
    from adversity.engine.stages.columns import Columns, Rows

__all__ = ["sign_columns", "sign_shares"]


def sign_columns(result: AttackResult) -> Columns:
    """Return what an attack's result says of each sample, as columns of its table."""
    return {
        "zero_gradient": result.zero_gradient.numpy(),
        "nan_gradient": result.nan_gradient.numpy(),
        "moved": (result.norms > 0).numpy(),
        "probability_output": result.probability_output.numpy(),
    }


def sign_shares(rows: Rows, plugin: Any, goal: Goal) -> dict[str, Measure]:
    """Return the shares over the samples that were attacked: for most, those right at the start.

    Args:
        rows: An attack's table.
        plugin: The attack.
        goal: What it is after.
    """
    attacked = rows[goal.open]
    if not attacked.any():
        return {}
    hits = {
        "zero_gradient_share": rows["zero_gradient"],
        "nan_gradient_share": rows["nan_gradient"],
        "random_output_share": rows["random_output"],
    }
    if plugin.access != "structure":  # an exact search that moves nothing has a proof
        hits["never_moved_share"] = ~rows["moved"]
    if plugin.access in ("scores", "gradients"):
        hits["probability_output_share"] = rows["probability_output"]
    groups = rows.get(GROUP)
    own = None if groups is None else groups[attacked]
    shares = {name: _share(hit[attacked], own, "attacked images") for name, hit in hits.items()}
    hidden = rows.get("hidden_pixels")
    if hidden is not None and not np.isnan(hidden).all():
        seen = ~np.isnan(hidden)
        own = None if groups is None else groups[seen]
        first = _share(hidden[seen] == 1, own, "the first attacked images")
        shares["hidden_pixels_share"] = first
    return shares


def _share(hit: np.ndarray[Any, Any], groups: np.ndarray[Any, Any] | None, over: str) -> Measure:
    measure = share(int(hit.sum()), len(hit), better="lower", convention={"over": over})
    return grouped(measure, hit, groups)
