"""What fits and what judges share no image: by content, before anything is computed.

The one place that looks. Which data sets meet is the plan's to say; they are compared by what the
images are read from, by their pixels before `prepare`, and by ids in one place. An image that was
encoded anew with a loss, cut or scaled is another image here, and what fitted a network elsewhere
cannot be seen: the report says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Fitted
from adversity.contracts.fitted import UNLABELLED
from adversity.errors import DataError
from adversity.pipeline.plan.apart import fits, is_judged, judgements, meetings
from adversity.pipeline.plan.chain import chain_to
from adversity.pipeline.plan.folded import out_of_fold
from adversity.pipeline.plan.in_versions import versions_in
from adversity.registry.entry import class_of
from adversity.report.values.model import Apart
from adversity.report.values.splits import FittedBy, Split

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.data.reading import Source
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.apart import Meeting
    from adversity.pipeline.plan.model import Plan, PlannedStep
    from adversity.report.values.splits import Proof

__all__ = ["found_apart", "found_splits", "keep_apart", "shared"]

_SHOWN = 3


def keep_apart(toolbox: Toolbox, step: str) -> None:
    """Refuse a step if what rests on it is judged on images that fitted something.

    So the first step that runs refuses for all that comes after it. A data set that is not there
    yet, and not needed yet, is looked at when a step that needs it is opened.

    Args:
        toolbox: Of the run.
        step: A step, or `report` for all that is judged.

    Raises:
        DataError: If there are such images; it says how many, and shows some.
    """
    faults: list[str] = []
    for meeting in meetings(
        toolbox.plan.steps, toolbox.plan.data, behind=None if step == "report" else step
    ):
        needed = step == "report" or step in meeting.judged
        if needed or all(map(toolbox.there, (meeting.fitting, meeting.judging))):
            faults += _faults(toolbox, meeting)
    if faults:
        raise DataError("\n".join(faults))


def _faults(toolbox: Toolbox, meeting: Meeting) -> Iterator[str]:
    judging = toolbox.source(meeting.judging)
    pairs = shared(toolbox.source(meeting.fitting), judging)
    if pairs:
        shown = ", ".join(
            here if here == theirs else f"{here} ({theirs} there)"
            for here, theirs in pairs[:_SHOWN]
        )
        yield (
            f"{toolbox.plan.steps[meeting.judged[0]].line}: {meeting}: {len(pairs)} of the "
            f"{len(judging)} images of {meeting.judging} are among those of {meeting.fitting}, "
            f"such as {shown}; fit on others, or the numbers flatter"
        )


def shared(fitting: Source, judging: Source) -> list[tuple[str, str]]:
    """Return the samples of `judging` that are in `fitting`: their ids in both."""
    known: dict[str, str] = {}
    for id_, marks in zip(fitting.ids, fitting.marks, strict=True):
        known.update(dict.fromkeys(marks - known.keys(), id_))
    pairs = []
    for id_, marks in zip(judging.ids, judging.marks, strict=True):
        twins = sorted(known[mark] for mark in marks & known.keys())
        pairs += [(id_, twins[0])] if twins else []
    return pairs


def found_apart(toolbox: Toolbox) -> tuple[Apart, ...]:
    """Prove for all that is judged that it shares no image with what fitted it, or say who can't.

    Raises:
        DataError: If images are shared.
    """
    plan = toolbox.plan
    keep_apart(toolbox, "report")
    proved = [
        Apart(
            meeting.fitted,
            meeting.judged,
            meeting.judging,
            len(toolbox.source(meeting.judging)),
            meeting.fitting,
            len(toolbox.source(meeting.fitting)),
        )
        for meeting in meetings(plan.steps, plan.data)
    ]
    adapted = [
        Apart(
            meeting.fitted,
            meeting.judged,
            meeting.judging,
            len(judging),
            meeting.fitting,
            len(fitting),
            len(shared(fitting, judging)),
        )
        for meeting in meetings(plan.steps, plan.data, unlabelled=True)
        for fitting, judging in [(toolbox.source(meeting.fitting), toolbox.source(meeting.judging))]
    ]
    elsewhere: dict[tuple[str, str], dict[str, None]] = {}
    for planned in plan.steps.values():
        if not is_judged(planned, plan.steps):
            continue
        for base, data in _judgements(planned.id, plan):
            for name in base:
                if name in plan.steps and _fitted_elsewhere(plan.steps[name]):
                    elsewhere.setdefault((name, data), {})[planned.id] = None
    order = list(plan.steps)
    given = [
        Apart((name,), tuple(judged), data, len(toolbox.source(data)))
        for (name, data), judged in sorted(
            elsewhere.items(), key=lambda item: (order.index(item[0][0]), item[0][1])
        )
    ]
    return (*proved, *adapted, *given)


def found_splits(toolbox: Toolbox, apart: tuple[Apart, ...]) -> tuple[Split, ...]:
    """Return for each step that is judged its split, with each fit that its figures rest on.

    Args:
        toolbox: Of the run.
        apart: What `found_apart` proved.
    """
    steps = toolbox.plan.steps
    seen = {(item.fitting, item.judging): item.n_shared for item in apart if item.n_shared}
    splits: dict[tuple[str, str], dict[FittedBy, None]] = {
        (id_, data): {} for id_ in steps for data in _judging(id_, toolbox)
    }

    def add(judged: str, judging: str, item: FittedBy) -> None:
        splits.setdefault((judged, judging), {})[item] = None

    for fit in fits(steps, toolbox.plan.data):
        n = len(toolbox.source(fit.fitting))
        n_shared = seen.get((fit.fitting, fit.judging), 0) if fit.source == UNLABELLED else 0
        proof: Proof = "unlabelled" if n_shared else "proved by content"
        add(fit.judged, fit.judging, FittedBy(fit.fitted, proof, fit.fitting, n, n_shared or 0))
    for item in apart:
        for judged in item.judged if item.fitting is None else ():
            add(judged, item.judging, FittedBy(item.fitted[0], "not provable"))
    for judged, judging in list(splits):
        for name in _folded(judged, judging, toolbox.plan):
            n = len(toolbox.source(judging))
            add(judged, judging, FittedBy(name, "out of fold", judging, n))
    return tuple(
        Split(step, data, len(toolbox.source(data)), tuple(items))
        for (step, data), items in splits.items()
    )


def _judging(id_: str, toolbox: Toolbox) -> Iterator[str]:
    """Yield the data sets that judge a step, each once; none for one that is not judged."""
    plan = toolbox.plan
    if is_judged(plan.steps[id_], plan.steps):
        yield from dict.fromkeys(data for _, data in _judgements(id_, plan))


def _judgements(id_: str, plan: Plan) -> Iterator[tuple[frozenset[str], str]]:
    """Yield what the numbers of a step rest on, and each version of the data that judge them."""
    for base, data in judgements(id_, plan.steps):
        yield from ((base, version.id) for version in versions_in(plan.data, data))


def _folded(judged: str, judging: str, plan: Plan) -> Iterator[str]:
    """Yield the networks of which a step has answers out of fold on a data set."""
    steps = plan.steps
    for base, data in _judgements(judged, plan):
        for name in (name for name in steps if name in base and data == judging):
            if out_of_fold(steps[name], steps) and chain_to(name, steps).start == judging:
                yield steps[name].definition or name


def _fitted_elsewhere(planned: PlannedStep) -> bool:
    """Say whether a step's plugin brings what it learnt; that is read where it is defined."""
    if planned.definition != planned.id:
        return False
    classes = [
        cls
        for cls in map(class_of, planned.plugin_entries)
        if not planned.nested or cls.weights_licence is not None  # else it knows what these learnt
    ]
    return any(
        (
            cls.describes.role in ("predict", "regress")
            # What degrades, as by photographs of frost out of a package, is no answer's source.
            or (cls.weights_licence is not None and cls.describes.image_role != "degraded")
        )
        and not issubclass(cls, Fitted)
        for cls in classes
    )
