"""What cannot be attacked with an objective from Python is refused, in one message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch
from toy_alarm import LIMIT, Linear
from toy_line import Line, images_with, rule, victim

import adversity
from adversity import Decide, Predictive
from adversity.errors import DataError, InputError, PluginError

if TYPE_CHECKING:
    from collections.abc import Callable


class Silent(Linear):
    """Says nothing of a margin."""

    name: ClassVar[str] = "silent"

    def decide(self, predictive: Predictive) -> Predictive:
        assert predictive.probs is not None
        return Predictive(accept=predictive.probs[:, 0] > 0)

    def margin(self, predictive: Predictive) -> None:
        return None


class Cut(Linear):
    """Claims a gradient, and has none."""

    def margin(self, predictive: Predictive) -> Any:
        return super().margin(predictive).detach()


class Rough(Linear):
    """Claims no gradient."""

    differentiable: ClassVar[bool] = False


class Local(Linear):
    """Goes by where an image comes from."""

    @property
    def goes_by(self) -> str:
        return "camera"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: adversity.target(Line(), objective="look_sure"), InputError, "expected such a"),
        (lambda: victim("look_good"), InputError, "expected objective misclassify, look_sure or"),
        (lambda: not_last(), InputError, "expected .*linear.* at the end, got .*temperature"),
        (
            lambda: run("pgd", Local()),
            InputError,
            "goes by the answer alone.*goes by camera of the",
        ),
        (lambda: run("pgd", Silent()), InputError, "silent.* does not say by how much it accepts"),
        (lambda: run("pgd", Cut()), PluginError, "linear.*can be differentiated"),
        (lambda: run("pgd", Rough()), InputError, "linear.*it is not differentiable"),
        (lambda: run("pgd", targeted=True), InputError, "expected an untargeted attack, without"),
        (lambda: run("square", probe=3), InputError, "cannot be probed.*queries its victim for"),
        (
            lambda: run("cascade", gate="robust_accuracy >= 0.5"),
            InputError,
            "without gate,.*got gate",
        ),
        (lambda: run("pgd", labels=[7]), DataError, r"7"),
    ],
    ids=[
        "no rule",
        "word",
        "not last",
        "by groups",
        "no margin",
        "cut",
        "rough",
        "targeted",
        "probe",
        "gate",
        "label",
    ],
)
def test_what_cannot_be_is_refused(make: Callable[[], Any], error: Any, message: str) -> None:
    """One message, with what to do."""
    with pytest.raises(error, match=message):
        make()


def not_last() -> Any:
    logits = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    scaler = adversity.create("uncertainty", "temperature_scaling").fit(logits, logits.argmax(1))
    return adversity.target(Line(), rule(Linear()), scaler, objective="look_sure")


def run(name: str, plugin: Decide | None = None, **more: Any) -> Any:
    labels = more.pop("labels", [1])
    call = {key: more.pop(key) for key in ("probe", "gate") if key in more}
    attack = adversity.create("attack", name, eps=0.1, **more)
    image = images_with(torch.tensor([LIMIT + 0.01]))
    return attack(victim("look_sure", plugin), image, labels, **call)


def test_what_needs_no_gradient_needs_no_claim() -> None:
    """A rule without a gradient is attacked by scores."""
    assert bool(run("square", Rough(), queries=200).success.all())
