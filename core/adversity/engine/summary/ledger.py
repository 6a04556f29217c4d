"""Entries of the ledger, from the artifacts of finished attacks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.goal import goal_named
from adversity.contracts.targets import has_class
from adversity.data.checksums import verified_file
from adversity.data.ledger import Entry
from adversity.data.sample_columns import GROUP
from adversity.data.stored import TABLE, StoredTable
from adversity.engine.stages.attack_identity import IDENTITY
from adversity.errors import StorageError
from adversity.metrics import log_softmax

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from adversity.contracts.goal import Goal
    from adversity.data.ledger import Ledger
    from adversity.data.stored import StoredRows

__all__ = ["entries", "keep"]


Array = np.ndarray[Any, Any]


def entries(artifact: Path, table: StoredTable | None = None) -> Iterator[Entry]:
    """Yield the entries of a finished attack, one for each cell.

    Args:
        artifact: The folder of the attack's step.
        table: Its rows; those in the folder, if not given.

    Raises:
        StorageError: If a file is missing or damaged.
    """
    path = artifact / IDENTITY
    try:
        text = verified_file(artifact, IDENTITY).read_text(encoding="utf-8")
        cells: Mapping[str, Any] = json.loads(text)["cells"]
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(
            f"{path} is missing or damaged ({error}); run the step that makes it again"
        ) from error
    table = table or StoredTable(verified_file(artifact, TABLE))
    for key, identity in cells.items():
        goal = goal_named(identity["facts"].get("objective"))
        yield Entry(**identity, rows=_rows(table.cell(key), goal))


def keep(ledger: Ledger, artifact: Path) -> int:
    """Enter what a finished attack did; return how many entries are new.

    Raises:
        StorageError: If a file is missing or damaged, or the ledger cannot be written.
    """
    return sum(ledger.add(entry) for entry in entries(artifact))


def _rows(rows: StoredRows, goal: Goal) -> dict[str, Array]:
    losses = [_losses(part) for part in rows.parts()]
    columns: dict[str, Array] = {
        "sample": rows["id"],
        "label": rows["target"],
        "start_correct": rows["start_correct"].astype(bool),
        goal.open: rows[goal.open].astype(bool),
        "success": rows[goal.reached].astype(bool),
        "wrong": goal.turned(rows),
        "distance": rows["distance"].astype(np.float64),
        "queries": rows["queries"],
        "gradients": rows["gradients"],
        **{name: np.concatenate([part[name] for part in losses]) for name in ("loss", "margin")},
    }
    more = (name for name in rows if name == GROUP or name.startswith("parameter_"))
    return columns | {name: rows[name] for name in more}


def _losses(rows: Mapping[str, Array]) -> dict[str, Array]:
    """Return how wrong the answer is: cross-entropy, and the margin of the best other class.

    NaN where the victim gives labels alone, and where a sample has no class. Both are of logits; where the answer is one of
    probabilities, of their logarithm.
    """
    targets = rows["target"]
    if "logits" in rows:
        scores = log_softmax(rows["logits"].astype(np.float64))
    elif "probs" in rows:
        with np.errstate(divide="ignore"):
            scores = np.log(rows["probs"].astype(np.float64))
    else:
        unknown = np.full(len(targets), np.nan)
        return {"loss": unknown, "margin": unknown}
    known = has_class(targets)
    index = np.arange(len(targets)), np.where(known, targets, 0)
    true = np.where(known, scores[index], np.nan)
    scores[index] = -np.inf
    with np.errstate(invalid="ignore"):  # inf - inf, where two probabilities are 0
        return {"loss": -true, "margin": scores.max(axis=1) - true}
