"""Reasons not to believe a number: one list, to be read, tested and argued on its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from adversity.report.doubts.folder_caveats import of_folders
from adversity.report.doubts.signs import MASKED, MAY_BE_MASKED, PROBED, SIGNS
from adversity.report.values.apart import judged_data, unproved
from adversity.report.values.model import Caveat
from adversity.report.words.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.model import (
        Apart,
        CellResult,
        DataSummary,
        GateResult,
        Illusion,
        StepSummary,
    )

__all__ = ["caveats", "caveats_of_gates"]

FEW = 200
"""Below this many samples an interval on a share is wider than about 0.14."""
CONTROL = "random_noise"
"""The control, where a step does not say of itself whether it is one."""
ANYTHING = 0.2
"""From this share on that is right although anything is allowed, an attack failed."""
_ORDER = {"void": 0, "warning": 1, "note": 2}


def caveats(
    data: Sequence[DataSummary],
    steps: Sequence[StepSummary],
    illusions: Sequence[Illusion] = (),
    apart: Sequence[Apart] = (),
    gates: Sequence[GateResult] = (),
) -> tuple[Caveat, ...]:
    """Return every caveat that holds, worst first."""
    found = [*_few_samples(judged_data(data, steps, gates)), *_quarantined(data), *of_folders(data)]
    found += [Caveat("note", sentence) for sentence in unproved(apart)]
    found += [Caveat("note", note, step.id) for step in steps for note in step.notes]
    for step in steps:
        if step.kind == "attack":
            found += [*_grey_box(step), *_masked(step), *_unbounded(step)]
            found += [*_rising(step), *_control(step, steps)]
    found += _weaker_adaptive(illusions)
    return _worst_first(found)


def caveats_of_gates(
    known: Sequence[Caveat],
    data: Sequence[DataSummary],
    steps: Sequence[StepSummary],
    gates: Sequence[GateResult],
) -> tuple[Caveat, ...]:
    """Return what `caveats` says with these gates, from what it said without any.

    A gate makes a step one that is judged, and so its data set's size one that matters.
    """
    sizes = tuple(_few_samples(data))
    others = [caveat for caveat in known if caveat not in sizes]
    return _worst_first([*_few_samples(judged_data(data, steps, gates)), *others])


def _worst_first(found: Sequence[Caveat]) -> tuple[Caveat, ...]:
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
            yield Caveat(
                "warning",
                f"{plural(count, 'image')} of {item.id} could not be read and "
                f"{'was' if count == 1 else 'were'} left out, for example {first} ({reason}).",
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
    """Flag what tells that the attack failed where the sample did not stand."""
    for cell in step.cells:
        for name, limit, words, means in SIGNS:
            found = cell.measures.get(name)
            if found is not None and found.value >= limit:
                sure = name not in PROBED or found.low is None or found.low >= limit
                yield Caveat(
                    "void" if sure else "warning",
                    f"{step.id}{_where(cell)}: {_figure(found)} of the attacked samples {words}"
                    f"{_by(found)}; {means}.",
                    step.id,
                    cell.cell,
                )


def _unbounded(step: StepSummary) -> Iterator[Caveat]:
    """Flag an attack that is withstood though it may turn a picture into any other.

    The limit is what a guess gets right, one class in K; with few classes that would excuse
    much, and with many a single picture would do.
    """
    for cell in step.cells:
        found = cell.measures.get("full_budget_accuracy")
        if found is None:
            continue
        chance = float(found.details.get("chance", ANYTHING))
        if found.value >= max(MASKED, min(chance, ANYTHING)):
            guess = f"; a guess is right for {chance:.0%}" if "chance" in found.details else ""
            yield Caveat(
                "void",
                f"{step.id}{_where(cell)}: {_figure(found)} of the probed samples stayed right "
                f"when the attack was allowed the whole space of pictures{guess}; {MAY_BE_MASKED}.",
                step.id,
                cell.cell,
            )


def _figure(found: Measure) -> str:
    """Write a share as people read it: `12% (14 of 120; 95% interval 7% to 19%)`."""
    text = f"{found.value:.0%}"
    if found.low is None or found.high is None:
        return text
    hits = round(found.value * found.n)
    interval = f"{found.level:.0%} interval {found.low:.0%} to {found.high:.0%}"
    return f"{text} ({hits} of {found.n}; {interval})"


def _by(found: Measure) -> str:
    """Name the attack or cell that did the most, where several were compared."""
    by = found.details.get("by")
    if not by:
        return ""
    most = max(by, key=lambda name: (by[name], name))
    return f" (most by {most}: {by[most]} of {found.n})"


def _weaker_adaptive(illusions: Sequence[Illusion]) -> Iterator[Caveat]:
    """Flag adaptive attacks that did less than the same attack without knowledge of the defence.

    Who knows more can always do as much, so the way through the defence failed. With the whole
    interval below 0 that is sure; before, it may be chance.
    """
    for item in illusions:
        lost = item.difference
        if lost.value < 0:
            where = ", ".join(f"{name}={value}" for name, value in item.cell.items())
            yield Caveat(
                "void" if lost.high is not None and lost.high < 0 else "warning",
                f"{item.adaptive}{f' [{where}]' if where else ''}: through the defence the attack "
                f"leaves more standing ({item.actual.value:.3f}) than {item.grey_box}, which does "
                f"not know it ({item.seeming.value:.3f}); the gradient through "
                f"{', '.join(item.defence)} says too little. Give it a better surrogate or more "
                f"steps, and claim only what withstood both ({item.both.value:.3f}).",
                item.adaptive,
                item.cell,
            )


def _rising(step: StepSummary) -> Iterator[Caveat]:
    """Flag robust accuracy that rises with eps, beyond both intervals."""
    groups: dict[tuple[tuple[str, str], ...], list[tuple[float, Measure, CellResult]]] = {}
    for cell in step.cells:
        eps, measure = cell.parameters.get("eps"), cell.measures.get("robust_accuracy")
        # One that stopped early, its gate decided, is an upper bound: it may lie anywhere below.
        if isinstance(eps, int | float) and measure is not None and not _is_bound(measure):
            rest = tuple((k, v) for k, v in cell.cell.items() if f"${k}" != step.threat.get("eps"))
            groups.setdefault(rest, []).append((float(eps), measure, cell))
    for curve in groups.values():
        curve.sort(key=lambda point: point[0])
        lowest: tuple[float, Measure] | None = None
        for large, after, cell in curve:
            if lowest is not None and after.low is not None and after.low > _top(lowest[1]):
                small, before = lowest
                yield Caveat(
                    "void",
                    f"{step.id}{_where(cell)}: robust accuracy rises from {before.value:.3f} at eps "
                    f"{small:.4g} to {after.value:.3f} at eps {large:.4g}; the attack is too weak.",
                    step.id,
                    cell.cell,
                )
            if lowest is None or _top(after) < _top(lowest[1]):
                lowest = large, after


def _top(measure: Measure) -> float:
    """Return the upper end of an interval; infinite where there is none to compare with."""
    return math.inf if measure.high is None else measure.high


def _control(step: StepSummary, steps: Sequence[StepSummary]) -> Iterator[Caveat]:
    """Flag an attack that fools less than a control of the same size."""
    if _is_control(step):
        return
    for other in steps:
        same = other.threat.get("norm") == step.threat.get("norm") and other.against == step.against
        if other.kind != "attack" or not _is_control(other) or not same:
            continue
        for cell in step.cells:
            twin = next((c for c in other.cells if _matches(c, cell)), None)
            mine = cell.measures.get("robust_accuracy")
            theirs = twin.measures.get("robust_accuracy") if twin else None
            if mine and theirs and mine.value > theirs.value and not _is_bound(mine):
                yield Caveat(
                    "void",
                    f"{step.id}{_where(cell)}: {other.id}, a control of the same size, fools more "
                    f"({theirs.value:.3f} left, against {mine.value:.3f}); the attack is broken.",
                    step.id,
                    cell.cell,
                )


def _is_bound(measure: Measure) -> bool:
    return "bound" in measure.details


def _is_control(step: StepSummary) -> bool:
    return bool(step.threat.get("control", step.uses.endswith("/" + CONTROL)))


def _matches(control: CellResult, cell: CellResult) -> bool:
    same_size = control.parameters.get("eps") == cell.parameters.get("eps")
    shared = set(control.cell) & set(cell.cell)
    return same_size and all(control.cell[name] == cell.cell[name] for name in shared)


def _where(cell: CellResult) -> str:
    values = ", ".join(f"{name}={value}" for name, value in cell.cell.items())
    return f" [{values}]" if values else ""
