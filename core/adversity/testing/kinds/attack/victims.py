"""What the kit lets an attack work on: a small fixed network, as the chain an attack sees.

The target is itself a module and holds its network as a part, so that an attack that wraps
it in a module of its own reaches the network's mode, as it would a user's.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from adversity.contracts import Classifier
from adversity.contracts.structure import Linear
from adversity.engine.calls.ready import Ready
from adversity.engine.chain.links import Link
from adversity.engine.chain.target import ChainTarget
from adversity.seeding import preserve_global_rng
from adversity.testing.bench.networks import found_state
from adversity.testing.inputs.images import scenes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.contracts import Access, Structure
    from adversity.engine.chain.answer import Answer
    from adversity.engine.chain.watching import Counts

__all__ = [
    "CLASSES",
    "KitTarget",
    "LaidOpen",
    "Sure",
    "Unfeeling",
    "found_state",
    "log_odds",
    "network",
]

CLASSES = 5
"""Of the small network: the targeted difference-of-logits-ratio loss needs four."""
_ROWS = 8
"""Rows of a network's block, always: its kernels must not round otherwise for other batches."""


class _Link:
    """A module from images to logits, as a classifier of the chain."""

    describes = Classifier.describes
    stochastic = False
    differentiable = True
    without_gradient = None
    block_rows = _ROWS

    def __init__(self, module: nn.Module, classes: int, gives: str) -> None:
        self.logits = module
        self.class_names = tuple(f"class_{k}" for k in range(classes))
        self.gives = gives

    def takes_channels(self) -> None:
        """Return None: the module is made for the images."""

    def structure(self) -> Structure | None:
        """Return what the module is made of, where it says so."""
        structure = getattr(self.logits, "structure", None)
        return None if structure is None else structure()


class KitTarget(nn.Module):
    """A victim for N samples, as `adversity.contracts.attack.Target` promises."""

    def __init__(
        self,
        module: nn.Module,
        ids: Sequence[str],
        *,
        classes: int = CLASSES,
        gives: str = "logits",
    ) -> None:
        """Take the network as it is: it is put in no mode here.

        Args:
            module: From `[N, C, H, W]` to logits `[N, K]`.
            ids: N sample ids.
            classes: K.
            gives: `logits`, or `labels` for a victim without anything to differentiate.
        """
        super().__init__()
        self.network = module
        # The container's own mode is that of its network: it must not look as if in training.
        self.training = module.training
        ready = Ready(_Link(module, classes, gives), f"the kit's {type(module).__name__}")
        self._chain = ChainTarget([Link("kit", ready)], ids=ids)

    @property
    def classes(self) -> int:
        """K, the number of classes."""
        return self._chain.classes

    @property
    def ids(self) -> tuple[str, ...]:
        """The samples' ids, in row order."""
        return self._chain.ids

    @property
    def counts(self) -> Counts:
        """What the attack cost each sample."""
        return self._chain.counts

    def logits(self, images: Tensor) -> Tensor:
        """Return logits `[N, K]`, differentiable, and count queries and gradients."""
        return self._chain.logits(images)

    def decisions(self, images: Tensor) -> Tensor:
        """Return the predicted classes `[N]`, and count queries."""
        return self._chain.decisions(images)

    def answer(self, images: Tensor) -> Answer:
        """Return the real answer, as the engine's judge sees it."""
        return self._chain.answer(images)

    def structure(self) -> Structure | None:
        """Return what the victim is made of; None for a network."""
        return self._chain.structure()

    def granted(self, access: Access) -> KitTarget:
        """Return the same victim, of which an attack sees no more than it says it queries."""
        other = KitTarget(self.network, ())
        other._chain = self._chain.granted(access)
        return other

    def forward(self, images: Tensor) -> Tensor:
        """Return the same as `logits`."""
        return self.logits(images)

    def rows(self, index: Any) -> KitTarget:
        """Return the same victim for some rows."""
        other = KitTarget(self.network, ())
        other._chain = self._chain.rows(index)
        return other


def network(channels: int) -> nn.Module:
    """Return a new copy of a small network with fixed weights, for images of any size.

    It is in eval mode but for one dropout that is kept on, as Monte Carlo dropout does (its
    rate is zero: it draws nothing). A part of its weights is frozen. It does not look at the
    last row and column: what an attack drew there stays to be seen.

    Args:
        channels: C of its images.
    """
    # Modules draw their first weights from torch's global generator.
    with preserve_global_rng():
        return deepcopy(_built(channels))


@cache
def _built(channels: int) -> nn.Module:
    draw = np.random.Generator(np.random.Philox(key=[channels, _DRAW]))
    first, kept_on, last = (
        nn.Conv2d(channels, 6, 3, padding=1),
        nn.Dropout(p=0.0),
        nn.Linear(72, CLASSES),
    )
    net = nn.Sequential(
        nn.ZeroPad2d((0, -1, 0, -1)),
        first,
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Dropout(p=0.3),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 8, 3, padding=1),
        nn.ReLU(),
        kept_on,
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        last,
    )
    with torch.no_grad():
        for weight in net.parameters():
            fan = weight[0].numel() if weight.ndim > 1 else 16
            values = draw.normal(size=tuple(weight.shape)) * (2 / fan) ** 0.5
            if weight.ndim == 4:
                # Smooth filters look at shapes, as trained ones do, and noise is averaged away.
                values = 0.4 * values + 2.7 * values.mean((2, 3), keepdims=True)
            weight.copy_(torch.from_numpy(values.astype(np.float32)))
        last.weight.mul_(_SCALE)
    net.eval()
    with torch.no_grad():
        last.bias.sub_(net(scenes(16, channels, 12, 12)).mean(0))
    kept_on.train()
    first.requires_grad_(requires_grad=False)
    return net


_DRAW = 17
"""Which random weights: of two dozen draws, one whose five answers all occur and of which none
is a close call, so that eps of `attack.EPS` fools two samples of three."""
_SCALE = 8.0
"""Of the last layer: with it the logits of the kit's images are 0.3 to 4 apart."""


class LaidOpen(nn.Module):
    """A victim that an attack may look into: five linear scores of images of one size."""

    def __init__(self, size: int) -> None:
        """Draw the weights, always the same.

        Args:
            size: D, the values of an image.
        """
        super().__init__()
        draw = np.random.Generator(np.random.Philox(key=[size, _DRAW]))
        self.weights = torch.from_numpy(draw.normal(size=(CLASSES, size)))
        # Grey gets five equal scores, so that no class is far ahead.
        self.bias = -0.5 * self.weights.sum(1)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Return logits `[N, K]` float32, computed in float64."""
        return (images.double().flatten(1) @ self.weights.T + self.bias).float()

    def structure(self) -> Linear:
        """Return the weights."""
        return Linear(self.weights.numpy(), self.bias.numpy())


class Sure(nn.Module):
    """A network that is very sure of one class for each image: the gap of its logits is 300.

    The softmax of such logits is exactly 0 and 1 in float32, and so is the gradient of
    cross-entropy.
    """

    def __init__(self, module: nn.Module, own: int) -> None:
        """Lift the logit of one class."""
        super().__init__()
        self.module = module
        lift = torch.zeros(CLASSES)
        lift[own] = 300.0
        self.register_buffer("lift", lift)
        self.training = module.training

    def forward(self, images: Tensor) -> Tensor:
        """Return logits `[N, K]`."""
        return self.module(images) + self.lift  # type: ignore[no-any-return]


class Unfeeling(nn.Module):
    """A victim whose logits do not depend on an image that is dark: its gradient is zero."""

    def __init__(self, module: nn.Module) -> None:
        """Take what bright images get."""
        super().__init__()
        self.module = module
        self.training = module.training

    def forward(self, images: Tensor) -> Tensor:
        """Return logits `[N, K]`; the first class for dark images."""
        bright = (images.detach().mean((1, 2, 3)) > 0.3).to(images.dtype)[:, None]
        flat = torch.nn.functional.one_hot(torch.zeros(len(images), dtype=torch.long), CLASSES)
        return bright * self.module(images) + (1 - bright) * flat  # type: ignore[no-any-return]


def log_odds(logits: Tensor, labels: Tensor) -> Tensor:
    """Return `[N]` float64, the log of the odds against the labels: what an attack raises.

    Args:
        logits: `[N, K]`.
        labels: `[N]` int64.
    """
    values = logits.detach().double()
    own = values.gather(1, labels[:, None]).squeeze(1)
    return values.scatter(1, labels[:, None], -torch.inf).logsumexp(1) - own
