"""The rules of what goes by features: they are those of one classifier, which offers some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Classifier, Metric
from adversity.pipeline.plan.answerers import networks_of
from adversity.pipeline.plan.chain import chain_to
from adversity.pipeline.plan.features import needs_head, sources_of_features
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.pipeline.plan.model import PlannedStep
    from adversity.pipeline.read.spec import StepSpec

__all__ = ["FeatureRules"]

Finding = tuple[str, str]
"""The key under the step, and the message."""


class FeatureRules:
    """Checks steps that go by features."""

    def __init__(self, steps: Mapping[str, PlannedStep]) -> None:
        """Look at steps that are resolved; a faulty one is missing, and was complained of."""
        self._steps = steps

    def rules(self, planned: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Yield what is wrong with the steps whose features a step goes by."""
        for key, name in sources_of_features(planned, planned.entry):
            source = self._steps.get(name)
            if source is None or class_of(source.entry).makes not in ("predictions", "scores"):
                continue  # another rule says what may stand there
            goes_by = f"{planned.entry.label} goes by the features of one network, and"
            if source.role != "predict":
                classifiers = self._classifiers(name)
                yield key, f"{goes_by} {name} has none; name {' or '.join(classifiers)}"
            for label in _without(source, "features"):
                have = "use a classifier that has `features`"
                yield key, f"{goes_by} {label} offers none, which {name} uses; {have}"
            if key == "from" and needs_head(planned.entry):
                for label in _without(source, "head"):
                    yield (
                        key,
                        (
                            f"{planned.entry.label} asks the last layer of a network, and {label} does "
                            f"not offer it, which {name} uses; use a classifier that has `head`"
                        ),
                    )

    def compared(self, planned: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Refuse features of two networks, where a metric compares those of two steps."""
        sources = dict(sources_of_features(planned, planned.entry))
        both = [self._steps.get(sources.get(key, "")) for key in ("from", "against")]
        ours, theirs = (None if each is None or each.role != "predict" else each for each in both)
        if not issubclass(class_of(planned.entry), Metric) or ours is None or theirs is None:
            return
        if networks_of(ours, self._steps) != networks_of(theirs, self._steps):
            yield (
                "against",
                (
                    f"{planned.entry.label} compares features, which mean the same behind one network "
                    f"alone; {ours.id} and {theirs.id} use two: name answers of the same network"
                ),
            )

    def _classifiers(self, name: str) -> tuple[str, ...]:
        """Return the steps whose networks are behind one, each once."""
        source = self._steps[name]
        if source.role == "predict":
            return (name,)
        behind = (self._classifiers(each) for each in source.source if each in self._steps)
        near = tuple(dict.fromkeys(step for names in behind for step in names))
        return near or (chain_to(name, self._steps).start,)


def _without(source: PlannedStep, method: str) -> Iterator[str]:
    """Yield the classifiers of a step that have no such method of their own."""
    for entry in source.plugin_entries if source.role == "predict" else ():
        cls = class_of(entry)
        if issubclass(cls, Classifier) and getattr(cls, method) is getattr(Classifier, method):
            yield entry.label
