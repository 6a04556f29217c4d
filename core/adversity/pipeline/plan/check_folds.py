"""The rules of folds: what may be fitted in them, and what may go by answers out of fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Fitted, Sampling
from adversity.contracts.fitted import UNLABELLED, VALIDATE
from adversity.pipeline.plan.chain import chain_to
from adversity.pipeline.plan.features import sources_of_features
from adversity.pipeline.plan.folded import FOLDED, out_of_fold
from adversity.pipeline.plan.graph import names_plugin
from adversity.pipeline.plan.paths import ancestors
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.pipeline.plan.model import PlannedData, PlannedStep
    from adversity.pipeline.read.spec import StepSpec

__all__ = ["FoldRules"]

Finding = tuple[str, str]
"""The key under the step, and the message."""


class FoldRules:
    """Checks steps that are fitted in folds, and those that go by their answers."""

    def __init__(self, steps: Mapping[str, PlannedStep], data: Mapping[str, PlannedData]) -> None:
        """Look at steps that are resolved; a faulty one is missing, and was complained of.

        Args:
            steps: Of the plan.
            data: By its name in the file, some version of each.
        """
        self._steps, self._data = steps, data

    def rules(self, planned: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Yield what is wrong with a step."""
        if planned.fold_count is not None and names_plugin(spec.uses):
            yield from self._fitted(planned)
        yield from self._needs_one_network(planned)

    def _fitted(self, planned: PlannedStep) -> Iterator[Finding]:
        cls, label = class_of(planned.entry), planned.entry.label
        if not issubclass(cls, Fitted) or cls.describes.role not in FOLDED:
            yield (
                "folds",
                f"folds: is for a classifier or regressor that is fitted; {label} is none",
            )
            return
        if planned.role != "define":
            yield (
                "folds",
                (
                    f"folds: is for a step without from:; move uses:, with:, fit_on: and folds: to one, "
                    f"and write uses: <that step> in {planned.id}"
                ),
            )
        first = cls.fit_sources[0]
        if first == UNLABELLED:
            yield "folds", f"folds: is for a source with labels; {label} is fitted on {UNLABELLED}"
        start = chain_to(planned.fitted_by[0], self._steps).start if planned.fit_on else ""
        if start in self._data and self._data[start].cell.values:
            yield (
                "folds",
                (
                    f"folds: are of one version, and {start} is read in several (rev:), in which an image may "
                    "lie in different folds; write a data set for each version, with a rev: of its own, and "
                    "a step for each that is fitted on it"
                ),
            )
        others = [name for name in planned.fit_on or () if name not in (first, VALIDATE)]
        if others:
            yield (
                "folds",
                (
                    f"folds: are of {first}, and what is left out of it may be in {', '.join(others)}: "
                    f"expected no source beside {first} and {VALIDATE}"
                ),
            )

    def _needs_one_network(self, planned: PlannedStep) -> Iterator[Finding]:
        """Refuse to go by one network where several answer."""
        named = [
            (key, name, "features") for key, name in sources_of_features(planned, planned.entry)
        ]
        if issubclass(class_of(planned.entry), Sampling):
            named += [("from", name, "draws") for name in planned.source]
        if planned.role == "attack" and planned.against is not None:
            behind = (planned.against, *sorted(ancestors(planned.against, self._steps)))
            named += [("against", name, "gradients") for name in behind]
        for key, name, what in named:
            source = self._steps.get(name)
            count = None if source is None else out_of_fold(source, self._steps)
            if count is not None:
                yield (
                    key,
                    (
                        f"{planned.entry.label} goes by the {what} of one network, and {count} answer "
                        f"in {name}, each for the images that it was fitted without (folds:); name "
                        "a step on images of another data set"
                    ),
                )
