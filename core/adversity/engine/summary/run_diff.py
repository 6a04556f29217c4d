"""Two finished runs compared: the same images, the same steps, whatever else became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.engine.summary.diff_answers import compared_answers, shared_data
from adversity.engine.summary.diff_changes import changes
from adversity.engine.summary.diff_measures import compared_measures
from adversity.engine.summary.same_samples import known_as
from adversity.errors import InputError
from adversity.report.values.paired import cell_key
from adversity.report.values.run_diff import RunDiff, RunName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.contracts import MeasureInfo, MetricBase
    from adversity.engine.summary.recorded_run import RecordedRun

__all__ = ["run_diff"]


def run_diff(
    before: RecordedRun,
    after: RecordedRun,
    *,
    metrics: Sequence[MetricBase],
    known: Mapping[str, MeasureInfo],
    draws: int = 0,
    missing: Sequence[str] = (),
) -> RunDiff:
    """Return what differs between two runs, on the images that both have.

    Args:
        before: The earlier run.
        after: The later one.
        metrics: Those that measured it, not set up.
        known: What is known of measures, by name.
        draws: Of the bootstrap, for measures that are no mean over images; 0 leaves these out.
        missing: Plugins that are not installed.

    Raises:
        InputError: If the runs share no step.
        StorageError: If a table is missing or damaged.
    """
    if not before.steps.keys() & after.steps.keys():
        raise InputError(
            f"expected two runs with a step in common, got {before.name} with "
            f"{', '.join(before.steps) or 'none'} and {after.name} with "
            f"{', '.join(after.steps) or 'none'}; name two runs of one pipeline"
        )
    before = known_as(before, after)
    return RunDiff(
        before=_name(before),
        after=_name(after),
        data=shared_data(before, after),
        answers=compared_answers(before, after),
        measures=compared_measures(before, after, metrics, known, draws=draws),
        changes=changes(before, after),
        alone=_alone(before, after),
        draws=draws,
        missing=tuple(missing),
    )


def _name(run: RecordedRun) -> RunName:
    return RunName(
        run.name,
        str(run.result.get("pipeline", "")),
        str(run.facts.get("started", "")),
        str(run.facts.get("verdict_line", run.result.get("verdict_line", ""))),
    )


def _alone(before: RecordedRun, after: RecordedRun) -> dict[str, str]:
    """Return the steps, and the cells of steps, that one of the runs has alone."""
    first, second = (_places(run) for run in (before, after))
    found: dict[str, str] = {}
    for place in dict.fromkeys((*first, *second)):
        if place not in first or place not in second:
            found[place] = "after" if place not in first else "before"
    return {
        place: side
        for place, side in found.items()
        if place.partition("[")[0] not in found or "[" not in place
    }


def _places(run: RecordedRun) -> list[str]:
    places: list[str] = []
    for name, step in run.steps.items():
        places.append(name)
        places += [f"{name}[{key}]" for cell in step["cells"] if (key := cell_key(cell["cell"]))]
    return places
