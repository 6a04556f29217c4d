"""What an attack raises: per-sample losses of logits, safe in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Self

import torch

from adversity_plugins.attack._shared.dlr import spread_of, spread_slope

if TYPE_CHECKING:
    from adversity import Target

__all__ = [
    "Loss",
    "Rank",
    "gradient_of",
    "likeliest_others",
    "loss_of",
    "pulled_back",
    "slope_of",
]

Loss = Literal["ce", "margin", "dlr"]


class Rank(NamedTuple):
    """What images are worth to an attack: one that fools before any that does not, then the loss.

    Two values and not one: a number added to the loss of what fools would round it, and by the
    loss alone a tie of the highest logits, which fools by the class that comes first, may lose.

    Attributes:
        fooled: `[N]` bool.
        loss: `[N]` floating-point.
    """

    fooled: torch.Tensor
    loss: torch.Tensor

    @classmethod
    def lowest(cls, count: int) -> Self:
        """Return what every image is above."""
        return cls(torch.zeros(count, dtype=torch.bool), torch.full((count,), -torch.inf))

    def above(self, other: Rank) -> torch.Tensor:
        """Return `[N]` bool: worth more than the other; a tie is not."""
        higher = (self.fooled == other.fooled) & (self.loss > other.loss)
        return higher | (self.fooled & ~other.fooled)

    def rows(self, index: torch.Tensor) -> Rank:
        """Return what some images are worth."""
        return Rank(self.fooled[index], self.loss[index])

    def put(self, index: torch.Tensor, other: Rank) -> None:
        """Write down what some images are worth now."""
        self.fooled[index], self.loss[index] = other.fooled, other.loss


def loss_of(
    logits: torch.Tensor,
    labels: torch.Tensor,
    *,
    loss: Loss,
    targeted: bool,
    rivals: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return `[N]` losses to raise.

    `ce` is the logit of the cross-entropy's probability: log sum over k != y of exp z_k, minus
    z_y. It rises exactly where cross-entropy does, and its gradient is that of cross-entropy
    times a positive number, so every step that uses a direction only is the same. Unlike
    cross-entropy's own it does not vanish in float32 when the victim is very sure.

    `dlr` is the margin over the spread of the largest logits, which no scaling or shifting of
    the logits changes; `dlr.py` has it.

    Args:
        logits: `[N, K]`.
        labels: `[N]` int64, the true classes, or the target classes when targeted.
        loss: `ce`; `margin`, max over k != y of z_k - z_y; or `dlr`.
        targeted: Whether the labels are target classes: then the loss has the other sign.
        rivals: `[N]` int64, for labels that are no target classes: the one other class that the loss
            looks at, instead of the best (`margin`: z_rival - z_y).
    """
    if loss == "ce":
        labels, targeted = (labels, targeted) if rivals is None else (rivals, True)
        own = logits.gather(1, labels[:, None]).squeeze(1)
        rest = logits.scatter(1, labels[:, None], -torch.inf).logsumexp(1)
        return own - rest if targeted else rest - own
    up, down = _pair(logits, labels, targeted=targeted, rivals=rivals)
    lead = (logits.gather(1, up) - logits.gather(1, down)).squeeze(1)
    if loss == "margin":
        return lead
    return lead / spread_of(logits, aimed=targeted or rivals is not None)


def slope_of(
    logits: torch.Tensor,
    labels: torch.Tensor,
    *,
    loss: Loss,
    targeted: bool,
    rivals: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return `[N, K]`, the gradient of `loss_of` in the logits, in closed form.

    Handed to autograd it saves the graph of the loss, a tenth of a step on a small network.
    Where several classes tie for the best, the first is taken.

    Args:
        logits: `[N, K]`.
        labels: `[N]` int64, as in `loss_of`.
        loss: `ce`, `margin` or `dlr`.
        targeted: As in `loss_of`.
        rivals: As in `loss_of`.
    """
    if loss == "ce":
        labels, targeted = (labels, targeted) if rivals is None else (rivals, True)
        column = labels[:, None]
        slope = logits.scatter(1, column, -torch.inf).softmax(1).scatter_(1, column, -1.0)
        return -slope if targeted else slope
    up, down = _pair(logits, labels, targeted=targeted, rivals=rivals)
    slope = torch.zeros_like(logits).scatter_(1, up, 1.0).scatter_(1, down, -1.0)
    if loss == "margin":
        return slope
    aimed = targeted or rivals is not None
    spread = spread_of(logits, aimed=aimed)[:, None]
    ratio = (logits.gather(1, up) - logits.gather(1, down)) / spread
    return (slope - ratio * spread_slope(logits, aimed=aimed)) / spread


def gradient_of(
    target: Target,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    loss: Loss,
    targeted: bool,
    rivals: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logits `[N, K]` and the gradient of `loss_of` in the images, `[N, C, H, W]`.

    Only the images' gradient is computed: a plain `backward()` would compute those of the
    weights as well.

    Args:
        target: The victim.
        images: `[N, C, H, W]` float32.
        labels: `[N]` int64, as in `loss_of`.
        loss: `ce`, `margin` or `dlr`.
        targeted: As in `loss_of`.
        rivals: As in `loss_of`.
    """
    point = images.detach().requires_grad_()
    logits = target.logits(point)
    answer = logits.detach()
    slope = slope_of(answer, labels, loss=loss, targeted=targeted, rivals=rivals)
    return answer, pulled_back(logits, point, slope)


def pulled_back(
    answer: torch.Tensor, point: torch.Tensor, slope: torch.Tensor, *, again: bool = False
) -> torch.Tensor:
    """Return the gradient in `point` of an answer with a given slope in the answer.

    The bits are those of `torch.autograd.grad(answer, point, slope)`, which loads symbolic shapes
    at its first call, and that takes longer than many an attack.

    Args:
        answer: `[N, K]`, computed from `point`.
        point: Any shape; requires a gradient.
        slope: `[N, K]`, without a gradient.
        again: Keep the graph for another call.
    """
    (gradient,) = torch.autograd.grad((answer * slope).sum(), point, retain_graph=again)
    return gradient


def likeliest_others(logits: torch.Tensor, labels: torch.Tensor, count: int) -> torch.Tensor:
    """Return `[N, min(count, K - 1)]` int64: the classes other than the label, likeliest first.

    Args:
        logits: `[N, K]`.
        labels: `[N]` int64, the true classes.
        count: How many to return; there are K - 1.
    """
    others = logits.scatter(1, labels[:, None], -torch.inf)
    order = others.argsort(dim=1, descending=True, stable=True)
    return order[:, : min(count, logits.shape[1] - 1)]


def _pair(
    logits: torch.Tensor, labels: torch.Tensor, *, targeted: bool, rivals: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the classes `[N, 1]` whose logits are to rise and to fall."""
    column = labels[:, None]
    if rivals is not None:
        return rivals[:, None], column
    best = logits.scatter(1, column, -torch.inf).argmax(1, keepdim=True)
    return (column, best) if targeted else (best, column)
