"""Two runs compared, in words: the one sentence that is read first, and those below it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from adversity.report.words.wording import (
    cell_text,
    change_text,
    measure_name,
    plain,
    plural,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from adversity.report.values.run_diff import (
        Answers,
        ComparedMeasure,
        RunDiff,
        SharedData,
    )

__all__ = ["alone_text", "data_texts", "first_sentence", "p_text", "place_text", "test_text"]

_NAMED = 3
"""So many ids stand in a sentence; the table below has all."""


def first_sentence(diff: RunDiff) -> str:
    """Say which images flipped and whether that is more than noise; else what else differs."""
    shared = {one.id: one.shared for one in diff.data}
    if diff.data and not any(shared.values()):
        return "The two runs share no image, so no answer can be compared."
    flipped = dict.fromkeys((one.data, flip.id) for one in diff.answers for flip in one.flips)
    labels = _labels(diff)
    if not flipped:
        return plain(_without_flips(diff, labels))
    judged = sum(shared.get(name, 0) for name in dict.fromkeys(one.data for one in diff.answers))
    lead = _lead(diff)
    first = [flip.id for flip in lead.flips]
    names = list(dict.fromkeys([*first, *(id_ for _, id_ in flipped)]))
    start = f"{len(flipped):,} of {plural(judged, 'image')} flipped ({_ids(names)})"
    more = " ".join(text for text in (_beyond(diff), labels) if text)
    return plain(f"{start}, {_worst(diff, lead)}.{f' {more}' if more else ''}")


def _lead(diff: RunDiff) -> Answers:
    """Return the answers of which most speaks against chance."""
    tested = {one.place: one for one in diff.measures if one.verdicts}
    flipped = [one for one in diff.answers if one.flips]
    return min(flipped, key=lambda one: _rank(tested.get(_place(one)), one))


def _beyond(diff: RunDiff) -> str:
    """Name the strongest of the other measures that differ by more than noise."""
    others = [one for one in diff.measures if one.beyond_noise and not one.verdicts]
    if not others:
        return ""
    one = min(others, key=_strength)
    change = "" if one.difference is None else change_text(one.difference)[0]
    more = f" and {plural(len(others) - 1, 'other measure')}" if len(others) > 1 else ""
    verb = "differ" if more else "differs"
    what = f"{measure_name(one.name, one.after)} of {place_text(one.step, one.cell)} ({change})"
    return f"{what}{more} {verb} by more than noise."


def _without_flips(diff: RunDiff, labels: str) -> str:
    """Say that no image flipped, and what differs all the same."""
    others = sum(one.otherwise for one in diff.answers)
    start = "No image flipped" if diff.answers else "No answer is judged by its label"
    if others:
        start += f", though {plural(others, 'answer')} to images that are wrong, or have no label, "
        start += "are others" if others > 1 else "is another"
    moved = [one for one in diff.measures if one.p_corrected is not None]
    if labels:
        return f"{start}. {labels}"
    if not moved:
        same = any(one.same for one in diff.measures)
        more = ": both runs gave the same answers, row for row" if same and not others else ""
        return f"{start}{more}."
    return f"{start}; {_strongest(moved)}."


def _strongest(moved: Sequence[ComparedMeasure]) -> str:
    one = min(moved, key=_strength)
    what = f"{measure_name(one.name, one.after)} of {place_text(one.step, one.cell)}"
    change = "" if one.difference is None else change_text(one.difference)[0]
    return f"{what} differs by {change}, {noise_text(one)} ({test_text(one, len(moved))})"


def _worst(diff: RunDiff, lead: Answers) -> str:
    """Say where most speaks against chance, what flipped there, and how much more there is."""
    tested = {one.place: one for one in diff.measures if one.verdicts}
    places = sum(bool(one.flips) for one in diff.answers)
    test = tested.get(_place(lead))
    what = f"in {place_text(lead.step, lead.cell)}, {_directions(lead)}"
    if test is None or test.p_corrected is None:
        return f"{what}; not tested" + (f", since {test.why}" if test and test.why else "")
    what = f"{what} ({test_text(test, diff.tests)})"
    if places == 1:
        return f"{noise_text(test)}: {what}"
    beyond = sum(one.beyond_noise for one in tested.values())
    few = f"in {beyond:,} of {places:,} places" if beyond else f"in none of {places:,} places"
    return f"{few} more than noise: {what}"


def _directions(one: Answers) -> str:
    parts = []
    if one.to_wrong:
        parts.append(f"{one.to_wrong:,} became wrong")
    if one.to_right:
        parts.append(f"{one.to_right:,} became right")
    return " and ".join(parts)


def noise_text(one: ComparedMeasure) -> str:
    """Say whether a tested difference is more than noise."""
    return "more than noise" if one.beyond_noise else "no more than noise"


def test_text(one: ComparedMeasure, tests: int) -> str:
    """Write the p-value of a comparison, corrected for all that were made."""
    over = f" after Holm's correction over {tests:,} tests" if tests > 1 else ""
    return f"{p_text(one.p_corrected)}{over}"


def p_text(value: float | None) -> str:
    """Write `p = 0.03`, or `p < 0.0001`; nothing where nothing was tested."""
    if value is None:
        return ""
    return "p < 0.0001" if value < 1e-4 else f"p = {value:.2g}"


def place_text(step: str, cell: object) -> str:
    """Write `predictions at severity = 5`."""
    where = cell_text(cell) if isinstance(cell, dict) else cell_text(dict(cell))  # type: ignore[call-overload]
    return plain(f"{step} at {where}" if where else step)


def data_texts(data: Iterable[SharedData]) -> list[str]:
    """Say what each data set has that only one of the runs saw, and which labels are others."""
    texts = []
    for one in data:
        alone = []
        for side, ids in (("A", one.only_before), ("B", one.only_after)):
            if ids:
                alone.append(f"{plural(len(ids), 'image')} only in {side} ({_ids(ids)})")
        if alone:
            texts.append(
                f"{one.id}: compared on the {plural(one.shared, 'image')} that both have; "
                f"{' and '.join(alone)} {'are' if len(alone) > 1 else 'is'} left out."
            )
    return [plain(text) for text in texts]


def alone_text(diff: RunDiff) -> str:
    """Name the steps and cells that one of the runs has alone."""
    parts = []
    for side, name in (("before", "A"), ("after", "B")):
        own = [place for place, of in diff.alone.items() if of == side]
        if own:
            parts.append(f"only {name} has {', '.join(own)}")
    return plain(f"Not compared: {'; '.join(parts)}.") if parts else ""


def _labels(diff: RunDiff) -> str:
    """Name the labels that changed."""
    found = [one for data in diff.data for one in data.relabelled]
    if not found:
        return ""
    first = "; ".join(f"{one.id} is {one.after} and was {one.before}" for one in found[:_NAMED])
    more = f"; and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    verb = "label is another" if len(found) == 1 else "labels are others"
    return f"{len(found):,} {verb}: {first}{more}."


def _ids(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:_NAMED])
    return f"{shown} and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else shown


def _place(one: Answers) -> tuple[str, str]:
    return one.step, ",".join(f"{name}={value}" for name, value in one.cell.items())


def _rank(test: ComparedMeasure | None, one: Answers) -> tuple[float, int]:
    p_value = 2.0 if test is None or test.p_value is None else test.p_value
    return p_value, -len(one.flips)


def _strength(one: ComparedMeasure) -> tuple[float, float]:
    p_value = math.inf if one.p_value is None else one.p_value
    return p_value, -abs(one.difference.value) if one.difference else 0.0
