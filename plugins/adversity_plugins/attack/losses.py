"""What an attack raises: per-sample losses of logits, safe in float32."""

from __future__ import annotations

from typing import Literal

import torch

__all__ = ["Loss", "loss_of"]

Loss = Literal["ce", "margin"]


def loss_of(
    logits: torch.Tensor, labels: torch.Tensor, *, loss: Loss, targeted: bool
) -> torch.Tensor:
    """Return `[N]` losses to raise.

    `ce` is the logit of the cross-entropy's probability: log sum over k != y of exp z_k, minus
    z_y. It rises exactly where cross-entropy does, and its gradient is that of cross-entropy
    times a positive number, so every step that uses a direction only is the same. Unlike
    cross-entropy's own it does not vanish in float32 when the victim is very sure.

    Args:
        logits: `[N, K]`.
        labels: `[N]` int64, the true classes, or the wanted ones when targeted.
        loss: `ce`; or `margin`, max over k != y of z_k - z_y.
        targeted: Whether the labels are wanted: then the loss has the other sign.
    """
    own = logits.gather(1, labels[:, None]).squeeze(1)
    others = logits.scatter(1, labels[:, None], -torch.inf)
    best = others.logsumexp(1) if loss == "ce" else others.amax(1)
    return own - best if targeted else best - own
