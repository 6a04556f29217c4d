"""For each check of degradations, one that fails exactly that one; `Fade` fails none (test_twins_common.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from kit_subjects import Fade
from pydantic import Field

from adversity import Degradation, Degraded
from adversity.testing import check_plugin
from adversity.testing.kinds.degradation import DegradationBench

if TYPE_CHECKING:
    from collections.abc import Callable


class Shaken(Degradation):
    """Blur each image along a row, by a number of pixels of its own: sound."""

    name: ClassVar[str] = "shaken"
    stochastic: ClassVar[bool] = True

    def degrade(self, images: Any, rng: Any) -> Any:
        import torch

        size = 2 * int(rng.integers(0, 4)[0]) + 1
        kernel = torch.zeros(1, 1, size, size)
        kernel[..., size // 2, :] = 1 / size
        planes = images.transpose(0, 1)
        blurred = torch.nn.functional.conv2d(planes, kernel, padding="same").transpose(0, 1)
        return Degraded(blurred.clamp(0, 1), {"kernel": kernel})


class Upside(Fade):
    """Gets weaker with severity."""

    levels: ClassVar[Any] = {"amount": (0.5, 0.4, 0.3, 0.2, 0.1)}


class AnyParameters(Fade):
    """Takes a severity and physical parameters together."""

    def _one_way_to_say_how_much(self) -> Any:
        return self


class Tinted(Fade):
    """Takes contrast and brightness away: sound, with two physical parameters."""

    levels: ClassVar[Any] = {
        "amount": (0.1, 0.2, 0.3, 0.4, 0.5),
        "shade": (0.05, 0.1, 0.15, 0.2, 0.25),
    }

    shade: float | None = Field(default=None, ge=0, le=1)

    def degrade(self, images: Any, rng: Any) -> Any:
        return super().degrade(images, rng) * (1 - self.level("shade"))


class OneAlone(Tinted):
    """Takes one of two physical parameters alone, and makes up the other."""

    def _one_way_to_say_how_much(self) -> Any:
        if self.severity is None and self.amount is not None and self.shade is None:
            return self
        return super()._one_way_to_say_how_much()


class HalfAGradient(Fade):
    """Hands on half of the gradient."""

    def degrade(self, images: Any, rng: Any) -> Any:
        return super().degrade((images + images.detach()) / 2, rng)


class ClampedFade(Fade):
    """Limits its input with torch.clamp, which has no derivative at 0 and 1."""

    def degrade(self, images: Any, rng: Any) -> Any:
        return super().degrade(images.clamp(0, 1), rng)


TWINS = {
    "severity_goes_further": Upside,
    "one_way_to_say_how_much": AnyParameters,
    "parameters_go_together": OneAlone,
    "gradient_is_right": HalfAGradient,
    "bounds_are_felt": ClampedFade,
}


def test_kernels_may_differ_from_image_to_image() -> None:
    """The core pads them, and a sample's kernel counts as the same whatever it is padded to."""
    assert check_plugin(Shaken).passed


@pytest.mark.parametrize("name", TWINS)
def test_twin_fails_exactly_one_check(name: str, failed: Callable[..., dict[str, str]]) -> None:
    """Breaking one promise fails the check of that promise and no other."""
    assert failed(TWINS[name]).keys() == {name}


def test_parameters_that_go_together_pass() -> None:
    """A degradation that refuses one of its two parameters alone keeps that promise."""
    outcome = check_plugin(Tinted)
    messages = {each.check: each.message for each in outcome.outcomes}
    assert "2 ways" in messages["parameters_go_together"]


def test_no_check_lacks_a_twin() -> None:
    """Each check of degradations has a twin that fails it."""
    assert {check.name for check in DegradationBench.checks} == set(TWINS)
