"""An attack leaves the host's debugger and coverage alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

import adversity
from adversity.engine.public.attack_call import AttackCall
from adversity_plugins.attack.gradient.pgd import PGD

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

SETTINGS: dict[str, dict[str, Any]] = {
    "apgd": {"eps": 0.01, "steps": 3},
    "auto_attack": {"eps": 0.2},
    "boundary": {"queries": 60},
    "carlini_wagner": {"steps": 3},
    "deepfool": {},
    "fab": {"eps": 0.01, "steps": 2},
    "hop_skip_jump": {"queries": 200},
    "nes": {"eps": 0.1, "queries": 60},
    "pgd": {"eps": 0.01},
    "spatial": {},
    "square": {"eps": 0.1, "queries": 20},
}


def _trace(frame: Any, event: str, arg: Any) -> None:
    """Watch nothing, as cheaply as a trace function can."""


@pytest.fixture(autouse=True)
def _own_trace_function() -> Iterator[None]:
    """Stand in for a debugger, and put back whatever was there."""
    before = sys.gettrace()
    sys.settrace(_trace)
    yield
    sys.settrace(before)


def _is_left(call: Any, network: Any, images: torch.Tensor, labels: torch.Tensor) -> bool:
    call(adversity.target(network), images[:2], labels[:2])
    return sys.gettrace() is _trace


@pytest.mark.parametrize("name", SETTINGS)
def test_3_29_the_trace_function_stays(
    network: Any, images: torch.Tensor, labels: torch.Tensor, name: str
) -> None:
    """Whatever watched the program before the attack watches it afterwards."""
    assert _is_left(adversity.create("attack", name, **SETTINGS[name]), network, images, labels)


class Untraces(PGD):
    """Switches tracing off while it looks whether the victim is dynamic (AutoAttack#88)."""

    name: ClassVar[str] = "untraces"

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        sys.settrace(lambda *_: None)
        target.logits(images)
        sys.settrace(None)
        return super().perturb(target, images, labels, rng)


def test_3_29_the_twin_is_found_out(
    network: Any, images: torch.Tensor, labels: torch.Tensor, ready: Any
) -> None:
    """One that switches it off is seen by the same look."""
    assert not _is_left(AttackCall(ready(Untraces(eps=0.01))), network, images, labels)
