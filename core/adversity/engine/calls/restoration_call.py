"""The final call of a restoration."""

from __future__ import annotations

from collections.abc import Mapping
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
    from collections.abc import Callable, Sequence

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

    def answer(self, images: Tensor, side: Mapping[str, Tensor], ids: Sequence[str]) -> Answer:
        """Run it on `[N, C, H, W]` float32 in [0, 1], in blocks with kernels of one size.

        Args:
            images: What to restore.
            side: What the degradation said of itself, each with first axis N.
            ids: N sample ids, for messages.

        Raises:
            PluginError: If the answer breaks the contract.
        """
        origin = dict[str, str]()

        def run(
            images: Tensor, side: Mapping[str, Tensor], ids: Sequence[str], names: list[str]
        ) -> list[Tensor]:
            return self._of_size(images, side, ids, names, origin)

        restored = self._by_size(images, side, ids, run)
        return Answer(restored.images, restored.found, origin)

    def _by_size(
        self,
        images: Tensor,
        side: Mapping[str, Tensor],
        ids: Sequence[str],
        run: Callable[[Tensor, Mapping[str, Tensor], Sequence[str], list[str]], list[Tensor]],
    ) -> Restored:
        """Put together what `run` gives for images whose kernels have one size; it fills in names."""
        self.require_channels(images)
        groups = list(each_size(self._from_side(side), side, images))
        names: list[str] = []
        if len(groups) == 1:
            parts = [run(images, groups[0][1], ids, names)]
        else:
            parts = [
                run(images[rows], here, [ids[i] for i in rows], names) for rows, here in groups
            ]
        places = [rows for rows, _ in groups]
        better, *found = (
            as_before(of_one_size(name, column), places)
            for name, column in zip(names, zip(*parts, strict=True), strict=True)
        )
        return Restored(better, dict(zip(names[1:], found, strict=True)))

    def _from_side(self, side: Mapping[str, Tensor]) -> list[str]:
        """Return the names of what side information fills the needs that no parameter does."""
        plugin = self.ready.plugin
        open_needs = [need for need in plugin.needs if getattr(plugin, need, None) is None]
        keys = (need if need in side else found_before(need, side) for need in open_needs)
        return [key for key in keys if key is not None]

    def enlarges(self) -> int:
        """Return by what it enlarges.

        Raises:
            PluginError: If that is no whole number of 1 or more.
        """
        factor = self.ask("enlarges", ())
        if type(factor) is not int or factor < 1:
            self.ready.broke(f"expected `enlarges` to give a whole number >= 1, got {factor!r}")
        return factor

    def _of_size(
        self,
        images: Tensor,
        side: Mapping[str, Tensor],
        ids: Sequence[str],
        names: list[str],
        origin: dict[str, str],
    ) -> list[Tensor]:
        """Return the answers to images whose kernels have one size; fill in names and origin."""
        ready, factor = self.ready, self.enlarges()

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
            if fault is not None:
                ready.broke(fault, here)
            return self._parts(answer, block, here, names)

        return self.blocks(images, ids, run, names=names)

    def _parts(
        self, answer: Restored, block: Tensor, ids: Sequence[str], names: list[str]
    ) -> list[Tensor]:
        """Return images and what was found; fill in their names, the same for every block.

        Raises:
            PluginError: If something that was found breaks the contract.
        """
        fault = found_fault(answer, block)
        if fault is None and names not in ([], ["images", *answer.found]):
            fault = f"expected {names[1:]} to be found as before, got {list(answer.found)}"
        if fault is not None:
            self.ready.broke(fault, ids)
        names[:] = ["images", *answer.found]
        return [answer.images, *answer.found.values()]

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
                value, origin[need] = from_parameter(need, parameter, images), "parameter"
            elif need in side:
                value, origin[need] = side[need], "side"
            else:
                estimated = self._estimate(images) if estimated is None else estimated
                before = found_before(need, side)
                if need in estimated:
                    value, origin[need] = estimated[need], "estimate"
                elif before is not None:
                    value, origin[need] = side[before], before
                else:
                    raise PluginError(unfilled(ready, need))
            require_need(ready, need, value, origin[need], images)
            values[need] = value.to(images.device)
        return values, origin

    def _estimate(self, images: Tensor) -> Mapping[str, Tensor]:
        """Return what it estimates of images; what is needed of it is looked at later."""
        estimated = self.ask("estimate", (), images)
        if not isinstance(estimated, Mapping):
            self.ready.broke(
                f"expected `estimate` to give tensors by name, got {type(estimated).__name__}"
            )
        return estimated

    def stand_in(self, images: Tensor, real: Tensor) -> Tensor:
        """Return what is differentiated in the place of an answer: the surrogate, if it has one."""
        if self._has_surrogate:
            images = in_blocks(self.unchecked("surrogate"), images, self.ready.plugin.block_rows)
        return super().stand_in(images, real)

    def _differentiated(self, images: Tensor, side: Mapping[str, Tensor], rng: SampleRng) -> Passed:
        """Differentiate through it; what it needs, and what it finds, is taken as constant."""
        answer = self._through(images, side, rng.ids)
        found = {f"{rng.step}.{name}": value for name, value in answer.found.items()}
        return Passed(answer.images, enlarged({**side, **found}, images, answer.images))

    def _through(self, images: Tensor, side: Mapping[str, Tensor], ids: Sequence[str]) -> Restored:
        return self._by_size(images, side, ids, self._blocks_through)

    def _blocks_through(
        self, images: Tensor, side: Mapping[str, Tensor], ids: Sequence[str], names: list[str]
    ) -> list[Tensor]:
        parts, size = [], self.ready.plugin.block_rows
        for span in spans(len(images), size):
            cut = slice(span.start, span.stop)
            block = padded(images[cut], size)
            here = {name: padded(value[cut], len(block)) for name, value in side.items()}
            needs, _ = self.needs_of(block.detach().to(self.ready.device), here)
            answer = as_restored(self.unchecked("restore", **needs)(block))
            better, *found = self._parts(answer, block, ids[cut], names)
            values = (better, *(value.detach() for value in found))
            parts.append([value[: len(span)].cpu() for value in values])
        return joined(self.ready, names, parts, ids)
