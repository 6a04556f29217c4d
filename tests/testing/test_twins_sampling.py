"""For each check of methods that ask a network several times, one that fails exactly that one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch

from adversity import Predictive, Sampling
from adversity.testing import check_plugin
from adversity.testing.kinds.uncertainty import SamplingBench

if TYPE_CHECKING:
    from collections.abc import Callable


class Shaken(Sampling):
    """The network's answers to the image under a little noise."""

    name: ClassVar[str] = "shaken"
    stochastic: ClassVar[bool] = True
    differentiable: ClassVar[bool] = True

    @property
    def asks_each(self) -> int:
        return 3

    def estimate(self, models: Any, images: Any, rng: Any) -> Predictive:
        members = [self.once(models[0], images, rng.child(k), k) for k in range(3)]
        return Predictive(members=torch.stack(members))

    def once(self, model: Any, images: Any, rng: Any, number: int) -> torch.Tensor:
        noise = 0.05 * rng.normal(tuple(images.shape[1:]))
        return model((images + noise).clamp(0, 1)).double().softmax(1)  # type: ignore[no-any-return]


class Blind(Shaken):
    """Looks at a grey image in the place of its own."""

    differentiable: ClassVar[bool] = False

    def once(self, model: Any, images: Any, rng: Any, number: int) -> torch.Tensor:
        grey = torch.full_like(images, 0.5)
        noise = 0.05 * rng.fresh(["all"] * len(rng)).normal(tuple(images.shape[1:]))
        return super().once(model, grey + noise, rng.fresh(["all"] * len(rng)), number)


class Repeats(Shaken):
    """Takes one draw for all."""

    def estimate(self, models: Any, images: Any, rng: Any) -> Predictive:
        same = [self.once(models[0], images, rng.child(0), 0) for _ in range(3)]
        return Predictive(members=torch.stack(same))


class Leans(Shaken):
    """Doubles what the network gives the first class."""

    def once(self, model: Any, images: Any, rng: Any, number: int) -> torch.Tensor:
        weights = torch.tensor([2.0, 1, 1, 1], dtype=torch.float64)
        probs = super().once(model, images, rng, number) * weights
        return probs / probs.sum(1, keepdim=True)


class LeavesModes(Shaken):
    """Puts the network back into evaluation mode, unless it fails."""

    def once(self, model: Any, images: Any, rng: Any, number: int) -> torch.Tensor:
        [network] = model.networks()
        network[-1].train()  # a linear layer, to which it is all one
        answer = super().once(model, images, rng, number)
        network[-1].eval()
        return answer


class AsksMore(Shaken):
    """Asks once more than it says, and drops what it hears."""

    def estimate(self, models: Any, images: Any, rng: Any) -> Predictive:
        models[0](images)
        return super().estimate(models, images, rng)


class Halved(Shaken):
    """Half of what it says has no gradient."""

    def once(self, model: Any, images: Any, rng: Any, number: int) -> torch.Tensor:
        probs = super().once(model, images, rng, number)
        return (probs + probs.detach()) / 2


TWINS = {
    "images_matter": Blind,
    "members_differ": Repeats,
    "classes_of_the_network": Leans,
    "networks_as_found": LeavesModes,
    "asks_as_it_says": AsksMore,
    "gradient_is_right": Halved,
}


def test_sound_method_passes() -> None:
    """Draws of noise fail nothing."""
    assert check_plugin(Shaken).passed


@pytest.mark.parametrize("name", TWINS)
def test_twin_fails_exactly_its_check(name: str, failed: Callable[..., dict[str, str]]) -> None:
    """The broken twin is found, and nothing else is said against it."""
    assert failed(TWINS[name]).keys() == {name}


def test_every_check_has_a_twin() -> None:
    """No check of the shape goes without a method that it catches."""
    assert {check.name for check in SamplingBench.checks} == set(TWINS)


def test_what_draws_over_the_batch_is_found(failed: Callable[..., dict[str, str]]) -> None:
    """Torch's own dropout, in training mode: its masks are nobody's, and batch norm moves."""

    class Trains(Shaken):
        """Leaves dropout to torch."""

        name: ClassVar[str] = "trains"

        def once(self, model: Any, images: Any, rng: Any, number: int) -> torch.Tensor:
            [network] = model.networks()
            try:
                return model_in_training(network, images)
            finally:
                network.eval()

    found = failed(Trains)
    assert {"same_seed", "answers"} & found.keys()


def model_in_training(network: Any, images: torch.Tensor) -> torch.Tensor:
    """Answer in training mode."""
    return network.train()(images).double().softmax(1)  # type: ignore[no-any-return]
