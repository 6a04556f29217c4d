"""The rules of the graph: the right kinds in the right places, and no leakage.

Rules look at what a plugin makes and promises, never at the kind's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Fitted
from adversity.contracts.not_yet import not_yet
from adversity.pipeline.plan.apart import meetings
from adversity.pipeline.plan.graph import names_plugin
from adversity.pipeline.plan.paths import ancestors, way_to
from adversity.pipeline.plan.plugins import class_of, label_of
from adversity.pipeline.plan.probing import probe_fault
from adversity.pipeline.read.findings import Findings, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from adversity.pipeline.plan.model import PlannedData, PlannedStep
    from adversity.pipeline.read.load import Loaded
    from adversity.pipeline.read.spec import StepSpec

__all__ = ["check_steps"]

_PICTURES = frozenset({"data", "images", "adversarial"})
_ANSWERS = frozenset({"predictions", "scores"})
_TAKES = {
    "images": _PICTURES,
    "predictions": _PICTURES,
    "adversarial": _PICTURES,
    "scores": _ANSWERS,
}
_WORDS = {
    "data": "a data set",
    "images": "images",
    "adversarial": "adversarial images",
    "predictions": "predictions",
    "scores": "scores",
    "a definition": "a plugin that was not used on anything (it has no from:)",
}
_FIT_TAKES = {"images": frozenset({"data", "images"}), "logits": frozenset({"predictions"})}

Finding = tuple[str, str]
"""The key under the step, and the message."""


def check_steps(
    loaded: Loaded,
    data: Mapping[str, PlannedData],
    steps: Mapping[str, PlannedStep],
    findings: Findings,
) -> None:
    """Check every resolved step; what it needs may be missing if that had findings itself."""
    checker = _Checker(loaded, data, steps)
    rules: tuple[Callable[[PlannedStep, StepSpec], Iterator[Finding]], ...] = (
        checker.settings,
        checker.source,
        checker.against,
        checker.probing,
        checker.fitting,
    )
    for node in steps.values():
        spec = loaded.spec.steps[node.id]
        for rule in rules:
            for key, message in rule(node, spec):
                findings.add(("steps", node.id, key), message)
    _check_apart(data, steps, findings)
    _check_kept(loaded, steps, findings)


def _check_apart(
    data: Mapping[str, PlannedData], steps: Mapping[str, PlannedStep], findings: Findings
) -> None:
    """Refuse to judge on a data set that is the fitting one by its settings.

    Others are compared image by image when the run begins, since only then they are opened.
    """
    for meeting in meetings(steps, data):
        fitting, judging = meeting.fitting, meeting.judging
        if data[fitting].plugin.fingerprint == data[judging].plugin.fingerprint:
            same = f"{judging} and {fitting} hold the same images"
            if fitting == judging:
                same = f"{judging} is used for both"
            findings.add(
                ("steps", meeting.judged[0], "from"),
                f"{meeting}: {same}; fit on others, or the numbers flatter",
            )


def _check_kept(loaded: Loaded, steps: Mapping[str, PlannedStep], findings: Findings) -> None:
    for index, id_ in enumerate(loaded.spec.run.keep):
        path = ("run", "keep", index)
        if id_ not in loaded.spec.steps:
            hint = suggestion(id_, loaded.spec.steps)
            findings.add(path, f"run.keep: there is no step {id_}{hint}")
        elif id_ in steps and not steps[id_].keep:
            findings.add(path, f"run.keep: {_NOT_KEPT.format(id_)}")


_NOT_KEPT = "only the images of attacks can be kept in this version, and {} is none; drop it"


class _Checker:
    def __init__(
        self, loaded: Loaded, data: Mapping[str, PlannedData], steps: Mapping[str, PlannedStep]
    ) -> None:
        self._specs = loaded.spec.steps
        self._data = data
        self._steps = steps

    def _makes(self, id_: str) -> str | None:
        if id_ in self._data:
            return "data"
        node = self._steps.get(id_)
        if node is None:
            return None
        return "a definition" if node.role == "define" else str(class_of(node.entry).makes)

    def settings(self, node: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Refuse keys that mean nothing on this step."""
        own = names_plugin(spec.uses)
        if not own:
            yield from _borrowed(spec)
        if not_yet(class_of(node.entry)) is not None:
            yield (
                "uses",
                (
                    f"{label_of(node.entry)} needs images or features while it scores, which is not "
                    "available yet; use a score or a calibrator, which work from stored predictions"
                ),
            )
        if node.role != "attack":
            for key, value in (
                ("against", spec.against),
                ("knowledge", spec.knowledge),
                ("objective", spec.objective),
                ("probe", spec.probe),
            ):
                if value is not None:
                    yield key, f"{key}: is for attacks; {label_of(node.entry)} is none"
        if spec.keep is not None and spec.keep != node.keep:
            message = (
                _NOT_KEPT.format(node.id) if spec.keep else "an attack's images are always kept"
            )
            yield "keep", f"keep: {message}"
        if node.role == "view" and own and spec.fit_on:
            yield (
                "fit_on",
                (
                    f"a step that makes images stores nothing, so its fit must stand alone: move uses:, "
                    f"with: and fit_on: to a step without from:, and write uses: <that step> in {node.id}"
                ),
            )

    def source(self, node: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Check that `from:` gives what the plugin takes."""
        if node.role == "attack" and not node.source:
            yield "uses", "an attack needs from:, the images that it may change"
        if len(node.source) > 1:
            yield "from", f"expected one step, got {len(node.source)}: {', '.join(node.source)}"
        takes = _TAKES[class_of(node.entry).makes]
        for name in node.source:
            made = self._makes(name)
            if made is not None and made not in takes:
                yield (
                    "from",
                    (f"{label_of(node.entry)} works on {_either(takes)}; {name} is {_WORDS[made]}"),
                )

    def against(self, node: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Check that the attacked answer comes from what the attacker may change."""
        if node.role != "attack":
            return
        if node.against is None:
            yield "uses", "an attack needs against:, the step whose answer it must change"
            return
        made = self._makes(node.against)
        if made is None:
            return
        if made not in _ANSWERS:
            yield (
                "against",
                (
                    f"an attack changes an answer (predictions or scores); {node.against} is {_WORDS[made]}"
                ),
            )
            return
        start = node.upstream if node.source else None
        if start is not None and start not in ancestors(node.against, self._specs):
            path = " -> ".join(way_to(node.against, self._specs))
            yield (
                "against",
                (
                    f"the path of {node.against} is {path}; it does not pass through {start}, "
                    f"so changing {start} cannot change its answer"
                ),
            )

    def probing(self, node: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Check that an attack which is probed can be."""
        if node.role == "attack" and spec.probe is not None:
            fault = probe_fault(class_of(node.entry), node.knowledge)
            if fault is not None:
                yield "probe", f"probe: {label_of(node.entry)} cannot be probed: {fault}; drop it"

    def fitting(self, node: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Check that what must be fitted is, on rows of the right sort."""
        if not names_plugin(spec.uses):
            return
        cls = class_of(node.entry)
        if not issubclass(cls, Fitted):
            if node.fit_on is not None:
                yield "fit_on", f"{label_of(node.entry)} is not fitted; drop fit_on:"
            return
        if node.fit_on is None:
            yield "uses", f"{label_of(node.entry)} must be fitted; name its data with fit_on:"
            return
        made = self._makes(node.fit_on)
        takes = _FIT_TAKES[cls.fits_on]
        if made is not None and made not in takes:
            yield (
                "fit_on",
                (
                    f"{label_of(node.entry)} is fitted on {_either(takes)}; "
                    f"{node.fit_on} is {_WORDS[made]}"
                ),
            )


def _borrowed(spec: StepSpec) -> Iterator[Finding]:
    """Refuse what belongs to the definition on a step that uses one."""
    for key, given in (("with", spec.parameters), ("fit_on", spec.fit_on)):
        if given:
            yield key, f"{key}: belongs to the definition; write it under {spec.uses}"
    if not spec.source:
        yield "uses", f"expected from:, the step or data set that {spec.uses} is used on"


def _either(takes: frozenset[str]) -> str:
    return " or ".join(_WORDS[made] for made in _WORDS if made in takes)
