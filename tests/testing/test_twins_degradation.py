"""For each check of degradations, one that fails exactly that one; `Fade` fails none (test_twins_common.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from kit_subjects import Fade

from adversity.testing.kinds.degradation import DegradationBench

if TYPE_CHECKING:
    from collections.abc import Callable


class Upside(Fade):
    """Gets weaker with severity."""

    levels: ClassVar[Any] = {"amount": (0.5, 0.4, 0.3, 0.2, 0.1)}


class AnyParameters(Fade):
    """Takes a severity and physical parameters together."""

    def _one_way_to_say_how_much(self) -> Any:
        return self


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
    "gradient_is_right": HalfAGradient,
    "bounds_are_felt": ClampedFade,
}


@pytest.mark.parametrize("name", TWINS)
def test_twin_fails_exactly_one_check(name: str, failed: Callable[..., dict[str, str]]) -> None:
    """Breaking one promise fails the check of that promise and no other."""
    assert failed(TWINS[name]).keys() == {name}


def test_no_check_lacks_a_twin() -> None:
    """Each check of degradations has a twin that fails it."""
    assert {check.name for check in DegradationBench.checks} == set(TWINS)
