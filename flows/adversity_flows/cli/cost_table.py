"""What a run costs, as a short table and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.report.words.wording import seconds_text
from adversity_flows.cli.wording import columns, size_text, wrapped
from adversity_flows.runs.run_cost import KEPT

if TYPE_CHECKING:
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.runs.run_cost import RunCost, StepCost

__all__ = ["cost_json", "cost_lines"]

_UNKNOWN = "?"
_FITS = 3
"""The column that is left out where nothing is fitted."""


def cost_json(cost: RunCost) -> dict[str, Any]:
    """Return JSON values; null stands for what is not known."""
    return {
        "samples": {
            id_: {"at_most": count, "run": run} for id_, (count, run) in cost.samples.items()
        },
        "kept": KEPT,
        "steps": [
            {
                "step": one.step,
                "role": one.role,
                "cells": one.cells,
                "samples": one.samples,
                "fits": one.fits,
                "queries": one.queries,
                "queries_are": "exact" if one.role != "attack" else "at most",
                "gradients": one.gradients,
                "draws": one.draws,
                "bytes": one.size,
                "seconds": None if one.seconds is None else round(one.seconds, 3),
                "runs": list(one.sources),
                "unknown": list(one.unknown),
            }
            for one in cost.steps
        ],
    }


def cost_lines(cost: RunCost, out: Terminal) -> list[str]:
    """Return the table, a line for each step that costs something, and what is not known."""
    if not cost.steps:
        return []
    head = ("step", "cells", "images each", "fits", "network answers", "gradients", "disk", "time")
    rows = [head, *map(_row, cost.steps), _total(cost)]
    if not any(one.fits for one in cost.steps):
        rows = [(*row[:_FITS], *row[_FITS + 1 :]) for row in rows]
    table = columns(rows, right=tuple(range(1, len(rows[0]))))
    lines = [out.dim(table[0]), *table[1:-1], table[-1]]
    notes = [*_reasons(cost), *_sources(cost)]
    return [*lines, *(out.dim(wrapped(note, indent=4, width=out.width - 2)) for note in notes)]


def _row(one: StepCost) -> tuple[str, ...]:
    attack = one.role == "attack"
    return (
        one.step,
        f"{one.cells:,}",
        _number(one.samples),
        f"{one.fits:,}" if one.fits else "",
        _number(one.queries, attack=attack, draws=one.draws),
        _number(one.gradients, attack=attack, draws=one.draws),
        _UNKNOWN if one.size is None else size_text(one.size * KEPT),
        _UNKNOWN if one.seconds is None else seconds_text(one.seconds),
    )


def _number(value: int | None, *, attack: bool = False, draws: int = 1) -> str:
    if value is None:
        return _UNKNOWN
    bound = "≤ " if attack and value else ""
    return f"{bound}{value:,}" + (f" ({draws} draws each)" if draws > 1 and value else "")


def _total(cost: RunCost) -> tuple[str, ...]:
    """Return the last row: what is known in all, with a + where something is missing."""
    cells = []
    for name in ("queries", "gradients", "size", "seconds"):
        value, missing = cost.total(name)
        if name == "size":
            text = size_text(round(value) * KEPT)
        else:
            text = seconds_text(value) if name == "seconds" else f"{round(value):,}"
        bound = name in ("queries", "gradients") and any(s.role == "attack" for s in cost.steps)
        known = len(missing) < len(cost.steps)
        cells.append(f"{'≤ ' if bound else ''}{text}{' + ?' if missing else ''}" if known else "?")
    return ("in all", "", "", f"{sum(one.fits for one in cost.steps):,}", *cells)


def _reasons(cost: RunCost) -> list[str]:
    """Say each reason once, with the steps that it holds for."""
    steps: dict[str, list[str]] = {}
    for one in cost.steps:
        for why in one.unknown:
            steps.setdefault(why, []).append(one.step)
    return [f"? {', '.join(names)}: {why}" for why, names in steps.items()]


def _sources(cost: RunCost) -> list[str]:
    """Say where the numbers are from."""
    counted = {run for _, run in cost.samples.values() if run is not None}
    runs = sorted(counted | {run for one in cost.steps for run in one.sources})
    if runs:
        return [f"samples, disk and time as measured in {', '.join(runs)}"]
    return ["time is known once a run has measured it"]
