"""Reasons not to believe a number: one list, to be read, tested and argued on its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.report.doubts.folder_caveats import of_folders
from adversity.report.doubts.model_caveats import of_models
from adversity.report.values.apart import adapted, judged_data, unproved
from adversity.report.values.model import Caveat
from adversity.report.words.reading import is_number
from adversity.report.words.wording import eps_text, measure_name, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.model import (
        Apart,
        CellResult,
        DataSummary,
        DefenceGap,
        GateResult,
        StepSummary,
    )

__all__ = ["caveats", "caveats_of_gates"]

FEW = 200
"""Below this many samples an interval on a share is wider than about 0.14."""
CONTROL = "random_noise"
"""The control, where a step does not say of itself whether it is one."""
_Point = tuple[float, "Measure", "CellResult"]
"""A budget, the measure under it, and its cell."""
_ORDER = {"void": 0, "warning": 1, "note": 2}


def caveats(
    data: Sequence[DataSummary],
    steps: Sequence[StepSummary],
    gaps: Sequence[DefenceGap] = (),
    apart: Sequence[Apart] = (),
    gates: Sequence[GateResult] = (),
) -> tuple[Caveat, ...]:
    """Return every caveat that holds, worst first."""
    unsorted = [
        *_few_samples(judged_data(data, steps, gates)),
        *_quarantined(data),
        *of_folders(data),
        *of_models(steps),
    ]
    unsorted += [Caveat("note", sentence) for sentence in (*adapted(apart), *unproved(apart))]
    unsorted += [Caveat("note", note, step.id) for step in steps for note in step.notes]
    for step in steps:
        if step.kind == "attack":
            unsorted += [*_grey_box(step), *_signs(step)]
            unsorted += [*_rising(step), *_control(step, steps)]
    unsorted += _weaker_adaptive(gaps)
    return _worst_first(unsorted)


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


def _worst_first(unsorted: Sequence[Caveat]) -> tuple[Caveat, ...]:
    return tuple(sorted(unsorted, key=lambda caveat: _ORDER[caveat.level]))


def _few_samples(data: Sequence[DataSummary]) -> Iterator[Caveat]:
    for item in data:
        if item.n < FEW:
            what = (
                f"differences below about {1.96 * (0.25 / item.n) ** 0.5:.2f} cannot be "
                "distinguished from chance."
            )
            if item.target_names:  # of Gaussian errors; those with heavier tails say less
                what = f"how large errors are is known to about {1.96 / (2 * item.n) ** 0.5:.0%} at best."
            yield Caveat("warning", f"Data set {item.id} has n = {item.n} samples: {what}")


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


def _signs(step: StepSummary) -> Iterator[Caveat]:
    """Flag what shows that the attack failed where the sample did not stand."""
    for cell in step.cells:
        for measure in cell.measures.values():
            sign = measure.info.sign
            if sign is None:
                continue
            limit = max(sign.limit, min(_chance(measure, sign.guess), sign.guess))
            if measure.value >= limit:
                sure = not sign.sampled or measure.low is None or measure.low >= limit
                yield Caveat(
                    "void" if sure else "warning",
                    f"{step.id}{_where(cell)}: {_figure(measure)} {sign.says}{_guess(measure)}"
                    f"{_by(measure)}; {sign.means}.",
                    step.id,
                    cell.cell,
                )


def _chance(measure: Measure, otherwise: float) -> float:
    """Return how often a guess is right, where the measure says it."""
    chance = measure.details.get("chance")
    return float(chance) if is_number(chance, 0, 1) else otherwise


def _guess(measure: Measure) -> str:
    """Say how often a guess is right, where the measure says it."""
    chance = _chance(measure, math.nan)
    return "" if math.isnan(chance) else f"; a guess is right for {chance:.0%}"


def _figure(measure: Measure) -> str:
    """Write a share as people read it: `12% (14 of 120; 95% interval 7% to 19%)`."""
    text = f"{measure.value:.0%}"
    if measure.low is None or measure.high is None:
        return text
    hits = round(measure.value * measure.n)
    interval = f"{measure.level:.0%} interval {measure.low:.0%} to {measure.high:.0%}"
    return f"{text} ({hits} of {measure.n}; {interval})"


def _by(measure: Measure) -> str:
    """Name the attack or cell that did the most, where several were compared."""
    by = measure.details.get("by")
    if not isinstance(by, Mapping) or not by or not all(map(is_number, by.values())):
        return ""
    most = max(by, key=lambda name: (by[name], name))
    return f" (most by {most}: {by[most]} of {measure.n})"


def _weaker_adaptive(gaps: Sequence[DefenceGap]) -> Iterator[Caveat]:
    """Flag adaptive attacks that did less than the same attack without knowledge of the defence.

    Who knows more can always do as much, so the way through the defence failed. With the whole
    interval below 0 that is sure; before, it may be chance.
    """
    for item in gaps:
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
    """Flag what an attack leaves and that rises with eps, or what it reaches and that falls."""
    norm = step.threat.get("norm")
    groups: dict[tuple[str, int, tuple[tuple[str, str], ...]], list[_Point]] = {}
    for cell in step.cells:
        eps = cell.parameters.get("eps")
        if not isinstance(eps, int | float):
            continue
        for name, sign, measure in _left(cell):
            rest = tuple((k, v) for k, v in cell.cell.items() if f"${k}" != step.threat.get("eps"))
            groups.setdefault((name, sign, rest), []).append((float(eps), measure, cell))
    for (name, sign, _), curve in groups.items():
        curve.sort(key=lambda point: point[0])
        lowest: tuple[float, Measure] | None = None
        for large, after, cell in curve:
            if lowest is not None and after.low is not None and after.low > _end(lowest[1]):
                small, before = lowest
                yield Caveat(
                    "void",
                    f"{step.id}{_where(cell)}: {measure_name(name, after)} "
                    f"{'rises' if sign > 0 else 'falls'} from {sign * before.value:.3f} at eps "
                    f"{eps_text(small, norm)} to {sign * after.value:.3f} at eps "
                    f"{eps_text(large, norm)}; the attack is too weak.",
                    step.id,
                    cell.cell,
                )
            if lowest is None or _end(after) < _end(lowest[1]):
                lowest = large, after


def _left(cell: CellResult) -> Iterator[tuple[str, int, Measure]]:
    """Go through what more budget can only lower: robust accuracy, and minus what it can only raise.

    With the name comes the sign. Other shares of errors may rise with eps. One that stopped early,
    its gate decided, is an upper bound: it may lie anywhere below. Success itself stands in where
    nothing else does, as for a decision on images of unknown classes alone.
    """
    tied = any(measure.info.unattacked for measure in cell.measures.values())
    for name, measure in cell.measures.items():
        info = measure.info
        alone = not tied and (info.attacked, info.group) == ("at least", "attack")
        if not (info.unattacked or alone) or "bound" in measure.details:
            continue
        if measure.better == "higher":
            yield name, 1, measure
        elif measure.info.attacked == "at least":
            low, high = (None if end is None else -end for end in (measure.high, measure.low))
            yield name, -1, replace(measure, value=-measure.value, low=low, high=high)


def _end(measure: Measure) -> float:
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
            controls = {name: theirs for name, _, theirs in _left(twin)} if twin else {}
            for name, sign, own in _left(cell):
                theirs = controls.get(name)
                if theirs and own.value > theirs.value:
                    left = "left" if sign > 0 else measure_name(name, own)
                    yield Caveat(
                        "void",
                        f"{step.id}{_where(cell)}: {other.id}, a control of the same size, fools "
                        f"more ({sign * theirs.value:.3f} {left}, against {sign * own.value:.3f}); "
                        "the attack is broken.",
                        step.id,
                        cell.cell,
                    )


def _is_control(step: StepSummary) -> bool:
    return bool(step.threat.get("control", step.uses.endswith("/" + CONTROL)))


def _matches(control: CellResult, cell: CellResult) -> bool:
    same_size = control.parameters.get("eps") == cell.parameters.get("eps")
    shared = set(control.cell) & set(cell.cell)
    return same_size and all(control.cell[name] == cell.cell[name] for name in shared)


def _where(cell: CellResult) -> str:
    values = ", ".join(f"{name}={value}" for name, value in cell.cell.items())
    return f" [{values}]" if values else ""
