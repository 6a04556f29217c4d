"""The rules of ensembles: what may be folded into members, and who may go by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Combine, Fitted, Sampling, Score
from adversity.pipeline.plan.answerers import members_behind
from adversity.pipeline.plan.chain import chain_to
from adversity.pipeline.plan.features import offers_members
from adversity.pipeline.plan.paths import ancestors
from adversity.pipeline.read.findings import listed, suggestion
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.contracts import PluginBase
    from adversity.pipeline.plan.model import PlannedData, PlannedStep
    from adversity.pipeline.read.spec import StepSpec

__all__ = ["MemberRules", "instead_of"]

Finding = tuple[str, str]
"""The key under the step, and the message."""


class MemberRules:
    """Checks steps that combine members, and those that stand behind one."""

    def __init__(self, data: Mapping[str, PlannedData], steps: Mapping[str, PlannedStep]) -> None:
        """Look at steps that are resolved; a faulty one is missing, and was complained of."""
        self._data = data
        self._steps = steps

    def rules(self, planned: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Yield what is wrong with a step that combines members, or goes by them."""
        cls = class_of(planned.entry)
        if issubclass(cls, Fitted):
            yield from self._fitted(planned, cls)
        if planned.role == "attack" and planned.against is not None and planned.source:
            yield from self._attacked(planned)
        if issubclass(cls, Combine):
            yield from self._combines(planned)
        elif cls.describes.role == "score":
            yield from self._scores(planned)

    def _combines(self, planned: PlannedStep) -> Iterator[Finding]:
        if planned.role == "define":
            if planned.over:
                yield "over", "over: belongs where there is from:, on the step that uses this one"
            return
        if not planned.over and len(planned.source) == 1:
            yield (
                "uses",
                (
                    f"{planned.entry.label} combines members, and {planned.upstream} is one; name several steps in "
                    "from:, or the variable of the matrix in which the members differ with over:"
                ),
            )
        yield from self._folded(planned)
        for name in planned.source:
            if planned.source.count(name) > 1:
                yield "from", f"{name} stands in from: more than once; a member counts once"
                return
        yield from self._one_data_set(planned)
        yield from self._attacked_alike(planned)

    def _fitted(self, planned: PlannedStep, cls: type[PluginBase]) -> Iterator[Finding]:
        """Check that what is fitted on members is, and on those that it is used on."""
        combines, label = issubclass(cls, Combine), planned.entry.label
        if combines and cls.fits_on != "members":  # type: ignore[attr-defined]
            yield (
                "uses",
                (
                    f"{label} combines members and is fitted on {cls.fits_on}, "  # type: ignore[attr-defined]
                    'which is no answer of theirs; it must say fits_on = "members"'
                ),
            )
        if cls.fits_on != "members":  # type: ignore[attr-defined]
            return
        definition = self._steps.get(planned.definition, planned)
        for name in definition.fitted_by:
            source = self._steps.get(name)
            if source is None or class_of(source.entry).makes != "predictions":
                continue  # another rule says what may stand there
            if not issubclass(class_of(source.entry), Combine):
                yield (
                    "fit_on",
                    (
                        f"{label} is fitted on what members say, and {name} has one answer; name a "
                        "step that combines them, such as uncertainty/deep_ensemble with over:"
                    ),
                )
            elif combines and planned.source and self._differ(source, planned):
                yield (
                    "fit_on",
                    (
                        f"{label} is fitted on the members of {name}, and used on others: expected "
                        f"the same networks in the same order, with the same calibrators, in "
                        f"{name} and {planned.id}"
                    ),
                )

    def _differ(self, fitting: PlannedStep, planned: PlannedStep) -> bool:
        steps = self._steps
        return members_behind(fitting, steps) != members_behind(planned, steps)

    def _folded(self, planned: PlannedStep) -> Iterator[Finding]:
        """Check that some member varies with each variable of `over:`."""
        sources = [self._steps[name] for name in planned.source if name in self._steps]
        there = tuple(dict.fromkeys(name for step in sources for name in step.variables))
        for name in planned.over if len(sources) == len(planned.source) else ():
            if name not in there:
                vary = f"{' and '.join(planned.source)} {'do' if len(sources) > 1 else 'does'}"
                have = listed(there) if there else "no variable"
                hint = suggestion(name, there)
                yield "over", f"{vary} not vary with {name}{hint}; expected {have}"

    def _one_data_set(self, planned: PlannedStep) -> Iterator[Finding]:
        """Check that all members answer for the same samples."""
        starts = {name: chain_to(name, self._steps).start for name in planned.source}
        if not set(starts.values()) <= self._data.keys():
            return
        if len(set(starts.values())) > 1:
            each = ", ".join(f"{name} of {start}" for name, start in starts.items())
            yield "from", f"members answer for the same data set; expected one, got {each}"

    def _attacked_alike(self, planned: PlannedStep) -> Iterator[Finding]:
        """Refuse members that each see adversarial images of their own: none is fooled by them all."""
        seen = {name: self._attacks_behind(name) for name in planned.source}
        first = next(iter(seen.values()), frozenset())
        varied = {
            variable
            for attack in first.union(*seen.values())
            for variable in self._steps[attack].variables
            if variable in planned.over
        }
        if varied or any(attacks != first for attacks in seen.values()):
            yield (
                "from",
                (
                    f"the members of {planned.id} do not see the same adversarial images; their mean "
                    "would look more robust than any of them: let all answer for the images of one attack"
                ),
            )

    def _attacks_behind(self, name: str) -> frozenset[str]:
        behind = ancestors(name, self._steps)
        return frozenset(n for n in behind if n in self._steps and self._steps[n].role == "attack")

    def _scores(self, planned: PlannedStep) -> Iterator[Finding]:
        """Check that what goes by members stands behind them, and has one step in `from:`."""
        cls = class_of(planned.entry)
        if planned.over:
            yield (
                "over",
                (
                    f"over: folds members into one answer; {planned.entry.label} works on one: let a "
                    "step combine them first"
                ),
            )
        source = self._steps.get(planned.upstream) if planned.source else None
        if source is None or not issubclass(cls, Score) or not cls.needs_members:
            return
        entries = source.plugin_entries if source.role == "predict" else ()
        there = issubclass(class_of(source.entry), Combine | Sampling)
        if not there and not (entries and all(map(offers_members, entries))):
            yield (
                "from",
                (
                    f"{planned.entry.label} goes by what members say, and {source.id} has one answer; "
                    "name a step that combines members, or draws them, or of a classifier that has "
                    "`member_probs`"
                ),
            )

    def _attacked(self, planned: PlannedStep) -> Iterator[Finding]:
        """Check that every member of an attacked ensemble sees the images that are changed."""
        against, start = str(planned.against), planned.upstream
        behind = ancestors(against, self._steps)
        if start not in behind:
            return  # said of the answer as a whole
        for name in (against, *sorted(behind)):
            step = self._steps.get(name)
            if step is not None and issubclass(class_of(step.entry), Combine):
                yield from self._changed_for_all(step, start)

    def _changed_for_all(self, ensemble: PlannedStep, start: str) -> Iterator[Finding]:
        """Check that what an attack changes is what all members of an ensemble answer about."""
        alone = f"or one member alone: {listed(ensemble.source)}"
        for name in ensemble.source:
            way = ancestors(name, self._steps)
            if start not in way and way <= self._steps.keys() | self._data.keys():
                yield (
                    "from",
                    (
                        f"{name} is a member of {ensemble.id}, and its answer does not come from "
                        f"{start}; change images that all members answer about, {alone}"
                    ),
                )
        variables = self._steps[start].variables if start in self._steps else ()
        for name in (each for each in ensemble.over if each in variables):
            yield (
                "from",
                (
                    f"{start} varies with {name}, which {ensemble.id} folds into members: each would "
                    f"be attacked on images of its own; change what they have in common, {alone}"
                ),
            )


def instead_of(planned: PlannedStep, product: str) -> str:
    """Say what combines numbers, which no method for answers does."""
    if product != "numbers" or not issubclass(class_of(planned.entry), Combine):
        return ""
    return (
        "; regressor/ensemble combines regressors: mean, and the variance of both kinds, of the steps "
        "in its `members`"
    )
