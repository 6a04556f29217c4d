"""The final call of a restoration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity.contracts import Restoration, Restored
from adversity.engine.calls.blocks import in_blocks, padded, spans
from adversity.engine.calls.final_call import named, positions
from adversity.engine.calls.found import as_restored, found_before, found_fault
from adversity.engine.calls.side import from_parameter, joined, require_need, unfilled
from adversity.engine.calls.side_sizes import as_before, each_size, enlarged, of_one_size
from adversity.engine.calls.view_call import Passed, ViewCall
from adversity.errors import InputError, PluginError
from adversity.shapes import image_fault, like

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.seeding import SampleRng

__all__ = ["Answer", "RestorationCall"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a restoration answered.

    Attributes:
        images: `[N, C, H, W]` float32 in [0, 1].
        found: What it found, each with first axis N.
        origin: For each need, where it came from.
    """

    images: Tensor
    found: Mapping[str, Tensor]
    origin: Mapping[str, str]


class RestorationCall(ViewCall):
    """`better = restoration(images, side)`."""

    def __call__(self, images: Tensor, side: Mapping[str, Tensor] | None = None) -> Tensor:
        """Return the images alone; what `side` lacks is a parameter, or estimated.

        Raises:
            InputError: If the images require a gradient, and it has none.
            PluginError: If the answer breaks the contract.
        """
        return self.with_found(images, side).images

    def with_found(self, images: Tensor, side: Mapping[str, Tensor] | None = None) -> Restored:
        """Return the images with what it found; differentiable where they are.

        Raises:
            InputError: If the images require a gradient, and it has none.
            PluginError: If the answer breaks the contract.
        """
        ids = positions(len(images))
        if not images.requires_grad:
            answer = self.answer(images, side or {}, ids)
            return Restored(answer.images, answer.found)
        if not self.ready.plugin.differentiable:
            raise InputError(
                f"{self.ready.label} has no gradient: expected images without one, or a "
                "restoration that is differentiable"
            )
        return self._through(images, side or {}, ids)

    @property
    def gradient(self) -> str:
        """In words, what a backward pass goes through."""
        own = self._has_surrogate and not self.ready.plugin.differentiable
        return "BPDA (the plugin's surrogate)" if own else super().gradient

    @property
    def _has_surrogate(self) -> bool:
        return type(self.ready.plugin).surrogate is not Restoration.surrogate

    def passed(self, images: Tensor, side: Mapping[str, Tensor], rng: SampleRng) -> Passed:
        """Return the images, for each need where it came from, and what was found."""
        answer = self.answer(images, side, rng.ids)
        found = {f"{rng.step}.{name}": value for name, value in answer.found.items()}
        kept = enlarged({**side, **found}, images, answer.images)
        return Passed(answer.images, kept, answer.origin, found)

    def restored(
        self, images: Tensor, side: Mapping[str, Tensor], ids: Sequence[str]
    ) -> tuple[Tensor, Mapping[str, str]]:
        """Return the images of `answer`, and for each need where it came from."""
        answer = self.answer(images, side, ids)
        return answer.images, answer.origin

    def answer(self, images: Tensor, side: Mapping[str, Tensor], ids: Sequence[str]) -> Answer:
        """Run it on `[N, C, H, W]` float32 in [0, 1], in blocks with kernels of one size.

        Args:
            images: What to restore.
            side: What the degradation said of itself, each with first axis N.
            ids: N sample ids, for messages.

        Raises:
            PluginError: If the answer breaks the contract.
        """
        groups = list(each_size(self._from_side(side), side, images))
        origin, names = dict[str, str](), list[str]()
        parts = [
            self._of_size(images[rows], here, [ids[i] for i in rows], origin, names)
            for rows, here in groups
        ]
        rows = [group for group, _ in groups]
        better, *found = (
            as_before(of_one_size(name, column), rows)
            for name, column in zip(names, zip(*parts, strict=True), strict=True)
        )
        return Answer(better, dict(zip(names[1:], found, strict=True)), origin)

    def _from_side(self, side: Mapping[str, Tensor]) -> list[str]:
        """Return the names of what side information fills the needs that no parameter does."""
        plugin = self.ready.plugin
        open_needs = [need for need in plugin.needs if getattr(plugin, need, None) is None]
        keys = (need if need in side else found_before(need, side) for need in open_needs)
        return [key for key in keys if key is not None]

    def _factor(self) -> int:
        """Return by what it enlarges.

        Raises:
            PluginError: If that is no whole number of 1 or more.
        """
        factor = self.ready.plugin.enlarges()
        if not isinstance(factor, int) or factor < 1:
            self.ready.broke(f"expected `enlarges` to give a whole number >= 1, got {factor!r}")
        return factor

    def _of_size(
        self,
        images: Tensor,
        side: Mapping[str, Tensor],
        ids: Sequence[str],
        origin: dict[str, str],
        names: list[str],
    ) -> list[Tensor]:
        """Return the answers to images whose kernels have one size; fill in origin and names."""
        ready, factor = self.ready, self._factor()
        self.require_channels(images)

        def run(index: list[int]) -> list[Tensor]:
            block = images[index].to(ready.device)
            here = named(ids, index)
            needs, computed = self.needs_of(block, {name: v[index] for name, v in side.items()})
            origin.update(computed)
            answer = as_restored(self.ask("restore", here, block, **needs))
            shape = [*block.shape[:2], *(size * factor for size in block.shape[2:])]
            fault = image_fault(answer.images, rows=len(block), channels=like(block.shape[1]))
            if fault is None and list(answer.images.shape) != shape:
                fault = f"expected shape {shape}, got {list(answer.images.shape)}"
            fault = fault or found_fault(answer, block)
            if fault is not None:
                ready.broke(fault, here)
            if names not in ([], ["images", *answer.found]):
                ready.broke(
                    f"expected {names[1:]} to be found as before, got {list(answer.found)}", here
                )
            names[:] = ["images", *answer.found]
            return [answer.images, *answer.found.values()]

        return self.blocks(images, ids, run, names=names)

    def needs_of(
        self, images: Tensor, side: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Fill its needs: a parameter, side information, its estimate, what was found before.

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
                before = found_before(need, side)
                if need in estimated:
                    values[need], origin[need] = estimated[need].to(images.device), "estimate"
                elif before is not None:
                    values[need], origin[need] = side[before].to(images.device), before
                else:
                    raise PluginError(unfilled(ready, need))
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
        """Differentiate through it; what it needs, and what it finds, is taken as constant."""
        ids = positions(len(images)) if rng is None else rng.ids
        answer = self._through(images, side, ids)
        step = "" if rng is None else rng.step
        found = {f"{step}.{name}": value for name, value in answer.found.items()}
        return Passed(answer.images, enlarged({**side, **found}, images, answer.images))

    def _through(self, images: Tensor, side: Mapping[str, Tensor], ids: Sequence[str]) -> Restored:
        self.require_channels(images)
        groups = list(each_size(self._from_side(side), side, images))
        names: list[str] = []
        parts = [
            joined(
                self.ready,
                names,
                self._blocks_through(images if len(groups) == 1 else images[rows], here, names),
                ids,
            )
            for rows, here in groups
        ]
        rows = [group for group, _ in groups]
        better, *found = (
            as_before(of_one_size(name, column), rows)
            for name, column in zip(names, zip(*parts, strict=True), strict=True)
        )
        return Restored(better, dict(zip(names[1:], found, strict=True)))

    def _blocks_through(
        self, images: Tensor, side: Mapping[str, Tensor], names: list[str]
    ) -> list[list[Tensor]]:
        parts, size = [], self.ready.plugin.block_rows
        for span in spans(len(images), size):
            cut = slice(span.start, span.stop)
            block = padded(images[cut], size)
            here = {name: padded(value[cut], len(block)) for name, value in side.items()}
            needs, _ = self.needs_of(block.detach().to(self.ready.device), here)
            answer = as_restored(self.unchecked("restore", **needs)(block))
            names[:] = ["images", *answer.found]
            found = [value.detach() for value in answer.found.values()]
            parts.append([value[: len(span)].cpu() for value in (answer.images, *found)])
        return parts
