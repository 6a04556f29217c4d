"""The final call of a classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.engine.calls.blocks import in_blocks, network_rows
from adversity.engine.calls.final_call import FinalCall, named, positions
from adversity.engine.calls.log_probs import log_probs
from adversity.engine.calls.networks import networks_of
from adversity.engine.calls.sampling_call import members_fault
from adversity.errors import InputError
from adversity.shapes import probs_fault, rows_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

__all__ = ["ClassifierCall"]


class ClassifierCall(FinalCall):
    """`classifier.logits(images)` and `.features(images)`, differentiable in the images."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the logits."""
        names: tuple[str, ...] = self.ready.plugin.class_names
        return names

    @property
    def synsets(self) -> tuple[str, ...] | None:
        """WordNet ids of the classes, where they are known."""
        found: tuple[str, ...] | None = self.ready.plugin.synsets
        return found

    def networks(self) -> tuple[nn.Module, ...]:
        """Return the networks among the classifier's attributes; none where it holds none.

        Whatever is changed in them must be put back before anybody else asks the classifier.
        """
        return tuple(networks_of(self.ready.plugin))

    @property
    def gradient(self) -> str:
        """In words, what a backward pass goes through."""
        return "exact" if self.no_gradient is None else f"none ({self.no_gradient})"

    @property
    def no_gradient(self) -> str | None:
        """Why it has no gradient, or None."""
        plugin = self.ready.plugin
        if not plugin.differentiable:
            return "it is not differentiable"
        reason: str | None = plugin.without_gradient
        return reason

    def __call__(self, images: Tensor) -> Tensor:
        """Return its logits."""
        return self.logits(images)

    def logits(self, images: Tensor, ids: Sequence[str] | None = None) -> Tensor:
        """Return what the classifier `gives`, `[N, K]` float32, finite.

        Raises:
            InputError: If the images require a gradient, and it has none.
            PluginError: If the answer breaks the contract.
        """
        self.require_channels(images)
        if images.requires_grad:
            return self._traced("logits", images)
        plugin, names = self.ready.plugin, ids or positions(len(images))

        def run(index: list[int]) -> list[Tensor]:
            here = named(names, index)
            classes = len(plugin.class_names)
            answer: Tensor = self.ask("logits", here, images[index])
            fault = rows_fault(answer, rows=len(index), columns=classes)
            if fault is None and plugin.gives == "probs":
                fault = probs_fault(answer)
            if fault is not None:
                self.ready.broke(fault, here)
            return [answer.float()]

        return self.blocks(images, names, run, network_rows(plugin, images))[0]

    def features(self, images: Tensor, ids: Sequence[str] | None = None) -> Tensor | None:
        """Return `[N, D]`, or None where the classifier offers none.

        Raises:
            InputError: If the images require a gradient, and it has none.
            PluginError: If the answer breaks the contract.
        """
        self.require_channels(images)
        size = network_rows(self.ready.plugin, images)
        if images.requires_grad:
            # A gradient is computed without the checks: one block has them first.
            there = self.features(images[:size].detach()) is not None
            return self._traced("features", images) if there else None
        names = ids or positions(len(images))

        def run(index: list[int]) -> list[Tensor]:
            here = named(names, index)
            answer: Any = self.ask("features", here, images[index])
            if answer is None and index[0] == 0:
                return []
            fault = rows_fault(answer, rows=len(index), columns=0)
            if fault is not None:
                self.ready.broke(f"features: {fault}", here)
            return [answer]

        blocks = self.blocks(images, names, run, size, what="features")
        return blocks[0] if blocks else None

    def member_probs(self, images: Tensor, ids: Sequence[str] | None = None) -> Tensor | None:
        """Return what its members say, `[M, N, K]` float32 probabilities; None where it has none.

        Raises:
            PluginError: If the answer breaks the contract.
        """
        self.require_channels(images)
        plugin, names = self.ready.plugin, ids or positions(len(images))
        size = network_rows(plugin, images)

        def run(index: list[int]) -> list[Tensor]:
            here = named(names, index)
            answer: Any = self.ask("member_probs", here, images[index])
            if answer is None and index[0] == 0:
                return []
            fault = members_fault(answer, (len(index), len(plugin.class_names)))
            if fault is not None:
                self.ready.broke(fault, here)
            return [answer.float().transpose(0, 1)]  # rows first, as blocks are joined

        blocks = self.blocks(images.detach(), names, run, size, ("members",), "members")
        return blocks[0].transpose(0, 1) if blocks else None

    def head(self, features: Tensor) -> Tensor:
        """Return what it gives for features `[N, D]`, `[N, K]`, differentiable in them.

        Raises:
            InputError: If it offers no such function.
            PluginError: If the answer breaks the contract.
        """
        answer: Any = self.unchecked("head")(features)
        if answer is None:
            raise InputError(
                f"{self.ready.label} does not say what features mean: expected a classifier whose "
                "`head` leads from its features to its answers"
            )
        fault = rows_fault(answer, rows=len(features), columns=len(self.ready.plugin.class_names))
        if fault is not None:
            self.ready.broke(f"head: {fault}")
        values: Tensor = answer.float()
        return values

    def answers(self, images: Tensor) -> Tensor:
        """Return logits `[N, K]` as an attack gets them (log p where it gives probabilities).

        Raises:
            InputError: If it gives labels only.
            PluginError: If the images require a gradient, and the answer has none.
        """
        self.require_channels(images)
        plugin = self.ready.plugin
        if plugin.gives == "labels":
            raise InputError(
                f"{self.ready.label} gives labels only: expected logits or probabilities to "
                "compute a gradient; use a decision-based attack."
            )
        values = in_blocks(self.unchecked("logits"), images, network_rows(plugin, images))
        if images.requires_grad and not values.requires_grad:
            self.ready.lacks_gradient()
        return log_probs(values, values) if plugin.gives == "probs" else values

    def _traced(self, method: str, images: Tensor) -> Tensor:
        """Return what a method gives, differentiable, for a plugin that asks for its gradient."""
        import torch

        plugin = self.ready.plugin
        if self.no_gradient is not None:
            raise InputError(
                f"{self.ready.label} has no gradient ({self.no_gradient}): expected a classifier that is "
                "differentiable, or an attack that needs none"
            )
        call, size = self.unchecked(method), network_rows(plugin, images)

        def checked(block: Tensor) -> Tensor:
            values: Tensor = call(block)
            fault = rows_fault(values, rows=len(block), columns=0)
            if fault is not None:
                self.ready.broke(f"{method}: {fault}")
            return values

        with torch.enable_grad():
            return in_blocks(checked, images, size)
