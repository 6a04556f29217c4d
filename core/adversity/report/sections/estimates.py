"""Charts of estimated numbers: against the true ones, and errors against what was claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.charts.caption_words import counts_in_words, intervals_in_words
from adversity.report.charts.chart_style import MAX_SERIES
from adversity.report.charts.chosen_rows import of_each_step
from adversity.report.charts.decided_charts import against_truth, claimed_and_true
from adversity.report.values.blocks import Chart
from adversity.report.values.splits import split_text
from adversity.report.words.reading import labels, panel, record, slug
from adversity.report.words.wording import number, plain, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.report.values.decided import Estimate, Estimates
    from adversity.report.values.model import Report

__all__ = ["estimate_charts"]


def estimate_charts(report: Report) -> Iterator[Chart]:
    """Draw estimates against true numbers for up to six cells of each number, and their spreads."""
    for what in dict.fromkeys(one.number for one in report.estimates):
        every = [one for one in report.estimates if one.number == what]
        drawn = of_each_step(every, MAX_SERIES)
        ids = {one.step for one in drawn}
        names = labels(report, (step for step in report.steps if step.id in ids))
        own = {
            plain(", ".join(part for part in (names[one.step], panel(one.cell, None)) if part)): one
            for one in drawn
        }
        left = len(every) - len(own)
        note = f" {plural(left, 'more cell')} of these steps: not drawn." if left else ""
        spread = {name: one for name, one in own.items() if one.bins}
        if spread:
            yield _claimed(report, what, spread, note)
        yield from (_against_truth(report, name, one) for name, one in own.items())


def _claimed(report: Report, what: str, series: dict[str, Estimates], note: str) -> Chart:
    """Draw the error in each bin against the standard deviation that is claimed in it."""
    records = tuple(
        record(part.rmse, series=name, x=part.claimed)
        for name, one in series.items()
        for part in one.bins
    )
    measures = [part.rmse for one in series.values() for part in one.bins]
    told = []
    for name, one in series.items():
        squares = [sum(x**2 for x in side) / len(one.bins) for side in _sides(one)]
        ratio = (squares[1] / squares[0]) ** 0.5 if squares[0] else float("inf")
        told.append(f"of {name} errors are {number(ratio)} times what is claimed")
    title = f"Error of {plain(what)} against the claimed standard deviation"
    return Chart(
        id=slug(f"claimed-{what}"),
        title=title,
        finding=f"{title}: {'; '.join(told)}.",
        caption=f"{intervals_in_words(measures)} {counts_in_words(records)} On the dashed line errors "
        "are as large as claimed; above it the model is too sure. Each point: as many images, by "
        f"their claim.{note}{split_text(report, dict.fromkeys(one.step for one in series.values()))}",
        records=records,
        spec=claimed_and_true(
            tuple(series),
            x="claimed standard deviation",
            y="RMSE",
            end=max(part.claimed for one in series.values() for part in one.bins),
        ),
        heads={"series": "path", "x": "claimed standard deviation", "value": "RMSE"},
    )


def _sides(one: Estimates) -> tuple[list[float], list[float]]:
    """Return what is claimed and what is true in each bin."""
    return [part.claimed for part in one.bins], [part.rmse.value for part in one.bins]


def _against_truth(report: Report, name: str, one: Estimates) -> Chart:
    """Draw some samples as estimated against true, with their intervals."""
    bars = one.shown[0].low is not None
    missed = sum(_state(item) == "missed" for item in one.shown)
    some = (
        f"{len(one.shown):,} of {one.n:,}, chosen by their ids" if len(one.shown) < one.n else "all"
    )
    bands = (
        f"bars: Gaussian intervals of {one.level:.0%}, {missed} of which miss the true number; "
        if bars
        else "no spread is claimed; "
    ).replace("%", " %")
    true = [item.true for item in one.shown]
    title = f"Estimated against true {plain(one.number)}: {name}"
    return Chart(
        id=slug(f"estimates-{one.number}-{name}"),
        title=title,
        finding=f"{title}. {len(one.shown) - missed} of {len(one.shown)} intervals hold the true number."
        if bars
        else f"{title}.",
        caption=f"Images: {some}; {bands}on the dashed line an estimate is right."
        + split_text(report, [one.step]),
        records=tuple(_records(one.shown)),
        spec=against_truth(
            x=f"true {plain(one.number)}",
            y=f"estimated {plain(one.number)}",
            ends=(min(true), max(true)),
            bars=bars,
        ),
        heads={"true": "true", "value": "estimated", "state": "interval"},
    )


def _records(items: Sequence[Estimate]) -> Iterator[dict[str, float | str]]:
    for item in items:
        ends = {} if item.low is None or item.high is None else {"low": item.low, "high": item.high}
        values = {"true": item.true, "value": item.mean, **ends}
        yield {name: float(f"{value:.5g}") for name, value in values.items()} | {
            "state": _state(item)
        }


def _state(item: Estimate) -> str:
    """Say whether an interval holds the true number."""
    if item.low is None or item.high is None:
        return "no interval"
    return "held" if item.low <= item.true <= item.high else "missed"
