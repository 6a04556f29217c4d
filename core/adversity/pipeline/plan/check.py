"""The rules of the graph: the right kinds in the right places, and no leakage.

Rules look at what a plugin makes and promises, never at the kind's name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.contracts import Combine, Fitted
from adversity.pipeline.plan.answerers import answerer
from adversity.pipeline.plan.apart import meetings
from adversity.pipeline.plan.check_features import FeatureRules
from adversity.pipeline.plan.check_fit_rows import fit_row_faults
from adversity.pipeline.plan.check_folds import FoldRules
from adversity.pipeline.plan.check_measures import MeasureRules
from adversity.pipeline.plan.check_members import MemberRules, instead_of
from adversity.pipeline.plan.check_objectives import ObjectiveRules
from adversity.pipeline.plan.check_sampling import SamplingRules
from adversity.pipeline.plan.fit_sources import source_faults
from adversity.pipeline.plan.graph import names_plugin
from adversity.pipeline.plan.in_versions import file_name
from adversity.pipeline.plan.paths import ancestors, way_to
from adversity.pipeline.plan.probing import probe_fault
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from adversity.contracts import Kind, MetricBase, PluginBase
    from adversity.pipeline.plan.model import PlannedData, PlannedStep
    from adversity.pipeline.read.findings import Findings
    from adversity.pipeline.read.load import Loaded
    from adversity.pipeline.read.spec import StepSpec

__all__ = ["check_steps"]

_DEFINITION = "a definition"
_UNUSED = {_DEFINITION: "a plugin that was not used on anything (it has no from:)"}
_FIT_TAKES = {
    "images": ("data", "images"),
    "logits": ("predictions", "scores"),
    "features": ("predictions",),
    "members": ("predictions",),
}

Finding = tuple[str | tuple[str, ...], str]
"""The key under the step, or the keys that lead there, and the message."""


def check_steps(
    loaded: Loaded,
    data: Mapping[str, PlannedData],
    steps: Mapping[str, PlannedStep],
    kinds: Mapping[str, type[PluginBase]],
    metrics: Sequence[MetricBase],
    findings: Findings,
) -> None:
    """Check every resolved step; what it needs may be missing if that had findings itself.

    Args:
        loaded: The file.
        data: Its data sets.
        steps: Its resolved steps.
        kinds: All that are installed.
        metrics: Those of the pipeline.
        findings: Where faults go.
    """
    named = {file_name(id_): one for id_, one in data.items()}
    checker = _Checker(loaded, named, steps, [cls.describes for cls in kinds.values()])
    rules: tuple[Callable[[PlannedStep, StepSpec], Iterator[Finding]], ...] = (
        checker.settings,
        checker.source,
        checker.against,
        checker.probing,
        checker.fitting,
        checker.fitted_elsewhere,
        fit_row_faults,
        FoldRules(steps, named).rules,
        MeasureRules(named, steps, metrics).rules,
        MemberRules(named, steps).rules,
        SamplingRules(steps).rules,
        ObjectiveRules(steps).rules,
        FeatureRules(steps).rules,
        FeatureRules(steps).compared,
    )
    for planned in steps.values():
        spec = loaded.spec.steps[planned.id]
        said: dict[Finding, None] = {}
        for entry in planned.plugin_entries:
            one = replace(planned, entry=entry)
            said |= dict.fromkeys(finding for rule in rules for finding in rule(one, spec))
        for key, message in said:
            below = (key,) if isinstance(key, str) else key
            findings.add(("steps", planned.id, *below), message)
    _check_apart(data, steps, findings)


def _check_apart(
    data: Mapping[str, PlannedData], steps: Mapping[str, PlannedStep], findings: Findings
) -> None:
    """Refuse to judge on the data set that fitted; others are compared by image, in the run."""
    for meeting in meetings(steps, data):
        fitting, judging = meeting.fitting, meeting.judging
        if _reads(data[fitting]) == _reads(data[judging]):
            same = f"{judging} and {fitting} hold the same images"
            if fitting == judging:
                same = f"{judging} is used for both"
            key = "from" if steps[meeting.judged[0]].is_measured else "fit_on"
            findings.add(
                ("steps", meeting.judged[0], key),
                f"{meeting}: {same}; fit on others, or the numbers flatter",
            )


def _reads(planned: PlannedData) -> tuple[str, str | None]:
    """Return what data sets have in common that read the same, of the same version."""
    content = None if planned.pinned is None else planned.pinned.content
    return planned.plugin.fingerprint, content


class _Checker:
    def __init__(
        self,
        loaded: Loaded,
        data: Mapping[str, PlannedData],
        steps: Mapping[str, PlannedStep],
        kinds: Sequence[Kind],
    ) -> None:
        self._specs = loaded.spec.steps
        self._data = data
        self._steps = steps
        self._kinds = kinds
        self._words = {kind.makes: kind.leaves for kind in kinds} | _UNUSED

    def _either(self, takes: Sequence[str]) -> str:
        """Say what a plugin takes; what only kinds leave that are not installed is left out."""
        known = [self._words[product] for product in takes if product in self._words]
        return " or ".join(known or [f"{' or '.join(takes)}, which no installed kind leaves"])

    def _users_of(self, key: str) -> str:
        """Say whose steps have a key: `attacks`."""
        users = [k.plural for k in self._kinds if key in k.keys or (key == "against" and k.against)]
        return " and ".join(users)

    def _makes(self, id_: str) -> str | None:
        if id_ in self._data:
            return "data"
        planned = self._steps.get(id_)
        if planned is None:
            return None
        return _DEFINITION if planned.role == "define" else class_of(planned.entry).makes

    def settings(self, planned: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Refuse keys that mean nothing on this step."""
        own = names_plugin(spec.uses)
        if not own:
            yield from _borrowed(spec)
        kind = class_of(planned.entry).describes
        own_keys = (*kind.keys, "against") if kind.against else kind.keys
        for key in ("against", "over", "by", "classes", "knowledge", "objective", "probe"):
            if getattr(spec, key) not in (None, ()) and key not in own_keys:
                yield key, f"{key}: is for {self._users_of(key)}; {planned.entry.label} is none"
        yield from _masked(planned, spec)
        if planned.role == "view" and own and spec.fit_on:
            yield (
                "fit_on",
                (
                    f"a step that makes images stores nothing, so its fit must stand alone: move uses:, "
                    f"with: and fit_on: to a step without from:, and write uses: <that step> in {planned.id}"
                ),
            )

    def source(self, planned: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Check that `from:` gives what the plugin takes."""
        kind = class_of(planned.entry).describes
        if planned.role != "define" and not planned.source:
            yield "uses", f"{kind.noun} needs from:, the images that it may change"
        if len(planned.source) > 1 and not issubclass(class_of(planned.entry), Combine):
            yield (
                "from",
                f"expected one step, got {len(planned.source)}: {', '.join(planned.source)}",
            )
        for name in () if planned.role == "measure" else planned.source:
            product = self._makes(name)
            if product is not None and product not in kind.takes:
                works_on = f"{planned.entry.label} works on {self._either(kind.takes)}"
                yield (
                    "from",
                    f"{works_on}; {name} is {self._words[product]}{instead_of(planned, product)}",
                )

    def against(self, planned: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Check that the attacked answer comes from what the attacker may change."""
        kind = class_of(planned.entry).describes
        if not kind.against:
            return
        if planned.against is None:
            yield "uses", f"{kind.noun} needs against:, the step whose answer it must change"
            return
        product = self._makes(planned.against)
        if product is None:
            return
        if product not in kind.against:
            answer = f"an answer ({self._either(kind.against)})"
            what = f"{kind.noun} changes {answer}; {planned.against} is {self._words[product]}"
            yield "against", what
            return
        start = planned.upstream if planned.source else ""
        before = ancestors(planned.against, self._specs)
        made = [self._makes(name) or "" for name in (start, *before)]
        if all(made) and made[0] in kind.takes and start not in before:  # else, said already
            path = " -> ".join(way_to(planned.against, self._specs))
            yield (
                "against",
                (
                    f"the path of {planned.against} is {path}; it does not pass through {start}, "
                    f"so changing {start} cannot change its answer"
                ),
            )

    def probing(self, planned: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Check that an attack which is probed can be."""
        if planned.role == "attack" and spec.probe is not None:
            fault = probe_fault(class_of(planned.entry), planned.knowledge)
            if fault is not None:
                yield "probe", f"probe: {planned.entry.label} cannot be probed: {fault}; drop it"

    def fitting(self, planned: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Check that what must be fitted is, on rows of the right sort."""
        if not names_plugin(spec.uses):
            return
        cls = class_of(planned.entry)
        if not issubclass(cls, Fitted):
            if planned.fit_on is not None:
                yield "fit_on", f"{planned.entry.label} is not fitted; drop fit_on:"
            return
        if planned.fit_on is None:
            yield "uses", f"{planned.entry.label} must be fitted; name its data with fit_on:"
            return
        for source, fault in source_faults(cls, planned.fit_on, planned.entry.label):
            yield ("fit_on",) if source is None else ("fit_on", source), fault
        takes = _FIT_TAKES[cls.fits_on]
        for source, name in planned.fit_on.items():
            product = self._makes(name)
            if product is not None and product not in takes:
                fitted = f"{planned.entry.label} is fitted on {self._either(takes)}"
                yield ("fit_on", source), f"{fitted}; {name} is {self._words[product]}"

    def fitted_elsewhere(self, planned: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Check that what goes by stored answers was fitted on answers of the same sort."""
        fitted = self._steps.get(planned.definition, planned)
        answers = ("predictions", "scores")
        if issubclass(class_of(planned.entry), Combine):
            return  # what fits it is of its members, not of one answer: `MemberRules` compares them
        if planned.role != "score" or fitted.fit_on is None or len(planned.source) != 1:
            return
        for name in fitted.fitted_by if self._makes(planned.upstream) in answers else ():
            theirs, ours = (answerer(n, self._steps) for n in (name, planned.upstream))
            if self._makes(name) in answers and theirs != ours:
                yield (
                    "from",
                    (
                        f"{planned.entry.label} is fitted on the answers of {name}, and used "
                        f"on others, those of {planned.upstream}: expected the same network, members "
                        "and calibrators behind both; fit it on held-out answers of the same"
                    ),
                )


def _masked(planned: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
    """Refuse a mask of classes where nothing answers, and where the answer is one class."""
    if spec.classes is None or planned.role not in ("define", "predict"):
        return
    label = planned.entry.label
    if planned.role == "define":
        yield "classes", "classes: needs from:; write it on each step whose answer it is about"
    elif getattr(class_of(planned.entry), "gives", "") == "labels":
        yield (
            "classes",
            f"{label} gives labels only, so what it says among fewer classes is not known",
        )
    if spec.classes != "data" and len(spec.classes) < 2:
        yield "classes", f"expected two classes or more that {label} has, got {len(spec.classes)}"


def _borrowed(spec: StepSpec) -> Iterator[Finding]:
    """Refuse what belongs to the definition on a step that uses one."""
    for key, given in (
        ("with", spec.parameters),
        ("fit_on", spec.fit_on),
        ("weights", spec.weights),
        ("bootstrap", spec.bootstrap is not None),
        ("folds", spec.folds),
    ):
        if given:
            yield key, f"{key}: belongs to the definition; write it under {spec.uses}"
    if not spec.source:
        yield "uses", f"expected from:, the step or data set that {spec.uses} is used on"
