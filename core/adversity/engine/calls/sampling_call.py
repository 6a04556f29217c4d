"""The final call of a method that asks a network several times for each image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Predictive
from adversity.engine.calls.final_call import FinalCall, named
from adversity.engine.calls.networks import Found
from adversity.engine.calls.ready import BREAKS
from adversity.shapes import probs_fault, rows_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.engine.calls.model import ClassifierModel
    from adversity.seeding import SampleRng

__all__ = ["SamplingCall"]


class SamplingCall(FinalCall):
    """`predictive = sampling(models, images, rng)`."""

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
        found = Found([network for model in models for network in model.networks()])
        try:
            probs, members = self._sampled(models, images, rng)
        finally:
            changed = found.put_back()
        if changed:
            self.ready.broke(
                f"expected the networks as they were found, it left other {' and '.join(changed)}; "
                "put back what it changes, in a `finally`"
            )
        return Predictive(probs, members=members.transpose(0, 1))

    def _sampled(
        self, models: Sequence[ClassifierModel], images: Tensor, rng: SampleRng
    ) -> list[Tensor]:
        """Return probabilities `[N, K]` and members, rows first, `[N, M, K]`."""

        def run(index: list[int]) -> list[Tensor]:
            here = named(rng.ids, index)
            answer = self._estimated(models, images[index], rng, index)
            return self._checked(answer, (len(index), models[0].classes), here)

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
        """Return the answer and its members, rows first; the answer is their mean if not given."""
        members = answer.members if isinstance(answer, Predictive) else None
        if members is None:
            what = "none" if isinstance(answer, Predictive) else type(answer).__name__
            self.ready.broke(f"expected a Predictive with members, got {what}", ids)
        probs = answer.probs if isinstance(answer, Predictive) else None
        fault = _members_fault(members, shape)
        if fault is None and probs is not None:
            fault = rows_fault(probs, rows=shape[0], columns=shape[1]) or probs_fault(probs)
        if fault is not None:
            self.ready.broke(fault, ids)
        mean = members.double().mean(0) if probs is None else probs
        return [mean.float(), members.float().transpose(0, 1)]


def _members_fault(members: object, shape: tuple[int, int]) -> str | None:
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
