"""The final call of a method that asks a network several times for each image."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from adversity.contracts import Predictive
from adversity.engine.calls.blocks import padded, spans
from adversity.engine.calls.final_call import FinalCall, named
from adversity.engine.calls.log_probs import log_probs
from adversity.engine.calls.model import Heard
from adversity.engine.calls.networks import Found
from adversity.engine.calls.ready import BREAKS
from adversity.shapes import probs_fault, rows_fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from adversity.engine.calls.model import ClassifierModel
    from adversity.seeding import SampleRng

__all__ = ["SamplingCall", "members_fault"]


class SamplingCall(FinalCall):
    """`predictive = sampling(models, images, rng)`."""

    @property
    def gradient(self) -> str:
        """In words, what a backward pass goes through."""
        plugin = self.ready.plugin
        if not plugin.differentiable:
            return "none (it is not differentiable)"
        asks = plugin.asks_each
        many = "all" if asks is None else f"all {asks}"
        return f"exact, through {many} of its draws, which are new for each query"

    def __call__(
        self, models: Sequence[ClassifierModel], images: Tensor, rng: SampleRng
    ) -> Predictive:
        """Return `probs` `[N, K]` and `members` `[M, N, K]`, float32; the networks are as found.

        Args:
            models: One or more, of the same classes.
            images: `[N, C, H, W]` float32 in [0, 1].
            rng: Row i for image i.

        Raises:
            PluginError: If the answer breaks the contract, or a network is left changed.
        """
        for model in models:
            model.meet(images, rng.ids)
        with self._as_found(models):
            probs, members = self._sampled(models, images, rng)
        return Predictive(probs, members=members.transpose(0, 1))

    def answers(self, models: Sequence[ClassifierModel], images: Tensor, rng: SampleRng) -> Tensor:
        """Return log p `[N, K]` float32 as an attack gets it, differentiable in the images.

        The probabilities are those that the method gives for these draws, in float64 where its
        own are. Where one is 0, a row passes the gradient of the mean log p of the draws.

        Args:
            models: As for the call, which has met such images.
            images: `[N, C, H, W]` float32 in [0, 1].
            rng: Row i for image i.

        Raises:
            PluginError: If the answer breaks the contract, has no gradient where one is needed, or
                a network is left changed.
        """
        import torch

        size = max(model.rows(images) for model in models)
        with self._as_found(models):
            parts = [
                self._sought(models, images[cut], rng.fresh(rng.ids[cut]), size)
                for cut in (slice(s.start, s.stop) for s in spans(len(images), size))
            ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _sought(
        self, models: Sequence[ClassifierModel], images: Tensor, rng: SampleRng, size: int
    ) -> Tensor:
        """Return log p `[N, K]` of up to one block."""
        import torch

        heard = tuple(map(Heard, models))
        ids = (*rng.ids, *rng.ids[-1:] * (size - len(images)))
        block = padded(images, size).to(self.ready.device).contiguous()
        try:
            with torch.set_grad_enabled(block.requires_grad):
                said: object = self.ready.plugin.estimate(heard, block, rng.fresh(ids))
        except BREAKS as error:
            self.ready.guard(error, rng.ids)
        probs = self._checked(said, (size, models[0].classes), rng.ids)[0]
        if block.requires_grad and not probs.requires_grad:
            self.ready.lacks_gradient()
        exact = probs.dtype == torch.float64
        logs = log_probs(probs, heard[0].logs(probs), exact=exact)
        return logs.float().cpu()[: len(images)]

    @contextmanager
    def _as_found(self, models: Sequence[ClassifierModel]) -> Iterator[None]:
        """Leave the networks as they are, also when something raises; refuse what changed them."""
        found = Found([network for model in models for network in model.networks()])
        try:
            yield
        finally:
            changed = found.put_back()
        if changed:
            self.ready.broke(
                f"expected the networks as they were found, it left other {' and '.join(changed)}; "
                "put back what it changes, in a `finally`"
            )

    def _sampled(
        self, models: Sequence[ClassifierModel], images: Tensor, rng: SampleRng
    ) -> list[Tensor]:
        """Return probabilities `[N, K]` and members, rows first, `[N, M, K]`."""

        def run(index: list[int]) -> list[Tensor]:
            here = named(rng.ids, index)
            answer = self._estimated(models, images[index], rng, index)
            probs, members = self._checked(answer, (len(index), models[0].classes), here)
            return [probs.float(), members.float().transpose(0, 1)]

        size = max(model.rows(images) for model in models)
        return self.blocks(images, rng.ids, run, size, ("probabilities", "members"))

    def _estimated(
        self, models: Sequence[ClassifierModel], images: Tensor, rng: SampleRng, index: list[int]
    ) -> object:
        """Call the method on a copy of a block; each row draws from the start of its own stream."""
        import torch

        ids = [rng.ids[i] for i in index]
        there = images.to(self.ready.device).contiguous()
        copy = there.clone()
        try:
            with torch.no_grad():
                answer: object = self.ready.plugin.estimate(tuple(models), copy, rng.fresh(ids))
        except BREAKS as error:
            self.ready.guard(error, named(rng.ids, index))
        if not torch.equal(copy, there):
            self.ready.broke("it changed the images in place; expected them to be left alone", ids)
        return answer

    def _checked(self, answer: object, shape: tuple[int, int], ids: Sequence[str]) -> list[Tensor]:
        """Return the answer, in float64 if it is the members' mean, and `[M, N, K]` members."""
        members = answer.members if isinstance(answer, Predictive) else None
        if members is None:
            what = "none" if isinstance(answer, Predictive) else type(answer).__name__
            self.ready.broke(f"expected a Predictive with members, got {what}", ids)
        probs = answer.probs if isinstance(answer, Predictive) else None
        fault = members_fault(_values(members), shape)
        if fault is None and probs is not None:
            values = _values(probs)
            fault = rows_fault(values, rows=shape[0], columns=shape[1]) or probs_fault(values)
        if fault is not None:
            self.ready.broke(fault, ids)
        return [members.double().mean(0) if probs is None else probs, members]


def _values(given: Any) -> Any:
    """Return a tensor without its gradient, which no check needs; anything else as it is."""
    import torch

    return given.detach() if isinstance(given, torch.Tensor) else given


def members_fault(members: object, shape: tuple[int, int]) -> str | None:
    """Say what is wrong with members, expected `[M, N, K]` probabilities, or None."""
    import torch

    rows, classes = shape
    if not isinstance(members, torch.Tensor):
        return f"expected a tensor of members, got {type(members).__name__}"
    if members.ndim != 3 or tuple(members.shape[1:]) != shape or not len(members):
        return f"expected members of shape [M, {rows}, {classes}], got {list(members.shape)}"
    flat = members.flatten(0, 1)
    fault = rows_fault(flat, rows=len(flat), columns=classes) or probs_fault(flat)
    return None if fault is None else f"members: {fault}"
