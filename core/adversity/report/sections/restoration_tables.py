"""Tables and curves of what restorations changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.charts.caption_words import intervals_in_words
from adversity.report.charts.curves import line_charts
from adversity.report.tables.changes import change_columns, p_text, seeds_in_words
from adversity.report.values.blocks import Table
from adversity.report.values.paired import TEST_TIME
from adversity.report.words.reading import across, panel, record
from adversity.report.words.wording import (
    NOTHING,
    capital,
    cell_text,
    change_text,
    measure_name,
    parse_number,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.report.values.blocks import Chart
    from adversity.report.values.paired import Change, Gain

__all__ = ["changes_table", "curves", "flips_table", "names_of"]


def names_of(gains: Sequence[Gain]) -> dict[str, str]:
    """Name each restoration by the answers behind it, where several classifiers follow it.

    Returns:
        By the step that answers: `lime`, `lime (answers)`, `lime (answers, trained again)`.
    """
    behind: dict[str, set[str]] = {}
    for gain in gains:
        behind.setdefault(gain.step, set()).add(gain.after)
    names = {}
    for gain in gains:
        apart = [gain.after] if len(behind[gain.step]) > 1 else []
        apart += [gain.protocol] if gain.protocol != TEST_TIME else []
        names[gain.after] = plain(f"{gain.step} ({', '.join(apart)})" if apart else gain.step)
    return names


def flips_table(gains: Sequence[Gain]) -> Table:
    """Tabulate the changes of accuracy, with what they show in a word."""
    changes = [gain.difference for gain in gains]
    heads, columns = change_columns(changes, "gain")
    names = names_of(gains)
    rows = tuple(
        (
            names[gain.after],
            cell_text(gain.cell) or NOTHING,
            *column,
            f"{gain.recovered:,}",
            f"{gain.broken:,}",
            p_text(gain.p_value),
            p_text(gain.p_holm),
            gain.finding,
        )
        for gain, column in zip(gains, columns, strict=True)
    )
    over = seeds_in_words(changes, "answers are counted")
    test = (
        "test that the gain is none, each image with all its seeds as one"
        if over
        else "exact McNemar test that it recovers as many as it breaks"
    )
    numbers = (*heads, "recovered", "newly broken", "p", "p (Holm)")
    return Table(
        "restoration-flips",
        f"Answers that restoration changed.{over} p: {test}; p (Holm): after Holm's correction for "
        f"all {len(gains):,} rows, on which what is found rests, at 5 %.",
        ("restoration", "cell", *numbers, "found"),
        rows,
        numeric=frozenset(numbers),
        sortable=True,
    )


def changes_table(gains: Sequence[Gain]) -> Table | None:
    """Tabulate what every other measure changed by: p(true) with a word, then the others."""
    measures: dict[str, Change] = {}
    for gain in gains:
        for change in gain.changes:
            measures.setdefault(change.measure, change)
    if not measures:
        return None
    worded = [name for name, change in measures.items() if change.finding]
    order = [*worded, *(name for name in measures if name not in worded)]
    titles = {name: measure_name(name, measures[name].difference) for name in order}
    heads, numbers = [], []
    for name in order:
        tested = f"p (Holm), {titles[name]}"
        heads += [titles[name], *([tested, "found"] if name in worded else [])]
        numbers += [titles[name], tested]
    names = names_of(gains)
    rows = []
    for gain in gains:
        own = {change.measure: change for change in gain.changes}
        row = [names[gain.after], cell_text(gain.cell) or NOTHING]
        for name in order:
            row += _told(own.get(name), with_word=name in worded)
        rows.append(tuple(row))
    return Table(
        "restoration-changes",
        "What else restoration changed: each measure with it minus without it, paired by image, "
        f"with its interval. p (Holm): after the correction for all {len(gains):,} rows. Nothing is said "
        "in a word of what is no mean over images, such as ECE: it has no interval here.",
        ("restoration", "cell", *heads),
        tuple(rows),
        numeric=frozenset(numbers),
        sortable=True,
    )


def _told(change: Change | None, *, with_word: bool) -> list[str]:
    if change is None:
        return [NOTHING] * (3 if with_word else 1)
    value, interval = change_text(change.difference)
    text = f"{value} {interval}" if change.difference.low is not None else value
    return [text, *([p_text(change.p_holm), change.finding] if with_word else [])]


def curves(gains: Sequence[Gain]) -> tuple[Chart, ...]:
    """Draw the gains against a variable with three values or more: `severity`, if it is one."""
    axis = across(gains, "severity")
    if axis is None or len({gain.cell.get(axis) for gain in gains}) < 3:
        return ()
    names = names_of(gains)
    records = []
    for gain in gains:
        x = parse_number(gain.cell[axis]) if axis in gain.cell else None
        if x is not None:
            beside = panel(gain.cell, axis)
            series = f"{names[gain.after]}, {beside}" if beside else names[gain.after]
            records.append(record(gain.difference, series=series, x=x))
    return line_charts(
        records,
        key="restoration-gain-by",
        title=capital(f"change of accuracy by {plain(axis)}"),
        x=plain(axis),
        y="change of accuracy",
        top=None,
        intervals="Above 0 it helps, below 0 it harms. "
        + intervals_in_words([gain.difference for gain in gains]),
        matters="smallest",
    )
