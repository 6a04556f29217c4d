"""The rules of methods that ask a classifier several times: of whom, and who may stand behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from adversity.contracts import Fitted, Sampling
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.pipeline.plan.model import PlannedStep
    from adversity.pipeline.read.spec import StepSpec

__all__ = ["SamplingRules"]

Finding = tuple[str, str]
"""The key under the step, and the message."""


class SamplingRules:
    """Checks steps that ask a classifier several times."""

    def __init__(self, steps: Mapping[str, PlannedStep]) -> None:
        """Look at steps that are resolved; a faulty one is missing, and was complained of."""
        self._steps = steps

    def rules(self, planned: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Yield what is wrong with such a step."""
        if not issubclass(class_of(planned.entry), Sampling):
            return
        label = planned.entry.label
        if issubclass(class_of(planned.entry), Fitted):
            yield (
                "uses",
                f"{label} is fitted and asks a network as well, which is not available yet",
            )
        source = self._steps.get(planned.upstream) if planned.source else None
        if source is not None:
            yield from self._asked(label, source)

    def _asked(self, label: str, source: PlannedStep) -> Iterator[Finding]:
        """Check that the step before is a classifier's, which says more than a class."""
        if source.role not in ("predict", "score"):
            return  # another rule says what the kind takes
        if source.role == "score":
            yield (
                "from",
                (
                    f"{label} asks a classifier itself, and {source.id} is made of what one said: "
                    f"{source.entry.label}; name the predictions of a classifier"
                ),
            )
            return
        for entry in source.plugin_entries:
            if cast("Any", class_of(entry)).gives == "labels":
                yield (
                    "from",
                    (
                        f"{label} needs logits or probabilities, and {entry.label} of {source.id} "
                        "gives labels only; use another classifier"
                    ),
                )
