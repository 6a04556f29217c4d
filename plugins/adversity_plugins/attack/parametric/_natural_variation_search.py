"""Search for the worst weather: points to try, and the worst found for each image."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import torch

from adversity_plugins.attack._shared.losses import Rank, loss_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from adversity import SampleRng, Target

__all__ = ["Range", "Search", "grid_of", "random_of"]

Range = tuple[tuple[float, float], bool]
"""Lowest and highest value, and whether only whole numbers lie between."""


def grid_of(ranges: Sequence[Range], points: int, rows: int) -> Iterator[torch.Tensor]:
    """Yield every combination, `[rows, P]` float64, the same for all rows, lowest first."""
    axes = [_spaced(low, high, points, whole=whole) for (low, high), whole in ranges]
    for point in product(*axes):
        yield torch.tensor(point, dtype=torch.float64).expand(rows, len(ranges))


def _spaced(low: float, high: float, points: int, *, whole: bool) -> list[float]:
    """Return evenly spaced values with both ends; the middle alone for one."""
    if points == 1 or low == high:
        values = [(low + high) / 2]
    else:
        values = [low + (high - low) * step / (points - 1) for step in range(points)]
        values[-1] = high
    return sorted({float(round(value)) for value in values}) if whole else values


def random_of(ranges: Sequence[Range], trials: int, rng: SampleRng) -> Iterator[torch.Tensor]:
    """Yield uniform draws, `[N, P]` float64, row i from sample i's own stream."""
    low = torch.tensor([ends[0] for ends, _ in ranges], dtype=torch.float64)
    high = torch.tensor([ends[1] for ends, _ in ranges], dtype=torch.float64)
    whole = torch.tensor([whole for _, whole in ranges])
    for trial in range(trials):
        share = rng.child(("trial", trial)).uniform((len(ranges),)).double()
        # float32 draws reach neither end's neighbour in float64 by rounding: clamped all the same.
        real = low + share * (high - low)
        counted = (low + share * (high - low + 1)).floor()
        yield torch.where(whole, counted, real).clamp(low, high)


class Search:
    """The worst parameters found for each image; solved images leave with `early_stop`.

    Attributes:
        parameters: Named `[N]` float64.
    """

    def __init__(
        self,
        target: Target,
        images: torch.Tensor,
        labels: torch.Tensor,
        apply: Callable[[torch.Tensor, Mapping[str, torch.Tensor]], torch.Tensor],
        names: Sequence[str],
    ) -> None:
        """Take the samples; `apply` makes images of parameters with these names."""
        count = len(images)
        self.parameters = {name: torch.zeros(count, dtype=torch.float64) for name in names}
        self._worst = Rank.lowest(count)
        self._left = torch.arange(count)
        self._target, self._images, self._labels, self._apply = target, images, labels, apply

    @property
    def over(self) -> bool:
        """Whether every image is solved."""
        return not len(self._left)

    def look(self, values: torch.Tensor, seed: torch.Tensor, *, early_stop: bool) -> None:
        """Ask about one point for each sample that is left.

        Args:
            values: `[N, P]` float64, what varies.
            seed: `[N]` int64, which noise; not used where the degradation draws none.
            early_stop: Whether those that it solves leave.
        """
        left = self._left
        columns = torch.cat([values, seed[:, None].double()], 1)[left]
        point = {name: columns[:, place] for place, name in enumerate(self.parameters)}
        logits = self._target.logits(self._apply(self._images[left], point))
        labels = self._labels[left]
        fooled = logits.argmax(1) != labels
        rank = Rank(fooled, loss_of(logits, labels, loss="margin", targeted=False))
        better = rank.above(self._worst.rows(left))
        self._worst.put(left[better], rank.rows(better))
        for name, chosen in point.items():
            self.parameters[name][left[better]] = chosen[better]
        if early_stop and bool(fooled.any()):
            stays = (~fooled).nonzero().flatten()
            self._left, self._target = left[stays], self._target.rows(stays)
