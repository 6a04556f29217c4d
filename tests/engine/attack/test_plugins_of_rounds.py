"""Plugins that the rounds of an attack call: each is set up once, the round's own as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch
from pydantic import PrivateAttr

import adversity
from adversity import Attack, AttackInRounds, Degradation, Norm, Plugin
from adversity.engine.calls.set_up import set_up
from adversity.engine.public.attack_call import AttackCall

if TYPE_CHECKING:
    from collections.abc import Mapping

EPS = 1.0


class Bright(Degradation):
    """Every value is what `setup` made of the shade."""

    name: ClassVar[str] = "bright"
    shade: float = 1.0
    _shade: float | None = PrivateAttr(default=None)

    def setup(self, device: str) -> None:
        super().setup(device)
        assert self._shade is None, "set up twice"
        self._shade = self.shade

    def degrade(self, images: Any, rng: Any) -> Any:
        return torch.full_like(images, self._shade)


class Weather(Attack):
    """What its degradation makes of the images."""

    name: ClassVar[str] = "weather"
    norm: Norm = "linf"
    eps: float = EPS
    degradation: Plugin[Degradation]

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        return self.degradation(images, rng)


class WeatherInRounds(AttackInRounds):
    """Its own degradation, then one that only the round has."""

    name: ClassVar[str] = "weather_in_rounds"
    norm: Norm = "linf"
    eps: float = EPS
    degradation: Plugin[Degradation]

    def rounds(self) -> Mapping[str, Attack]:
        own = {"norm": self.norm, "eps": self.eps}
        return {
            "shared": Weather(**own, degradation=self.degradation),
            "of its own": Weather(**own, degradation=Bright(shade=0.75)),
        }


class FirstValue(torch.nn.Module):
    """Class 1 where the first value is above 0.9, else class 0, the surer the farther."""

    def forward(self, images: Any) -> Any:
        """Return two logits."""
        lead = images[:, 0, 0, 0] - 0.9
        return torch.stack([-lead, lead], 1)


IDS = ["a", "b", "c", "d", "e"]
IMAGES = torch.zeros(5, 1, 2, 2)
LABELS = torch.tensor([0, 0, 0, 0, 1])
"""The last is wrong from the start."""


@pytest.mark.parametrize(("shade", "solved_by"), [(1.0, 1), (0.5, 0)])
def test_the_plugins_of_a_round_are_ready(shade: float, solved_by: int) -> None:
    """A round calls the plugin of the whole and one of its own, each set up once."""
    whole = WeatherInRounds(degradation=Bright(shade=shade))
    ready = set_up(whole, 'attack "weather_in_rounds" (test)', "cpu")
    result = AttackCall(ready)(adversity.target(FirstValue()), IMAGES, LABELS, ids=IDS)
    assert result.parameters["solved_by"].tolist()[:4] == [solved_by] * 4
    assert torch.equal(result.images[:4], torch.full((4, 1, 2, 2), max(shade, 0.75)))
