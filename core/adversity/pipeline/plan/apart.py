"""Which data sets must share no image: those that fit a step's plugins, and those it is judged on.

What is decided here is who meets whom. Data sets that are the same by their settings are refused
while planning; whether others share images is for the engine, which opens them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity.contracts.fitted import UNLABELLED, VALIDATE
from adversity.pipeline.plan.chain import chain_to
from adversity.pipeline.plan.features import fits_alone
from adversity.pipeline.plan.folded import out_of_fold
from adversity.pipeline.plan.in_versions import versions_in
from adversity.pipeline.plan.paths import reached
from adversity.pipeline.read.findings import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.pipeline.plan.model import PlannedData, PlannedStep

__all__ = ["Fit", "Meeting", "fits", "is_judged", "judgements", "meetings"]


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two data sets that meet in some step: what one fitted is judged on the other.

    Attributes:
        fitting: The data set whose images fitted.
        judging: The data set whose images judge.
        fitted: The steps that it fitted.
        judged: The steps that are judged.
    """

    fitting: str
    judging: str
    fitted: tuple[str, ...]
    judged: tuple[str, ...]

    def __str__(self) -> str:
        """Say who would be judged on what, without the evidence."""
        return f"{listed(self.judged)} would be judged on images that fitted {listed(self.fitted)}"


@dataclass(frozen=True, slots=True)
class Fit:
    """One fit that the figures of a step rest on.

    Attributes:
        judged: The step.
        judging: The data set that it is judged on.
        fitted: The step that was fitted, which may be the same one.
        source: Which source of that fit.
        fitting: The data set whose images it had.
    """

    judged: str
    judging: str
    fitted: str
    source: str
    fitting: str


def is_judged(planned: PlannedStep, steps: Mapping[str, PlannedStep]) -> bool:
    """Say whether anything is measured of a step: one that fits detectors alone is not judged."""
    return planned.is_measured and not fits_alone(planned.id, steps)


def judgements(id_: str, steps: Mapping[str, PlannedStep]) -> Iterator[tuple[frozenset[str], str]]:
    """Yield what the numbers of a step rest on, and the data set that they are judged on.

    That is what it comes from, its plugin's definition and the plugins in its parameters, the
    victim of an attack, what fitted any of these, and what fitted that. Two tables that are
    compared are judged apart, each on its own data: no image of one went through the other's way.
    """
    planned = steps.get(id_)
    if planned is None:
        yield frozenset({id_}), id_
        return
    own = {name for name in _uses(planned, steps) if name not in planned.reads} - {id_}
    base = reached(own, lambda name: _near(name, steps)) | {id_}
    for name in planned.reads:
        for behind, judging in judgements(name, steps):
            yield base | behind, judging


def _uses(planned: PlannedStep, steps: Mapping[str, PlannedStep]) -> tuple[str, ...]:
    """Return the steps and data sets that a step names beside `from:`.

    A step whose rows are answered out of fold goes by networks that did not see the row: not by the
    fit of its definition, but by all that the images of that fit went through. Who is fitted on its
    rows is fitted on the same data set, and met by it.
    """
    by: tuple[str | None, ...] = (planned.definition,)
    if out_of_fold(planned, steps):
        by = steps[planned.definition].fitted_by
    named = (*planned.nested, *by, planned.against, *planned.fitted_by)
    return tuple(name for name in named if name is not None)


def _near(name: str, steps: Mapping[str, PlannedStep]) -> tuple[str, ...]:
    return (*steps[name].source, *_uses(steps[name], steps)) if name in steps else ()


def meetings(
    steps: Mapping[str, PlannedStep],
    data: Mapping[str, PlannedData],
    *,
    behind: str | None = None,
    unlabelled: bool = False,
) -> tuple[Meeting, ...]:
    """Return the data sets that meet, in the order of the steps that are judged.

    A fit may see what is judged without its labels: such meetings are others.

    Args:
        steps: Of the plan.
        data: Its data sets.
        behind: Only those of steps whose numbers rest on this one; of all steps if None.
        unlabelled: Those in which the fitting images came without labels, instead of all others.
    """
    fitted: dict[tuple[str, str], dict[str, None]] = {}
    judged: dict[tuple[str, str], dict[str, None]] = {}
    for fit in fits(steps, data, behind=behind):
        if (fit.source == UNLABELLED) is unlabelled:
            pair = (fit.fitting, fit.judging)
            fitted.setdefault(pair, {})[fit.fitted] = None
            judged.setdefault(pair, {})[fit.judged] = None
    return tuple(Meeting(*pair, tuple(fitted[pair]), tuple(judged[pair])) for pair in fitted)


def fits(
    steps: Mapping[str, PlannedStep], data: Mapping[str, PlannedData], *, behind: str | None = None
) -> Iterator[Fit]:
    """Yield every fit that the figures of some step rest on, in the order of the steps judged.

    Args:
        steps: Of the plan.
        data: Its data sets.
        behind: Only of steps whose numbers rest on this one; of all steps if None.
    """
    for planned in steps.values():
        for judges, base, judging in _judged(planned, steps):
            if behind is not None and behind not in base:
                continue
            for name, source, fitting in _fitting(base, judges, steps):
                for one in versions_in(data, judging):  # of each version by itself
                    for other in versions_in(data, fitting, one.cell):
                        yield Fit(planned.id, one.id, name, source, other.id)


def _judged(
    planned: PlannedStep, steps: Mapping[str, PlannedStep]
) -> Iterator[tuple[frozenset[tuple[str, str]], frozenset[str], str]]:
    """Yield what a step's figures rest on and their data set: those of its fit, as well.

    First comes what judges there, so that it does not fit: the source of a step, by both names.
    """
    if is_judged(planned, steps):
        for base, judging in judgements(planned.id, steps):
            yield frozenset(), base, judging
    validate = (planned.fit_on or {}).get(VALIDATE)
    if validate is not None:
        own = reached({planned.id}, lambda name: _near(name, steps))
        for behind, judging in judgements(validate, steps):
            yield frozenset({(planned.id, VALIDATE)}), own | behind, judging


def _fitting(
    base: frozenset[str], judges: frozenset[tuple[str, str]], steps: Mapping[str, PlannedStep]
) -> Iterator[tuple[str, str, str]]:
    """Yield the steps of a base that are fitted, each with its sources and their data sets."""
    for name in (name for name in steps if name in base):
        for source, fitting in (steps[name].fit_on or {}).items():
            if (name, source) not in judges:
                yield name, source, chain_to(fitting, steps).start
