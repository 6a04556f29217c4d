"""The section on prediction sets: how large they are, for which classes, and for how hard images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts.plot import Plot
from adversity.report.charts.caption_words import intervals_in_words
from adversity.report.charts.chart_style import MAX_SERIES
from adversity.report.charts.chosen_rows import ends_of, of_each_step
from adversity.report.charts.decided_charts import point_rows
from adversity.report.charts.named_bars import named_bars
from adversity.report.sections.register import section
from adversity.report.values.blocks import Block, Chart, Section
from adversity.report.values.splits import split_text
from adversity.report.words.reading import labels, panel, record
from adversity.report.words.wording import number, plain, plural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.decided import SetSizes
    from adversity.report.values.model import Report

__all__ = ["set_sizes_section"]

_CLASSES = 20
"""Of more classes those with the smallest and the largest sets are drawn."""
_SINGLE = 10
"""Sets of more classes are counted together, twice as many in each bar as in the one before."""


@section(order=410)
def set_sizes_section(report: Report) -> Section | None:
    """Show sizes as a histogram, by class and against the rank of the true class."""
    drawn = of_each_step(report.set_sizes, MAX_SERIES)
    if not drawn:
        return None
    names = labels(
        report, (step for step in report.steps if step.id in {one.step for one in drawn})
    )
    series = {
        ", ".join(part for part in (names[one.step], panel(one.cell, None)) if part): one
        for one in drawn
    }
    left = len(report.set_sizes) - len(series)
    note = f" {plural(left, 'more cell')} of these steps: not drawn." if left else ""
    note += split_text(report, dict.fromkeys(one.step for one in drawn))
    blocks: list[Block] = [_histogram(series, note)]
    by_class = {name: one.by_class for name, one in series.items() if one.by_class}
    by_rank = {name: one.by_rank for name, one in series.items() if one.by_rank}
    if by_rank:
        blocks.append(_by_rank(by_rank, note))
    if by_class:
        blocks.append(_by_class(by_class, note))
    return Section("set-sizes", "Prediction sets", blocks)


def _histogram(series: Mapping[str, SetSizes], note: str) -> Chart:
    """Draw which share of the images has a set of each size."""
    most = max(len(one.counts) for one in series.values()) - 1
    largest = max(at for one in series.values() for at, count in enumerate(one.counts) if count)
    edges = _edges(min(most, max(largest, 1)))
    words = [str(low) if low == high else f"{low} to {high}" for low, high in edges]
    plots, told = {}, []
    for name, one in series.items():
        total = sum(one.counts)
        shares = [sum(one.counts[low : high + 1]) / total for low, high in edges]
        plots[name] = Plot("bars", words, shares, "classes in a set", "share of images")
        alone, none = (one.counts[size] / total for size in (1, 0))
        told.append(f"of {name} {alone:.3f} hold one class and {none:.3f} none")
    return named_bars(
        plots,
        id="set-sizes",
        title="Sizes of prediction sets",
        finding=plain(f"Sets: {'; '.join(told)}."),
        caption=f"How many of {most:,} classes a set holds; "
        f"n = {', '.join(f'{n:,}' for n in dict.fromkeys(sum(o.counts) for o in series.values()))} "
        f"images. One class is a sure answer, no class a refusal.{note}",
        heads={
            "series": "path",
            "name": "classes in a set",
            "label": "classes in a set",
            "value": "share of images",
        },
    )


def _edges(largest: int) -> list[tuple[int, int]]:
    """Return the sizes that each bar counts, from and to."""
    edges = [(size, size) for size in range(min(largest, _SINGLE) + 1)]
    first, width = _SINGLE + 1, _SINGLE
    while first <= largest:
        edges.append((first, min(first + width - 1, largest)))
        first, width = first + width, 2 * width
    return edges


def _by_class(series: Mapping[str, Mapping[str, Measure]], note: str) -> Chart:
    every = list(dict.fromkeys(label for own in series.values() for label in own))
    first = next(iter(series.values()))
    sizes = [first[label].value if label in first else 0.0 for label in every]
    chosen = [every[at] for at in ends_of(sizes, _CLASSES)]
    cut = len(every) - len(chosen)
    more = (
        f" Of {len(every):,} classes those with the {_CLASSES // 2} smallest and the {_CLASSES // 2} "
        "largest means are drawn."
        if cut
        else ""
    )
    title = "Size of prediction sets by class"
    return _rows("set-sizes-by-class", title, "true class", series, chosen, more + note)


def _by_rank(series: Mapping[str, Mapping[str, Measure]], note: str) -> Chart:
    ranks = list(dict.fromkeys(label for own in series.values() for label in own))
    ranks.sort(key=lambda label: int(label.split()[0]))
    more = (
        " How hard an image is: the rank that the answer gives its true class, 1 where it is right. "
        "Sets that adapt are larger for harder images."
    )
    title = "Size of prediction sets by how hard the image is"
    return _rows("set-sizes-by-rank", title, "rank of the true class", series, ranks, more + note)


def _rows(
    key: str,
    title: str,
    what: str,
    series: Mapping[str, Mapping[str, Measure]],
    chosen: Sequence[str],
    note: str,
) -> Chart:
    """Draw mean sizes with their intervals, a row for each class or rank."""
    shown = {
        name: {plain(at): own[at] for at in chosen if at in own} for name, own in series.items()
    }
    measures = [measure for own in shown.values() for measure in own.values()]
    records = tuple(
        record(measure, name=label, series=name)
        for name, own in shown.items()
        for label, measure in own.items()
    )
    told = []
    for name, own in shown.items():
        low, high = (pick(own, key=lambda at: own[at].value) for pick in (min, max))
        told.append(
            f"of {name} from {number(own[low].value)} ({what} {low}) to {number(own[high].value)} "
            f"({what} {high})"
        )
    return Chart(
        id=key,
        title=title,
        finding=plain(f"Mean size {'; '.join(told)}."),
        caption=f"Mean number of classes. {intervals_in_words(measures)} "
        f"n = {min(m.n for m in measures):,} to {max(m.n for m in measures):,} for a point.{note}",
        records=records,
        spec=point_rows(tuple(shown), tuple(map(plain, chosen)), x="classes in a set", y=what),
        heads={"name": what, "series": "path", "value": "mean size"},
    )
