"""The final call: the author's method, in blocks, with every check around it.

A plugin gets a copy of its input and must give back what its contract promises; a broken
promise is a `PluginError` that names the plugin, its distribution and the sample. What all kinds
share is here; the subclass of a kind is what its description names as `call`. Everybody calls a
plugin through it: stages and chains, plugins that have one as a parameter, Python, and the kit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.engine.calls.alone import each_by_itself
from adversity.engine.calls.blocks import spans
from adversity.engine.calls.ready import BREAKS
from adversity.engine.calls.side import joined
from adversity.errors import InputError
from adversity.shapes import channels_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from adversity.engine.calls.ready import Ready

__all__ = ["CLAIM_MORE", "FinalCall", "named", "positions"]

CLAIM_MORE = "use a plugin that claims so many (image_channels), or images of fewer channels"
"""What to do about images of a number of channels that is not claimed."""


class FinalCall:
    """What the calls of all kinds share; `__call__` is how plugins with one as parameter call it.

    `Ready.call` is that of a plugin.

    Attributes:
        ready: The plugin, set up.
    """

    def __init__(self, ready: Ready) -> None:
        """Take a plugin that is set up."""
        self.ready = ready

    @property
    def gradient(self) -> str:
        """In words, what a backward pass goes through."""
        return "exact" if self.ready.plugin.differentiable else "BPDA (identity)"

    def require_channels(self, images: Tensor) -> None:
        """Refuse images of another number of channels than the plugin claims.

        Raises:
            InputError: With both numbers.
        """
        fault = channels_fault(self.ready.plugin.takes_channels(), int(images.shape[1]))
        if fault is not None:
            raise InputError(f"{self.ready.label} {fault}; {CLAIM_MORE}")

    def blocks(
        self,
        given: Tensor,
        ids: Sequence[str],
        run: Callable[[list[int]], list[Tensor]],
        size: int | None = None,
        names: Sequence[str] = ("answers",),
        what: str = "answer",
    ) -> list[Tensor]:
        """Run a method in blocks of one size, and see once that its rows do not mix.

        Args:
            given: `[N, ...]`, its input.
            ids: N sample ids.
            run: From row numbers, the last repeated as padding, to the answers for these; to none
                where the method is optional and the plugin has it not.
            size: Rows of a block; the plugin's own number if not given.
            names: What each answer is; known at the latest when `run` has run.
            what: Its answer, in words.

        Returns:
            The answers, each `[N, ...]` on the CPU.
        """
        size = size or self.ready.plugin.block_rows
        parts: list[list[Tensor]] = []
        for span in spans(len(given), size):
            index, cut = list(span), slice(span.start, span.stop)
            answered = run(index + index[-1:] * (size - len(index)))
            if not answered:
                return []

            def again(rows: list[int], first: int = span.start) -> list[Tensor]:
                return run([first + row for row in rows])

            each_by_itself(self.ready, given[cut], answered, again, ids[cut], what=what)
            parts.append([value[: len(index)].cpu() for value in answered])
        return joined(self.ready, names, parts, ids)

    def ask(self, method: str, ids: Sequence[str], *given: Tensor, **kwargs: Any) -> Any:
        """Call a method on copies of `given` on its device; a changed copy is a broken promise."""
        import torch

        # Contiguous: kernels for another layout in memory round otherwise.
        there = [value.to(self.ready.device).contiguous() for value in given]
        copies = [value.clone() for value in there]
        try:
            with torch.no_grad():
                answer = getattr(self.ready.plugin, method)(*copies, **kwargs)
        except BREAKS as error:
            self.ready.guard(error, ids)
        if not all(map(torch.equal, copies, there)):
            self.ready.broke(
                "it changed its input in place; expected the input to be left alone", ids
            )
        return answer

    def unchecked(self, method: str, **more: Any) -> Callable[[Tensor], Any]:
        """Return a method for whoever differentiates it: on its device, and without checks.

        What goes wrong names the plugin, not the attack, which only calls it. A tensor comes back
        to the CPU, everything else as it is.
        """
        import torch

        def call(block: Tensor) -> Any:
            try:
                there = block.to(self.ready.device).contiguous()
                answer = getattr(self.ready.plugin, method)(there, **more)
                return answer.cpu() if isinstance(answer, torch.Tensor) else answer
            except BREAKS as error:
                self.ready.guard(error)

        return call


def named(ids: Sequence[str], index: list[int]) -> list[str]:
    """Return the ids of rows, those of padding once."""
    return list(dict.fromkeys(ids[i] for i in index))


def positions(count: int) -> tuple[str, ...]:
    """Return the ids of samples that have none: their numbers."""
    return tuple(map(str, range(count)))
