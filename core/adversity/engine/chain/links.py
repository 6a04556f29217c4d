"""The links of a chain: how the forward pass runs and what stands in for a missing gradient.

A link that is differentiable is differentiated. One that is not runs as it is forward and
is replaced backward (BPDA: Athalye, Carlini, Wagner, "Obfuscated gradients give a false
sense of security", 2018, section 4): by the plugin's own surrogate, else by the identity,
else, where sizes change, by an antialiased resize.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from adversity.contracts import Degraded, PostHoc, Restoration
from adversity.engine.calls import final_calls
from adversity.engine.calls.blocks import in_blocks, network_rows, padded, spans
from adversity.engine.calls.side import joined
from adversity.engine.chain.answer import log_of
from adversity.errors import InputError, PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from adversity.engine.calls.final_calls import Ready
    from adversity.seeding import SampleRng

__all__ = ["Link", "Rows", "mean_of_draws", "no_answer"]


@dataclass(frozen=True, slots=True)
class Rows:
    """What travels beside the images.

    Attributes:
        ids: Of the samples.
        side: The side information so far.
        streams: What keys the random numbers of each row: its id, or its id and which query of
            an attack it is.
    """

    ids: tuple[str, ...]
    side: Mapping[str, Tensor]
    streams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """One plugin of the chain.

    Attributes:
        step: The step it stands for; keys its random streams.
        ready: The plugin.
    """

    step: str
    ready: Ready

    @property
    def makes(self) -> str:
        """What comes out: `images`, `predictions` or `scores`."""
        return str(self.ready.plugin.makes)

    @property
    def stochastic(self) -> bool:
        """Whether it draws random numbers."""
        return bool(self.ready.plugin.stochastic)

    @property
    def gradient(self) -> str:
        """In words, what the backward pass goes through."""
        plugin = self.ready.plugin
        if isinstance(plugin, PostHoc) or self.makes == "predictions" or plugin.differentiable:
            words = "exact"
        elif self._has_surrogate:
            words = "BPDA (the plugin's surrogate)"
        else:
            words = "BPDA (identity)"
        return words + (" with EOT" if self.stochastic else "")

    @property
    def _has_surrogate(self) -> bool:
        plugin = self.ready.plugin
        return (
            isinstance(plugin, Restoration) and type(plugin).surrogate is not Restoration.surrogate
        )

    def images(self, images: Tensor, rows: Rows, rng: SampleRng) -> tuple[Tensor, Rows]:
        """Run an image link without a gradient, with every check of the final call."""
        if isinstance(self.ready.plugin, Restoration):
            return final_calls.restore(self.ready, images, rows.side, rows.ids)[0], rows
        degraded = final_calls.degrade(self.ready, images, rng)
        return degraded.images, replace(rows, side={**rows.side, **degraded.side})

    def traced(self, images: Tensor, rows: Rows, rng: SampleRng) -> tuple[Tensor, Rows]:
        """Run an image link so that the answer can be differentiated in `images`."""
        plugin = self.ready.plugin
        if plugin.differentiable:
            if isinstance(plugin, Restoration):
                return self._restored(images, rows), rows
            return self._degraded(images, rows, rng)
        real, rows_after = self.images(images.detach(), rows, rng)
        from adversity.engine.chain.straight_through import straight_through

        return straight_through(real, self.stand_in(images, real)), rows_after

    def stand_in(self, images: Tensor, real: Tensor) -> Tensor:
        """Return what is differentiated in the place of an answer, at the answer's size."""
        if self._has_surrogate:
            images = in_blocks(self._named("surrogate"), images, self.ready.plugin.block_rows)
        return _resized(images, real)

    def _restored(self, images: Tensor, rows: Rows) -> Tensor:
        """Differentiate through a restoration; what it needs is taken as constant."""
        import torch

        plugin: Restoration = self.ready.plugin
        parts = []
        for span in spans(len(images), plugin.block_rows):
            cut = slice(span.start, span.stop)
            block = padded(images[cut], plugin.block_rows)
            side = {name: padded(value[cut], len(block)) for name, value in rows.side.items()}
            there = block.detach().to(self.ready.device)
            needs, _ = final_calls.needs_of(self.ready, there, side)
            parts.append(self._named("restore", **needs)(block)[: len(span)])
        return torch.cat(parts)

    def _degraded(self, images: Tensor, rows: Rows, rng: SampleRng) -> tuple[Tensor, Rows]:
        plugin = self.ready.plugin
        parts: list[list[Tensor]] = []
        names: list[str] = []
        for span in spans(len(images), plugin.block_rows):
            block = padded(images[span.start : span.stop], plugin.block_rows)
            here = rows.streams[span.start : span.stop]
            streams = rng.fresh([*here, *here[-1:] * (len(block) - len(here))])
            answer = self._named("degrade", rng=streams)(block)
            degraded = answer if isinstance(answer, Degraded) else Degraded(answer)
            parts.append([degraded.images, *degraded.side.values()])
            parts[-1] = [value[: len(span)].cpu() for value in parts[-1]]
            names = ["images", *degraded.side]
        worse, *side = joined(self.ready, names, parts, rows.ids)
        own_side = dict(zip(names[1:], side, strict=True))
        return worse, replace(rows, side={**rows.side, **own_side})

    def answers(self, images: Tensor) -> Tensor:
        """Run a classifier; return logits `[N, K]` (log p where it gives probabilities)."""
        plugin = self.ready.plugin
        if plugin.gives == "labels":
            raise InputError(
                f"{self.ready.label} gives labels only: expected logits or probabilities to "
                "compute a gradient; use a decision-based attack."
            )
        values = in_blocks(self._named("logits"), images, network_rows(plugin, images))
        if images.requires_grad and not values.requires_grad:
            self.ready.lacks_gradient()
        return _log_probs(values, values) if plugin.gives == "probs" else values

    def calibrated(self, values: Tensor) -> Tensor:
        """Run a calibrator; return log p `[N, K]`, finite, with the logits as surrogate."""
        if not isinstance(self.ready.plugin, PostHoc):
            return values
        return _log_probs(self.probs(values), values)

    def probs(self, values: Tensor) -> Tensor:
        """Run a calibrator; return p `[N, K]` as it gives it, differentiable in `values`."""
        return in_blocks(self._named("calibrate"), values, self.ready.plugin.block_rows)

    def _named(self, method: str, **more: Any) -> Callable[[Tensor], Any]:
        """Return a method that computes on its device and, in what goes wrong, names this link.

        Not the attack, which only queries. Images come back to the CPU; a `Degraded` as it is.
        """

        def call(block: Tensor) -> Any:
            try:
                there = block.to(self.ready.device).contiguous()
                answer = getattr(self.ready.plugin, method)(there, **more)
                return answer if isinstance(answer, Degraded) else answer.cpu()
            except final_calls.BREAKS as error:
                self.ready.guard(error)

        return call


def _resized(stand_in: Tensor, like: Tensor) -> Tensor:
    """Bring a surrogate to the real answer's size; only its gradient is used."""
    import torch

    if stand_in.shape == like.shape:
        return stand_in
    if stand_in.shape[:2] != like.shape[:2]:
        raise PluginError(
            f"expected a surrogate of shape {list(like.shape)}, got {list(stand_in.shape)}"
        )
    return torch.nn.functional.interpolate(
        stand_in, size=like.shape[-2:], mode="bilinear", antialias=True, align_corners=False
    )


def _log_probs(probs: Tensor, incoming: Tensor) -> Tensor:
    """Return log p, finite; rows with a probability of 0 pass the incoming values' gradient."""
    import torch

    from adversity.engine.chain.straight_through import straight_through

    tiny = torch.finfo(torch.float32).tiny
    if bool((probs > tiny).all()):
        return probs.log()
    flat = (probs <= tiny).any(1, keepdim=True)
    value = log_of(probs)
    return torch.where(flat, straight_through(value, incoming), value)


def mean_of_draws(logits: Tensor) -> Tensor:
    """Return log mean p `[N, K]` of draws `[N, M, K]`; in float64, then rounded once."""
    logs = logits.double().log_softmax(2)
    return (logs.logsumexp(1) - math.log(logits.shape[1])).float()


def no_answer(images: Tensor, classes: int) -> Tensor:
    """Return the answer to no images: `[0, K]`, differentiable; K is 1 where it is not known."""
    return images.flatten(1).sum(1, keepdim=True).expand(0, max(classes, 1))
