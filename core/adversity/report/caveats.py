"""Reasons not to believe a number: one list, to be read, tested and argued on its own."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from adversity.report.model import Caveat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.model import CellResult, DataSummary, StepSummary

__all__ = ["caveats"]

FEW = 200
"""Below this many samples an interval on a share is wider than about 0.14."""
CONTROL = "random_noise"
_ORDER = {"void": 0, "warning": 1, "note": 2}


def caveats(data: Sequence[DataSummary], steps: Sequence[StepSummary]) -> tuple[Caveat, ...]:
    """Return every caveat that holds, worst first."""
    found = [*_few_samples(data), *_quarantined(data)]
    found += [Caveat("note", note, step.id) for step in steps for note in step.notes]
    for step in steps:
        if step.kind == "attack":
            found += [*_grey_box(step), *_masked(step), *_rising(step), *_control(step, steps)]
    return tuple(sorted(found, key=lambda caveat: _ORDER[caveat.level]))


def _few_samples(data: Sequence[DataSummary]) -> Iterator[Caveat]:
    for item in data:
        if item.n < FEW:
            yield Caveat(
                "warning",
                f"Data set {item.id} has n = {item.n} samples: differences below about "
                f"{1.96 * (0.25 / item.n) ** 0.5:.2f} cannot be told from chance.",
            )


def _quarantined(data: Sequence[DataSummary]) -> Iterator[Caveat]:
    for item in data:
        if item.quarantined:
            first, reason = item.quarantined[0]
            count = len(item.quarantined)
            noun = "picture" if count == 1 else "pictures"
            were = "was" if count == 1 else "were"
            yield Caveat(
                "warning",
                f"{count} {noun} of {item.id} could not be read and {were} left out, for example "
                f"{first} ({reason}).",
            )


def _grey_box(step: StepSummary) -> Iterator[Caveat]:
    if step.knowledge == "grey-box":
        yield Caveat(
            "void",
            f"{step.id} is grey-box: the attacker did not see the whole chain, so its figures "
            "say nothing about an attacker who does.",
            step.id,
        )


def _masked(step: StepSummary) -> Iterator[Caveat]:
    for cell in step.cells:
        for name, words in (
            ("zero_gradient_share", "had a gradient of zero every time"),
            ("never_moved_share", "were never moved"),
        ):
            share = cell.measures.get(name)
            if share is not None and share.value >= 0.05:
                yield Caveat(
                    "void",
                    f"{step.id}{_where(cell)}: {share.value:.0%} of the attacked samples {words}; "
                    "the gradient may be masked, robust accuracy may be too high.",
                    step.id,
                )


def _rising(step: StepSummary) -> Iterator[Caveat]:
    """Flag robust accuracy that rises with eps, beyond both intervals."""
    groups: dict[tuple[tuple[str, str], ...], list[tuple[float, Measure]]] = {}
    for cell in step.cells:
        eps, measure = cell.parameters.get("eps"), cell.measures.get("robust_accuracy")
        if isinstance(eps, int | float) and measure is not None:
            rest = tuple((k, v) for k, v in cell.cell.items() if f"${k}" != step.threat.get("eps"))
            groups.setdefault(rest, []).append((float(eps), measure))
    for curve in groups.values():
        curve.sort(key=lambda point: point[0])
        for (small, before), (large, after) in itertools.pairwise(curve):
            if after.low is not None and before.high is not None and after.low > before.high:
                yield Caveat(
                    "void",
                    f"{step.id}: robust accuracy rises from {before.value:.3f} at eps {small:.4g} "
                    f"to {after.value:.3f} at eps {large:.4g}; the attack is too weak.",
                    step.id,
                )


def _control(step: StepSummary, steps: Sequence[StepSummary]) -> Iterator[Caveat]:
    """Flag an attack that does no better than random noise of the same size."""
    if step.uses.endswith("/" + CONTROL):
        return
    for other in steps:
        same = other.threat.get("norm") == step.threat.get("norm") and other.against == step.against
        if other.kind != "attack" or not other.uses.endswith("/" + CONTROL) or not same:
            continue
        for cell in step.cells:
            twin = next((c for c in other.cells if _matches(c, cell)), None)
            mine = cell.measures.get("robust_accuracy")
            theirs = twin.measures.get("robust_accuracy") if twin else None
            if mine and theirs and mine.value > theirs.value:
                yield Caveat(
                    "void",
                    f"{step.id}{_where(cell)}: random noise of the same size fools more "
                    f"({theirs.value:.3f} left, against {mine.value:.3f}); the attack is broken.",
                    step.id,
                )


def _matches(control: CellResult, cell: CellResult) -> bool:
    same_size = control.parameters.get("eps") == cell.parameters.get("eps")
    shared = set(control.cell) & set(cell.cell)
    return same_size and all(control.cell[name] == cell.cell[name] for name in shared)


def _where(cell: CellResult) -> str:
    values = ", ".join(f"{name}={value}" for name, value in cell.cell.items())
    return f" [{values}]" if values else ""
