"""What an attack raises: per-sample losses of logits, safe in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

if TYPE_CHECKING:
    from adversity import Target

__all__ = ["Loss", "gradient_of", "loss_of", "slope_of"]

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


def slope_of(
    logits: torch.Tensor, labels: torch.Tensor, *, loss: Loss, targeted: bool
) -> torch.Tensor:
    """Return `[N, K]`, the gradient of `loss_of` in the logits, in closed form.

    Handed to autograd it saves the graph of the loss, a tenth of a step on a small network.
    Where several classes tie for `margin`, the first is taken.

    Args:
        logits: `[N, K]`.
        labels: `[N]` int64, as in `loss_of`.
        loss: `ce` or `margin`.
        targeted: As in `loss_of`.
    """
    column = labels[:, None]
    others = logits.scatter(1, column, -torch.inf)
    if loss == "ce":
        slope = others.softmax(1)
    else:
        slope = torch.zeros_like(others).scatter_(1, others.argmax(1, keepdim=True), 1.0)
    slope.scatter_(1, column, -1.0)
    return -slope if targeted else slope


def gradient_of(
    target: Target, images: torch.Tensor, labels: torch.Tensor, *, loss: Loss, targeted: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logits `[N, K]` and the gradient of `loss_of` in the images, `[N, C, H, W]`.

    Only the images' gradient is asked for: a plain `backward()` would compute those of the
    weights as well.

    Args:
        target: The victim.
        images: `[N, C, H, W]` float32.
        labels: `[N]` int64, as in `loss_of`.
        loss: `ce` or `margin`.
        targeted: As in `loss_of`.
    """
    point = images.detach().requires_grad_()
    logits = target.logits(point)
    answer = logits.detach()
    slope = slope_of(answer, labels, loss=loss, targeted=targeted)
    (gradient,) = torch.autograd.grad(logits, point, slope)
    return answer, gradient
