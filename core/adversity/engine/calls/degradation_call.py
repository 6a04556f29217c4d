"""The final call of a degradation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from adversity.contracts import Degraded
from adversity.engine.calls.blocks import padded, spans
from adversity.engine.calls.final_call import named
from adversity.engine.calls.found import without_found
from adversity.engine.calls.side import joined, said_fault
from adversity.engine.calls.side_sizes import outlasting
from adversity.engine.calls.view_call import Passed, ViewCall
from adversity.errors import InputError
from adversity.shapes import image_fault, like

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.seeding import SampleRng

__all__ = ["DegradationCall"]


class DegradationCall(ViewCall):
    """`worse = degradation(images, rng)`; the same `rng` draws the same numbers again."""

    worsens: ClassVar[bool] = True

    def __call__(self, images: Tensor, rng: SampleRng) -> Tensor:
        """Return the images alone."""
        return self.degraded(images, rng).images

    def degraded(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return the images with their side information; differentiable where they are.

        Raises:
            InputError: If they require a gradient, and it has none.
            PluginError: If the answer breaks the contract.
        """
        if not images.requires_grad:
            return self._checked(images, rng)
        if not self.ready.plugin.differentiable:
            raise InputError(
                f"{self.ready.label} has no gradient: expected images without one, or a "
                "degradation that is differentiable"
            )
        passed = self._differentiated(images, {}, rng)
        return Degraded(passed.images, passed.side)

    def passed(self, images: Tensor, side: Mapping[str, Tensor], rng: SampleRng) -> Passed:
        """Return the images; what the degradation says of itself comes to the side information."""
        degraded = self._checked(images, rng)
        kept = outlasting(without_found(side), images, degraded.images)
        return Passed(degraded.images, {**kept, **degraded.side})

    def _checked(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Run it on `[N, C, H, W]` float32 in [0, 1], in blocks."""
        names: list[str] = []
        self.require_channels(images)
        channels = like(images.shape[1])

        def run(index: list[int]) -> list[Tensor]:
            streams, here = rng.fresh([rng.ids[i] for i in index]), named(rng.ids, index)
            answer = self.ask("degrade", here, images[index], rng=streams)
            degraded = answer if isinstance(answer, Degraded) else Degraded(answer)
            fault = image_fault(degraded.images, rows=len(index), channels=channels)
            shape = [len(index), *images.shape[1:]]
            resizes = self.ready.plugin.resizes
            if fault is None and not resizes and list(degraded.images.shape) != shape:
                fault = f"expected shape {shape}, got {list(degraded.images.shape)}"
            if fault is not None:
                self.ready.broke(fault, here)
            return self._parts(degraded, here, names)

        worse, *side = self.blocks(images, rng.ids, run, names=names)
        return Degraded(worse, dict(zip(names[1:], side, strict=True)))

    def _parts(self, degraded: Degraded, ids: Sequence[str], names: list[str]) -> list[Tensor]:
        """Return images and side information; fill in their names, the same for every block.

        Raises:
            PluginError: If side information breaks the contract.
        """
        fault = said_fault(degraded.side, degraded.images)
        if fault is None and names not in ([], ["images", *degraded.side]):
            fault = f"expected side information {names[1:]} as before, got {list(degraded.side)}"
        if fault is not None:
            self.ready.broke(fault, ids)
        names[:] = ["images", *degraded.side]
        return [degraded.images, *degraded.side.values()]

    def _differentiated(self, images: Tensor, side: Mapping[str, Tensor], rng: SampleRng) -> Passed:
        self.require_channels(images)
        plugin = self.ready.plugin
        parts: list[list[Tensor]] = []
        names: list[str] = []
        for span in spans(len(images), plugin.block_rows):
            block = padded(images[span.start : span.stop], plugin.block_rows)
            here = rng.ids[span.start : span.stop]
            streams = rng.fresh([*here, *here[-1:] * (len(block) - len(here))])
            answer = self.unchecked("degrade", rng=streams)(block)
            degraded = answer if isinstance(answer, Degraded) else Degraded(answer)
            values = self._parts(degraded, here, names)
            parts.append([value[: len(span)].cpu() for value in values])
        worse, *more = joined(self.ready, names, parts, rng.ids)
        kept = outlasting(without_found(side), images, worse)
        return Passed(worse, {**kept, **dict(zip(names[1:], more, strict=True))})
