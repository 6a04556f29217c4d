"""The final call of a restoration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Restoration
from adversity.engine.calls.blocks import in_blocks, padded, spans
from adversity.engine.calls.final_call import named, positions
from adversity.engine.calls.side import from_parameter, require_need, unfilled
from adversity.engine.calls.side_sizes import as_before, each_size, enlarged
from adversity.engine.calls.view_call import Passed, ViewCall
from adversity.errors import InputError, PluginError
from adversity.shapes import image_fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.seeding import SampleRng

__all__ = ["RestorationCall"]


class RestorationCall(ViewCall):
    """`better = restoration(images, side)`."""

    def __call__(self, images: Tensor, side: Mapping[str, Tensor] | None = None) -> Tensor:
        """Return the images; what `side` lacks is a parameter, or estimated.

        Raises:
            InputError: If the images require a gradient, and it has none.
            PluginError: If the answer breaks the contract.
        """
        ids = positions(len(images))
        if not images.requires_grad:
            return self.restored(images, side or {}, ids)[0]
        if not self.ready.plugin.differentiable:
            raise InputError(
                f"{self.ready.label} has no gradient: expected images without one, or a "
                "restoration that is differentiable"
            )
        return self._differentiated(images, side or {}).images

    @property
    def gradient(self) -> str:
        """In words, what a backward pass goes through."""
        own = self._has_surrogate and not self.ready.plugin.differentiable
        return "BPDA (the plugin's surrogate)" if own else super().gradient

    @property
    def _has_surrogate(self) -> bool:
        return type(self.ready.plugin).surrogate is not Restoration.surrogate

    def passed(self, images: Tensor, side: Mapping[str, Tensor], rng: SampleRng) -> Passed:
        """Return the images, and for each need where it came from."""
        better, origin = self.restored(images, side, rng.ids)
        return Passed(better, enlarged(side, images, better), origin)

    def restored(
        self, images: Tensor, side: Mapping[str, Tensor], ids: Sequence[str]
    ) -> tuple[Tensor, dict[str, str]]:
        """Run it on `[N, C, H, W]` float32 in [0, 1], in blocks with kernels of one size.

        Args:
            images: What to restore.
            side: What the degradation said of itself, each with first axis N.
            ids: N sample ids, for messages.

        Returns:
            The restored images, and for each need where it came from.

        Raises:
            PluginError: If the answer breaks the contract.
        """
        groups = list(each_size(self._from_side, side, images))
        origin = dict[str, str]()
        parts = [
            self._restored(images[rows], here, [ids[i] for i in rows], origin)
            for rows, here in groups
        ]
        return as_before(parts, [rows for rows, _ in groups]), origin

    @property
    def _from_side(self) -> tuple[str, ...]:
        """The needs that no parameter fills."""
        plugin = self.ready.plugin
        return tuple(need for need in plugin.needs if getattr(plugin, need, None) is None)

    def _factor(self) -> int:
        """Return by what it enlarges.

        Raises:
            PluginError: If that is no whole number of 1 or more.
        """
        factor = self.ready.plugin.enlarges()
        if not isinstance(factor, int) or factor < 1:
            self.ready.broke(f"expected `enlarges` to give a whole number >= 1, got {factor!r}")
        return factor

    def _restored(
        self, images: Tensor, side: Mapping[str, Tensor], ids: Sequence[str], origin: dict[str, str]
    ) -> Tensor:
        ready, factor = self.ready, self._factor()

        def run(index: list[int]) -> list[Tensor]:
            block = images[index].to(ready.device)
            here = named(ids, index)
            needs, computed = self.needs_of(block, {name: v[index] for name, v in side.items()})
            origin.update(computed)
            answer: Tensor = self.ask("restore", here, block, **needs)
            fault = image_fault(answer, rows=len(block))
            shape = [*block.shape[:2], *(size * factor for size in block.shape[2:])]
            if fault is None and list(answer.shape) != shape:
                fault = f"expected shape {shape}, got {list(answer.shape)}"
            if fault is not None:
                ready.broke(fault, here)
            return [answer]

        return self.blocks(images, ids, run)[0]

    def needs_of(
        self, images: Tensor, side: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Fill its needs: a parameter, else side information, else its estimate.

        Returns:
            The needs, each with first axis N, and for each where it came from.
        """
        ready, plugin = self.ready, self.ready.plugin
        values: dict[str, Tensor] = {}
        origin: dict[str, str] = {}
        estimated: Mapping[str, Tensor] | None = None
        for need in plugin.needs:
            parameter = getattr(plugin, need, None)
            if parameter is not None:
                values[need], origin[need] = from_parameter(need, parameter, images), "parameter"
            elif need in side:
                values[need], origin[need] = side[need].to(images.device), "side"
            else:
                if estimated is None:
                    estimated = self.ask("estimate", (), images)
                if need not in estimated:
                    raise PluginError(unfilled(ready, need))
                values[need], origin[need] = estimated[need].to(images.device), "estimate"
            require_need(ready, need, values[need], origin[need], images)
        return values, origin

    def stand_in(self, images: Tensor, real: Tensor) -> Tensor:
        """Return what is differentiated in the place of an answer: the surrogate, if it has one."""
        if self._has_surrogate:
            images = in_blocks(self.unchecked("surrogate"), images, self.ready.plugin.block_rows)
        return super().stand_in(images, real)

    def _differentiated(
        self, images: Tensor, side: Mapping[str, Tensor], rng: SampleRng | None = None
    ) -> Passed:
        """Differentiate through it; what it needs is taken as constant."""
        groups = list(each_size(self._from_side, side, images))
        parts = [
            self._of_one_size(images if len(groups) == 1 else images[rows], here)
            for rows, here in groups
        ]
        better = as_before(parts, [rows for rows, _ in groups])
        return Passed(better, enlarged(side, images, better))

    def _of_one_size(self, images: Tensor, side: Mapping[str, Tensor]) -> Tensor:
        import torch

        parts, size = [], self.ready.plugin.block_rows
        for span in spans(len(images), size):
            cut = slice(span.start, span.stop)
            block = padded(images[cut], size)
            here = {name: padded(value[cut], len(block)) for name, value in side.items()}
            needs, _ = self.needs_of(block.detach().to(self.ready.device), here)
            parts.append(self.unchecked("restore", **needs)(block)[: len(span)])
        return torch.cat(parts)
