"""What a degradation promises."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from adversity.seeding import SampleRng
from adversity.testing.bench.bench import Answer, Bench, Case, built
from adversity.testing.bench.checks import Failed, NotApplicable, apart, check, require
from adversity.testing.common.bounds import bounds_are_felt
from adversity.testing.common.gradients import gradient_is_right
from adversity.testing.inputs.images import ImageRows, image_cases, most_tried, scenes
from adversity.testing.inputs.side import comparable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.contracts import PluginBase
    from adversity.engine.calls.ready import Ready
    from adversity.engine.public.in_memory import TensorRows

__all__ = ["DegradationBench", "bench_for"]


@check("A higher severity goes further from the clean image.")
def severity_goes_further(bench: DegradationBench) -> str:
    """Compare the mean squared distance of ten images for each of the five severities."""
    if not bench.cls.levels:  # type: ignore[attr-defined]
        raise NotApplicable("the degradation has no severities")
    images = scenes(10, most_tried(bench.make().takes_channels()), 48, 48)
    case = Case("10 images of 48 x 48", {"images": images}, tuple(map(str, range(10))))
    distances = []
    for severity in range(1, 6):
        worse = bench.answer(bench.at_severity(severity), case)["images"]
        if worse.shape != images.shape:
            raise NotApplicable("the images change size")
        distances.append(float((worse - images).square().mean()))
    summary = ", ".join(f"{value:.2g}" for value in distances)
    rises = all(a < b for a, b in itertools.pairwise(distances))
    require(
        rises and distances[0] > 0,
        f"expected a mean squared distance from the clean image that rises with severity, got "
        f"{summary} for 1 to 5",
    )
    return f"mean squared distance {summary} for severity 1 to 5"


@check("A severity and physical parameters exclude each other, and one of them is needed.")
def one_way_to_say_how_much(bench: DegradationBench) -> str:
    """Give both, and none."""
    levels = bench.cls.levels  # type: ignore[attr-defined]
    if not levels:
        raise NotApplicable("the degradation has no severities")
    physical = {name: values[2] for name, values in levels.items()}
    other = bench.unlevelled()
    for given in ({}, {"severity": 3, **physical}):
        try:
            built(bench.cls, {**other, **given})
        except ValueError:
            continue
        require(not given, f"expected {given} to be refused: severity or parameters, not both")
        require(given, "expected a degradation without severity and parameters to be refused")
    named = bench.answer(_ready(bench, {**other, "severity": 3}), bench.answered[0])
    spelt = bench.answer(_ready(bench, {**other, **physical}), bench.answered[0])
    gap = apart(named["images"], spelt["images"])
    require(
        gap == 0,
        f"expected severity 3 to be {physical}, the images differ by up to {gap:.3g}",
    )
    return f"severity 3 is {physical}"


@check("Its physical parameters are given together or not at all.")
def parameters_go_together(bench: DegradationBench) -> str:
    """Give some of them and leave out the others, in every way."""
    levels = bench.cls.levels  # type: ignore[attr-defined]
    if len(levels) < 2:
        raise NotApplicable("the degradation has no two physical parameters of a severity")
    physical = {name: values[2] for name, values in levels.items()}
    other = bench.unlevelled()
    built(bench.cls, {**other, **physical})
    some = [
        names for count in range(1, len(levels)) for names in itertools.combinations(levels, count)
    ]
    for names in some:
        given = {name: physical[name] for name in names}
        try:
            built(bench.cls, {**other, **given})
        except ValueError:
            continue
        missing = ", ".join(name for name in levels if name not in names)
        raise Failed(
            f"expected {given} without {missing} to be refused: severity sets them together, so "
            "what the others would be is a guess; keep the validator of Degradation"
        )
    return f"{', '.join(levels)} go together: {len(some)} ways to give some of them are refused"


def _ready(bench: DegradationBench, parameters: dict[str, Any]) -> Ready:
    other = type(bench)(bench.cls, parameters, is_example=bench.is_example, device=bench.device)
    return other.fresh()


class DegradationBench(Bench):
    """Feed a degradation with images."""

    checks = (
        severity_goes_further,
        one_way_to_say_how_much,
        parameters_go_together,
        gradient_is_right,
        bounds_are_felt,
    )

    @classmethod
    def examples(cls, plugin: type[PluginBase]) -> tuple[Mapping[str, Any], ...]:
        """Return severity 3, or nothing for a degradation without severities."""
        return ({"severity": 3},) if plugin.levels else ({},)  # type: ignore[attr-defined]

    def at_severity(self, severity: int) -> Ready:
        """Return the plugin at a severity, with those parameters that are no levels."""
        return _ready(self, {**self.unlevelled(), "severity": severity})

    def unlevelled(self) -> dict[str, Any]:
        """Return the parameters that do not say how much: neither a severity nor levels."""
        levels = {"severity", *self.cls.levels}  # type: ignore[attr-defined]
        return {name: value for name, value in self.parameters.items() if name not in levels}

    def cases(self) -> Sequence[Case]:
        """Return images of several sizes, grey and colour, and flat ones."""
        return image_cases(self.make().takes_channels())

    def stream(self) -> TensorRows:
        """Return images of one class for a degradation that learns."""
        return ImageRows(scenes(12, most_tried(self.make().takes_channels()), 40, 32, first=500))

    def traced(self, images: Tensor) -> Tensor:
        """Degrade as an attack differentiates it."""
        ids = tuple(map(str, range(len(images))))
        rng = SampleRng(seed=0, step="kit", ids=ids)
        return self.ready.call.traced(images, {}, rng).images  # type: ignore[no-any-return]

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Degrade; side information is part of the answer, a kernel without its padding."""
        rng = SampleRng(seed=seed, step="kit", ids=case.ids)
        degraded = ready.call.degraded(case.rows["images"], rng)
        return {"images": degraded.images, **comparable(degraded.side)}


def bench_for(plugin: type[PluginBase]) -> type[Bench]:
    """Return the bench of the kind."""
    return DegradationBench
