"""What is new since another run: flipped images, measures with a test each, what is not the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.sections.register import FIRST, section
from adversity.report.values.blocks import Block, Section, Table, Text
from adversity.report.words.diff_words import (
    alone_text,
    data_texts,
    first_sentence,
    place_text,
)
from adversity.report.words.wording import (
    NOTHING,
    change_text,
    measure_name,
    plain,
    plural,
    value_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.report.values.model import Report
    from adversity.report.values.run_diff import Answers, ComparedMeasure, RunDiff, RunName

__all__ = ["diff_blocks"]

_MOST = 20
"""So many rows of a table are shown in a report."""
Row = tuple[str, ...]
_METHOD = (
    "B minus A on the images that both have, joined by id. Shares of right answers: exact McNemar "
    "test. Other means over images: Student's paired test. What is no mean over images, as ECE: "
    "{bootstrap}. p: after Holm's correction over all {tests} of the comparison; below 0.05 a "
    "difference is more than noise. Noise here is that of the choice of images: the same images "
    "would give the same answers again."
)
_WORDS = {
    "parameter": "pipeline file",
    "data": "data",
    "weights": "weights",
    "plugin": "plugin's version",
    "code": "source code",
    "environment": "environment",
}


@section(order=FIRST)
def since_last_section(report: Report) -> Section | None:
    """Say in a sentence what is new since the last run; nothing in the first one."""
    if report.since is None:
        return None
    return Section("since-last", "Since the last run", _first(report.since))


@section(order=110)
def flipped_section(report: Report) -> Section | None:
    """Show what is behind that sentence: tests, flipped images, what is not the same."""
    if report.since is None:
        return None
    title = "Since the last run, image by image"
    blocks = diff_blocks(report.since)[len(_first(report.since)) :]
    return Section("since-last-images", title, blocks, folded=True)


def _first(diff: RunDiff) -> list[Block]:
    """Return the sentence, and what bears on it: which runs, which images, which labels."""
    names = f"A is {_named(diff.before)}; B is {_named(diff.after)}."
    blocks: list[Block] = [Text(first_sentence(diff)), Text(plain(names))]
    return blocks + [Text(text, level="note") for text in data_texts(diff.data)]


def diff_blocks(diff: RunDiff, *, most: int = _MOST) -> list[Block]:
    """Return what is said of two runs: the sentence, which runs they are, then tables.

    Args:
        diff: The comparison.
        most: So many rows of a table are shown, and it is said how many more there are.
    """
    blocks = _first(diff)
    blocks += [Text(alone_text(diff))] if diff.alone else []
    blocks += [Text(text, level="warning") for text in _missing(diff)]
    blocks += [
        table
        for table in (
            _measures(diff, most),
            _flips(diff, most),
            _labels(diff, most),
            _changes(diff, most),
        )
        if table is not None
    ]
    if not diff.changes:
        blocks.append(Text("Pipeline file, data, weights, plugins and code are the same."))
    return blocks


def _named(run: RunName) -> str:
    return f"{run.name} ({run.started})" if run.started else run.name


def _cut(rows: Sequence[Row], most: int) -> tuple[tuple[Row, ...], str]:
    """Return so many rows, and a sentence on how many more there are."""
    left = len(rows) - most
    more = f" {left:,} more are in the JSON." if left > 0 else ""
    return tuple(rows[:most]), more


def _missing(diff: RunDiff) -> Iterator[str]:
    for text in diff.missing:
        yield plain(f"Not compared: what {text} measured.")


def _measures(diff: RunDiff, most: int) -> Table | None:
    """Return shares of right answers, what differs by more than noise, and what was refused."""
    told = [one for one in diff.measures if _is_told(one)]
    if not told and not diff.tests:
        return None
    told.sort(key=lambda one: (one.p_corrected is None, one.p_corrected or 0.0, one.p_value or 0.0))
    rows, more = _cut([_row(one) for one in told], most)
    bootstrap = (
        f"a bootstrap with the same {diff.draws} draws of images for both"
        if diff.draws
        else "not compared here, but by `adversity diff`"
    )
    method = _METHOD.format(bootstrap=bootstrap, tests=plural(diff.tests, "test"))
    return Table(
        "diff-measures",
        f"{_others(diff, told)}{more} {method}".strip(),
        ("where", "measure", "A", "B", "B - A", "95 % interval", "p", "n", "more than noise?"),
        rows,
        numeric=frozenset({"A", "B", "B - A", "95 % interval", "p", "n"}),
    )


def _is_told(one: ComparedMeasure) -> bool:
    """Say whether a measure is shown: it moved, and is a verdict, beyond noise, or was refused."""
    if one.same or (one.p_value is None and one.before.value == one.after.value):
        return False
    return one.beyond_noise or one.verdicts or (bool(one.why) and not one.cannot)


def _others(diff: RunDiff, told: Sequence[ComparedMeasure]) -> str:
    """Say how many measures are not shown, and why."""
    rest = [one for one in diff.measures if one not in told]
    noise = sum(one.p_value is not None for one in rest)
    moved = [one for one in rest if one.p_value is None and one.before.value != one.after.value]
    parts = [
        (noise, "differ by no more than noise"),
        (len(moved), "moved and cannot be tested here"),
        (len(rest) - noise - len(moved), "did not change"),
    ]
    said = ", ".join(f"{count:,} {what}" for count, what in parts if count)
    return f"Of the other measures {said}; the JSON has all." if said else ""


def _row(one: ComparedMeasure) -> tuple[str, ...]:
    change, interval = (NOTHING, NOTHING) if one.difference is None else change_text(one.difference)
    tested = one.p_corrected is not None
    return (
        place_text(one.step, one.cell),
        plain(measure_name(one.name, one.after)),
        value_text(one.before),
        value_text(one.after),
        change,
        interval,
        f"{one.p_corrected:.2g}" if one.p_corrected is not None else NOTHING,
        f"{one.difference.n:,}" if one.difference else NOTHING,
        ("yes" if one.beyond_noise else "no") if tested else plain(one.why),
    )


def _flips(diff: RunDiff, most: int) -> Table | None:
    """Return each flipped image with both answers; those that became wrong first."""
    places: dict[tuple[bool, str, str, str, str], list[Answers]] = {}
    for one in diff.answers:
        for flip in one.flips:
            key = (flip.right, flip.id, flip.label, flip.before, flip.after)
            places.setdefault(key, []).append(one)
    if not places:
        return None
    order = sorted(places, key=lambda key: (key[0], -len(places[key]), *key[1:]))
    rows, more = _cut(
        [(*key[1:], "right" if key[0] else "wrong", _places(places[key])) for key in order], most
    )
    return Table(
        "diff-flips",
        f"Flipped images: right in one run and wrong in the other, under the same label.{more}",
        ("image", "label", "answer of A", "answer of B", "is now", "in"),
        tuple(tuple(map(plain, row)) for row in rows),
    )


def _places(found: Sequence[Answers]) -> str:
    """Name where an image flipped: each step once, with its cell or the number of its cells."""
    steps: dict[str, list[Answers]] = {}
    for one in found:
        steps.setdefault(one.step, []).append(one)
    return "; ".join(
        f"{step} in {len(own)} cells" if len(own) > 1 else place_text(step, own[0].cell)
        for step, own in steps.items()
    )


def _labels(diff: RunDiff, most: int) -> Table | None:
    rows = [
        (one.id, data.id, one.before, one.after) for data in diff.data for one in data.relabelled
    ]
    if not rows:
        return None
    shown, more = _cut(rows, most)
    return Table(
        "diff-labels",
        f"Images with another label: what changed for them is no flip of an answer.{more}",
        ("image", "data", "label in A", "label in B"),
        tuple(tuple(map(plain, row)) for row in shown),
    )


def _changes(diff: RunDiff, most: int) -> Table | None:
    if not diff.changes:
        return None
    rows, more = _cut(
        [(_WORDS[one.of], one.where, one.before, one.after) for one in diff.changes], most
    )
    return Table(
        "diff-changes",
        f"What is not the same in the two runs.{more}",
        ("what", "where", "A", "B"),
        tuple(tuple(plain(text) or NOTHING for text in row) for row in rows),
    )
