"""What the conformance kit feeds an inspector, and what it promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from acme_inspectors.call import InspectorCall
from adversity.testing.bench.bench import Answer, Bench, Case
from adversity.testing.bench.checks import Check, check, require
from adversity.testing.inputs.images import image_cases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.contracts import PluginBase
    from adversity.engine.calls.ready import Ready


_ROUNDING = 1e-6
"""Some sixteen steps of a float32 below 1: of mirrored pixels a sum is added up in another order."""


@check("Mirroring an image does not change its number.")
def mirrored_alike(bench: InspectorBench) -> str:
    """Inspect each case as it is, and mirrored."""
    gap = 0.0
    for case in bench.answered:
        mirrored = Case(
            f"{case.name}, mirrored", {"images": case.rows["images"].flip(-1)}, case.ids
        )
        there = bench.answer(bench.ready, mirrored)["numbers"]
        gap = max(gap, float((there - bench.whole(case)["numbers"]).abs().max()))
    require(gap <= _ROUNDING, f"expected numbers within {_ROUNDING}, got a difference of {gap:.2g}")
    return f"the largest difference is {gap:.2g}"


class InspectorBench(Bench):
    """An inspector on trial."""

    seeded: ClassVar[bool] = False
    checks: ClassVar[tuple[Check, ...]] = (mirrored_alike,)

    def cases(self) -> Sequence[Case]:
        """Return images of several sizes."""
        return image_cases()

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Run the final call."""
        return {"numbers": InspectorCall(ready)(case.rows["images"], case.ids)}


def bench_for(plugin: type[PluginBase]) -> type[Bench]:
    """Return the one bench of the kind."""
    return InspectorBench
