"""The final call of an inspector: every check of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.engine.calls.final_call import FinalCall, named
from adversity.shapes import rows_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class InspectorCall(FinalCall):
    """`numbers = inspector(images)`, `[N]` float64."""

    def __call__(self, images: Tensor, ids: Sequence[str] | None = None) -> Tensor:
        """Run it in blocks; a number that is none, or outside its range, breaks the promise."""
        names = list(map(str, range(len(images)))) if ids is None else list(ids)

        def run(index: list[int]) -> list[Tensor]:
            here = named(names, index)
            answer = self.ask("inspect", here, images[index])
            fault = rows_fault(answer, rows=len(index))
            highest = self.ready.plugin.highest
            if fault is None and not bool(((answer >= 0) & (answer <= highest)).all()):
                least, most = float(answer.min()), float(answer.max())
                fault = f"expected numbers in [0, {highest}], got {least:.6g} to {most:.6g}"
            if fault is not None:
                self.ready.broke(fault, here)
            return [answer]

        return self.blocks(images, names, run)[0].double()
