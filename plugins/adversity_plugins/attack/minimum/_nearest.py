"""The nearest failure of each sample: kept while a search goes on, then drawn in along a line.

Every attack that minimises a distance ends here. Nothing is decided from a loss: an image
counts because the victim, queried for exactly that image, gives the answer that is the attack's goal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from adversity import Norm, Target

__all__ = ["Nearest", "lengths", "reached"]

HALVINGS = 20
"""Of the way between the image and its nearest failure: a millionth of it is left."""
_FURTHER = (1.0, 1.001, 1.01, 1.1)
"""How far beyond the point found to look where the answer is not the one that its gradient was
computed with: kernels round otherwise, and a link may have only a surrogate for a gradient."""


def lengths(delta: torch.Tensor, norm: Norm) -> torch.Tensor:
    """Return `[N, 1]` sizes of `[N, D]` rows; row i depends on row i alone, bit for bit."""
    if norm == "linf":
        return delta.abs().amax(1, keepdim=True)
    if norm == "l1":
        return delta.abs().sum(1, keepdim=True)
    return delta.square().sum(1, keepdim=True).sqrt()


def reached(
    logits: torch.Tensor, labels: torch.Tensor, *, targeted: bool, confidence: float = 0.0
) -> torch.Tensor:
    """Return `[N]` bool: the answer is the attack's goal, ahead by `confidence` at least.

    Args:
        logits: `[N, K]`.
        labels: `[N]` int64, the true classes, or the target classes when targeted.
        targeted: Whether the labels are target classes.
        confidence: By how much the answer must lead in logits; a tie is none.
    """
    from adversity_plugins.attack._shared.losses import loss_of

    hit = (logits.argmax(1) == labels) == targeted
    if confidence == 0:
        return hit
    return hit & (loss_of(logits, labels, loss="margin", targeted=targeted) >= confidence)


class Nearest:
    """The nearest failure found so far for each of N samples.

    Attributes:
        start: `[N, C, H, W]` float32 in [0, 1], what the search starts from.
        images: `[N, C, H, W]` float32, the nearest failures; `start` where there is none.
        size: `[N]` float64, how far they are; infinite where there is none.
        norm, target, labels, targeted, confidence: As given.
    """

    def __init__(
        self,
        target: Target,
        start: torch.Tensor,
        labels: torch.Tensor,
        *,
        norm: Norm,
        targeted: bool = False,
        confidence: float = 0.0,
    ) -> None:
        """Begin with nothing found.

        Args:
            target: The victim of exactly these samples.
            start: `[N, C, H, W]` float32 in [0, 1].
            labels: `[N]` int64, the true classes, or the target classes when targeted.
            norm: In which distances count.
            targeted: Whether the labels are target classes.
            confidence: By how much the answer must lead in logits.
        """
        self.start, self.norm = start, norm
        self.images = start.clone()
        self.size = torch.full((len(start),), torch.inf, dtype=torch.float64)
        self.target, self.labels = target, labels
        self.targeted, self.confidence = targeted, confidence

    def offer(self, place: torch.Tensor, images: torch.Tensor, hit: torch.Tensor) -> None:
        """Keep those images that are failures and nearer than what was found before.

        Args:
            place: `[M]` int64, which samples.
            images: `[M, C, H, W]` float32 in [0, 1].
            hit: `[M]` bool, whether the victim's answer is the goal.
        """
        origin = self.start[place].double().flatten(1)
        size = lengths(images.double().flatten(1) - origin, self.norm).squeeze(1)
        better = hit & (size < self.size[place])
        self._take(place[better], images[better])

    def draw_in(self, halvings: int = HALVINGS) -> torch.Tensor:
        """Draw the failures in towards their starts, confirm them and return the images.

        The victim is queried for every image before it is taken: a sample whose failure it
        does not confirm, nor a little further out, comes back as it was.

        Args:
            halvings: Of the way that is left; each costs a query.
        """
        place = self.solved
        end, far = self.images[place], torch.zeros(len(place), dtype=torch.float64)
        self.images[place], self.size[place] = self.start[place], torch.inf
        for factor in _FURTHER:
            left = (far == 0).nonzero().flatten()
            if not len(left):
                break
            images = self._between(place[left], end[left], torch.full_like(far[left], factor))
            hit = self._asked(place[left], images)
            self._take(place[left[hit]], images[hit])
            far[left[hit]] = factor
        # A start that is a failure itself has no way to be drawn in.
        sure = ((far > 0) & (self.size[place] > 0)).nonzero().flatten()
        self._halve(place[sure], end[sure], far[sure], halvings)
        return self.images

    @property
    def solved(self) -> torch.Tensor:
        """Which samples have a failure, `[M]` int64."""
        return self.size.isfinite().nonzero().flatten()

    def ask(self, place: torch.Tensor, images: torch.Tensor) -> None:
        """Offer images of some samples after querying the victim for them.

        Args:
            place: `[M]` int64, which samples.
            images: `[M, C, H, W]` float32 in [0, 1].
        """
        if len(place):
            self.offer(place, images, self._asked(place, images))

    def _halve(
        self, place: torch.Tensor, end: torch.Tensor, far: torch.Tensor, halvings: int
    ) -> None:
        """Bisect between starts that are no failures and confirmed failures at `far`."""
        near = torch.zeros_like(far)
        for _ in range(halvings if len(place) else 0):
            middle = (near + far) / 2
            images = self._between(place, end, middle)
            hit = self._asked(place, images)
            self._take(place[hit], images[hit])
            near, far = torch.where(hit, near, middle), torch.where(hit, middle, far)

    def _take(self, place: torch.Tensor, images: torch.Tensor) -> None:
        """Keep confirmed images, whatever was kept before."""
        origin = self.start[place].double().flatten(1)
        self.images[place] = images
        self.size[place] = lengths(images.double().flatten(1) - origin, self.norm).squeeze(1)

    def _between(self, place: torch.Tensor, end: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
        """Return the images at these shares `[M]` of the distance to `end`, itself at 1.

        In linf only the values that are further than the share move in: the others help at no
        cost.
        """
        start, part = self.start[place].double().flatten(1), share[:, None]
        delta = end.double().flatten(1) - start
        scaled = delta * part
        if self.norm == "linf":
            bound = lengths(delta, "linf") * part
            cut = torch.maximum(torch.minimum(delta, bound), -bound)
            scaled = torch.where(part <= 1, cut, scaled)
        return (start + scaled).clamp(0, 1).float().view_as(end)

    def _asked(self, place: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """Return whether the victim's real answer is the goal, `[M]` bool."""
        labels, victim = self.labels[place], self.target.rows(place)
        if self.confidence == 0:
            return (victim.decisions(images) == labels) == self.targeted
        with torch.no_grad():
            logits = victim.logits(images)
        return reached(logits, labels, targeted=self.targeted, confidence=self.confidence)
