"""What the conformance kit knows of kernels: weights that sum to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from adversity.testing.bench.bench import Answer, Bench, Case
from adversity.testing.bench.checks import Check, check, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.contracts import PluginBase
    from adversity.engine.calls.ready import Ready


_ROUNDING = 1e-6
"""Eight steps of a float32 near 1: each weight is rounded once, and so is each addition."""


@check("The weights sum to 1, so that a flat image stays as it is.")
def sums_to_one(bench: KernelBench) -> str:
    """Add them up."""
    total = float(bench.ready.plugin.weights().sum())
    require(abs(total - 1) <= _ROUNDING, f"expected a sum of 1, got {total:.6g}")
    return f"they sum to {total:.6g}"


class KernelBench(Bench):
    """A kernel on trial; it is asked for its weights, and fed nothing."""

    by_row: ClassVar[bool] = False
    seeded: ClassVar[bool] = False
    checks: ClassVar[tuple[Check, ...]] = (sums_to_one,)

    def cases(self) -> Sequence[Case]:
        """Return the one case: it needs no input."""
        return (Case("no input", {}, ()),)

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Ask for the weights."""
        return {"weights": ready.plugin.weights()}


def bench_for(plugin: type[PluginBase]) -> type[Bench]:
    """Return the one bench of the kind."""
    return KernelBench
