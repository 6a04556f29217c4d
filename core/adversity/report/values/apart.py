"""What of a run is judged, and whether that shares images with what fitted it, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity.contracts.fitted import UNLABELLED
from adversity.report.values.blocks import Text
from adversity.report.words.wording import plain, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from adversity.report.values.model import DataSummary, GateResult, Report, StepSummary

__all__ = ["Apart", "adapted", "apart_text", "judged_data", "judged_steps", "unproved"]

_SEEN = (
    "Images are compared by what they are read from and by their pixels before `prepare`; one that "
    "was encoded anew with a loss, cut or scaled counts as another."
)


@dataclass(frozen=True, slots=True)
class Apart:
    """Whether what fitted some steps and what judges them share no image.

    Attributes:
        fitted: The steps whose plugins were fitted.
        judged: The steps whose numbers rest on these.
        judging: The data set that these are judged on.
        n_judging: Its images.
        fitting: The data set that fitted, of which none is among them, by content; None where the
            plugin was fitted elsewhere, so that nothing can be proved.
        n_fitting: Its images.
        n_shared: How many of `judging` are among them, which fitted without their labels; None
            where none may be.
    """

    fitted: tuple[str, ...]
    judged: tuple[str, ...]
    judging: str
    n_judging: int
    fitting: str | None = None
    n_fitting: int | None = None
    n_shared: int | None = None


def judged_steps(
    steps: Iterable[StepSummary], gates: Iterable[GateResult] = ()
) -> tuple[StepSummary, ...]:
    """Return the steps whose numbers a reader looks at: not those that only fit others."""
    all_ = tuple(steps)
    fitting = {step.fit_on for step in all_ if not step.fit_sources}
    named = [source for step in all_ for source in step.fit_sources.items()]
    fitting |= {name for source, name in named if source != UNLABELLED}
    asked = {gate.step for gate in gates} | {step.against for step in all_}
    asked |= {name for step in all_ for name in step.source}
    return tuple(step for step in all_ if step.id not in fitting or step.id in asked)


def judged_data(
    data: Sequence[DataSummary], steps: Iterable[StepSummary], gates: Iterable[GateResult] = ()
) -> tuple[DataSummary, ...]:
    """Return the data sets on which something is judged; all where nothing is."""
    used = {step.data for step in judged_steps(steps, gates) if step.cells}
    return tuple(item for item in data if item.name in used) or tuple(data)


def adapted(apart: Iterable[Apart]) -> Iterator[str]:
    """Yield a sentence for each fit that saw what is judged, without its labels."""
    for item in apart:
        if item.n_shared:
            yield (
                f"{' and '.join(item.fitted)} saw {item.n_shared:,} of the "
                f"{plural(item.n_judging, 'image')} of {item.judging} on which "
                f"{', '.join(item.judged)} {'is' if len(item.judged) == 1 else 'are'} judged, without "
                "their labels: the numbers hold where the images to come can be seen first."
            )


def unproved(apart: Iterable[Apart]) -> Iterator[str]:
    """Yield a sentence for each data set on which networks that were fitted elsewhere are judged."""
    by_data: dict[str, list[Apart]] = {}
    for item in apart:
        if item.fitting is None:
            by_data.setdefault(item.judging, []).append(item)
    for name, pairs in by_data.items():
        learnt = list(dict.fromkeys(step for item in pairs for step in item.fitted))
        yield (
            f"{' and '.join(learnt)} {'was' if len(learnt) == 1 else 'were'} fitted elsewhere: "
            f"whether any of the {plural(pairs[0].n_judging, 'image')} of {name} was among what "
            f"{'it' if len(learnt) == 1 else 'they'} learnt from cannot be proved here."
        )


def apart_text(report: Report) -> Text | None:
    """Say for all that is judged whether it shares images with what fitted it."""
    proved = [
        f"None of the {plural(item.n_judging, 'image')} of {item.judging}, on which "
        f"{', '.join(item.judged)} {'is' if len(item.judged) == 1 else 'are'} judged, is among the "
        f"{item.n_fitting:,} of {item.fitting} that fitted {', '.join(item.fitted)}."
        for item in report.apart
        if item.fitting is not None and not item.n_shared
    ]
    items = (*proved, *adapted(report.apart), *unproved(report.apart))
    if not items:
        return None
    lead = "What fits and what judges."
    return Text(_SEEN if proved else "", items=tuple(map(plain, items)), lead=lead)
