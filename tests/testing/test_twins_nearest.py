"""An attack that looks for the nearest failure, and one that goes half as far again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import pytest
import torch

from adversity import Attack
from adversity_plugins.attack._shared.losses import gradient_of, loss_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity import SampleRng, Target


class Nearest(Attack):
    """Newton's steps to the nearest boundary in l2, as DeepFool takes them."""

    name: ClassVar[str] = "nearest"
    threat: ClassVar[Literal["norm", "minimum", "parametric"]] = "minimum"
    stochastic: ClassVar[bool] = False
    reach: ClassVar[float] = 1.02

    def perturb(
        self, target: Target, images: torch.Tensor, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        delta = torch.zeros_like(images)
        for _ in range(15):
            point = (images + self.reach * delta).clamp(0, 1)
            logits, slope = gradient_of(target, point, labels, loss="margin", targeted=False)
            margin = loss_of(logits, labels, loss="margin", targeted=False)
            size = slope.flatten(1).square().sum(1).clamp_min(1e-12)
            step = (1e-6 - margin).clamp_min(0) / size
            delta += step.view(-1, 1, 1, 1) * slope
        return (images + self.reach * delta).clamp(0, 1)


class HalfAgain(Nearest):
    """Ends half as far again as it must."""

    reach: ClassVar[float] = 1.5


@pytest.mark.parametrize("others", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("cls", "failing"), [(Nearest, set()), (HalfAgain, {"nearest"})])
def test_only_the_distance_is_wrong(
    cls: type[Attack], failing: set[str], others: bool, failed: Callable[..., dict[str, str]]
) -> None:
    """The sound one keeps every promise, the whole kit; its twin fails exactly `nearest`."""
    assert failed(cls, **({} if others else {"only": ["nearest"]})).keys() == failing
