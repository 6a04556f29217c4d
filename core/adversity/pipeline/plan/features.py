"""Which steps keep the features of their classifier, or its members, and which do nothing else.

A network's features of the images that trained it are what detectors are mostly fitted on, and how
right it is on these says nothing: of a step that fits detectors alone nothing is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Classifier, Detector, Fitted, Metric, Score
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.pipeline.plan.model import PlannedStep
    from adversity.registry import Entry

__all__ = [
    "fits_alone",
    "keeps_features",
    "keeps_members",
    "kept_in_keys",
    "needs_head",
    "offers_members",
    "sources_of_features",
]


def sources_of_features(planned: PlannedStep, entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield the steps whose features a step goes by, each after the key that names it.

    Args:
        planned: A step.
        entry: Its plugin, or one of several.
    """
    cls = class_of(entry)
    if issubclass(cls, Detector):
        yield from (("from", name) for name in planned.source)
    if issubclass(cls, Fitted) and cls.fits_on == "features":
        yield from (("fit_on", name) for name in planned.fitted_by)
    if issubclass(cls, Metric) and "features" in cls.wants:
        yield from (("from", name) for name in planned.source)
        yield from (("against", name) for name in (planned.against,) if name is not None)


def needs_head(entry: Entry) -> bool:
    """Say whether a plugin asks the classifier what other features would mean."""
    cls = class_of(entry)
    return issubclass(cls, Detector) and cls.needs_head


def keeps_features(id_: str, steps: Mapping[str, PlannedStep]) -> bool:
    """Say whether the table of a step holds the features of its classifier."""
    return any(
        name == id_
        for planned in steps.values()
        for entry in planned.plugin_entries
        for _, name in sources_of_features(planned, entry)
    )


def offers_members(entry: Entry) -> bool:
    """Say whether a plugin is a classifier that says what each of its members answers."""
    cls = class_of(entry)
    return issubclass(cls, Classifier) and cls.member_probs is not Classifier.member_probs


def keeps_members(id_: str, steps: Mapping[str, PlannedStep]) -> bool:
    """Say whether the table of a classifier's step holds what its members say."""
    kept = steps.get(id_)
    if kept is None or kept.role != "predict" or not any(map(offers_members, kept.plugin_entries)):
        return False
    return any(
        id_ in (*planned.source, planned.against)
        for planned in steps.values()
        for entry in planned.plugin_entries
        if _goes_by_members(entry)
    )


def _goes_by_members(entry: Entry) -> bool:
    cls = class_of(entry)
    if issubclass(cls, Metric):
        return "members" in cls.wants
    return issubclass(cls, Score) and cls.needs_members


def fits_alone(id_: str, steps: Mapping[str, PlannedStep]) -> tuple[str, ...]:
    """Return what is fitted on the features of a step, if that is all that the step is there for.

    Empty where something else goes by it, or nothing does.
    """
    fitted = []
    for planned in steps.values():
        if id_ in (*planned.source, planned.against):
            return ()
        if id_ in planned.fitted_by:
            named = (sources_of_features(planned, one) for one in planned.plugin_entries)
            if not all(("fit_on", id_) in keys for keys in named):
                return ()
            fitted.append(planned.id)
    return tuple(fitted)


def kept_in_keys(steps: Mapping[str, PlannedStep]) -> dict[str, dict[str, str]]:
    """Return, of each step that keeps more than answers, what its stage depends on.

    Of features that is whether they are there to fit alone, too.
    """
    features = {
        id_: {"features": "to fit alone" if fits_alone(id_, steps) else "kept"}
        for id_ in steps
        if keeps_features(id_, steps)
    }
    members = {id_: {"members": "kept"} for id_ in steps if keeps_members(id_, steps)}
    return {id_: features.get(id_, {}) | members.get(id_, {}) for id_ in {**features, **members}}
