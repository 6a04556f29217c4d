"""For each check of regressors, one that fails exactly that one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch
from pydantic import PrivateAttr

from adversity import Fitted, Predictive, Regressor, State
from adversity.errors import NotFittedError
from adversity.registry.claims import claim_faults
from adversity.testing import check_plugin
from adversity.testing.kinds.regressor import RegressorBench

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np


class Brightness(Regressor):
    """The mean of an image and its contrast."""

    name: ClassVar[str] = "brightness"

    @property
    def target_names(self) -> tuple[str, ...]:
        return ("mean", "contrast")

    def predict(self, images: torch.Tensor) -> Predictive:
        flat = images.double().flatten(1)
        return Predictive(mean=torch.stack([flat.mean(1), flat.var(1)], 1))


class Nameless(Brightness):
    """Calls two numbers the same."""

    @property
    def target_names(self) -> tuple[str, ...]:
        return ("mean", "mean")


class Constant(Brightness):
    """Looks at nothing."""

    def predict(self, images: torch.Tensor) -> Predictive:
        return Predictive(mean=torch.ones(len(images), 2))


class Tensorial(Brightness):
    """Tells the report a tensor."""

    def describe(self) -> dict[str, Any]:
        return {"weights": torch.zeros(2)}


class Centroid(Fitted, Regressor):
    """A line through the centre of brightness, and the variance of what is left."""

    name: ClassVar[str] = "centroid"
    _learnt: Any = PrivateAttr(default=None)
    _names: tuple[str, ...] = PrivateAttr(default=())

    def _centre(self, images: torch.Tensor) -> torch.Tensor:
        grey = images.double().mean(1)
        grey = grey - grey.amin((1, 2), keepdim=True) + 1e-3
        mass = grey.sum((1, 2))
        down = torch.arange(grey.shape[1]).double()
        right = torch.arange(grey.shape[2]).double()
        y, x = (grey.sum(2) @ down) / mass, (grey.sum(1) @ right) / mass
        return torch.stack([y, x, torch.ones_like(x)], 1)

    def fit(self, data: Any, rng: np.random.Generator) -> State:
        centre = torch.cat([self._centre(block.images) for block in data])
        targets = torch.cat([block.targets for block in data])
        line = torch.linalg.lstsq(centre, targets).solution
        left = (targets - centre @ line).var(0)
        return State(
            {"line": line.numpy(), "variance": left.numpy()}, {"names": list(data.target_names)}
        )

    def load(self, state: State) -> None:
        self._learnt = {k: torch.from_numpy(v.copy()) for k, v in state.arrays.items()}
        self._names = tuple(state.info["names"])

    @property
    def target_names(self) -> tuple[str, ...]:
        return self._names

    def predict(self, images: torch.Tensor) -> Predictive:
        if self._learnt is None:
            raise NotFittedError("fit it first")
        mean = (self._centre(images)[:, :, None] * self._learnt["line"]).sum(1)
        return Predictive(mean=mean, variance=self._learnt["variance"].expand(len(images), -1))


class Swapped(Centroid):
    """Takes rows for columns, but knows how wrong it is."""

    def fit(self, data: Any, rng: np.random.Generator) -> State:
        state = super().fit(data, rng)
        line, variance = state.arrays["line"], state.arrays["variance"]
        return State({"line": line[:, ::-1].copy(), "variance": variance + 3000}, state.info)


class Spread(Centroid):
    """Gives a standard deviation and calls it a variance."""

    def predict(self, images: torch.Tensor) -> Predictive:
        said = super().predict(images)
        assert said.variance is not None
        return Predictive(mean=said.mean, variance=said.variance.sqrt())


class Silent(Centroid):
    """Does not say how sure it is."""

    def predict(self, images: torch.Tensor) -> Predictive:
        return Predictive(mean=super().predict(images).mean)


TWINS = {
    "numbers_are_named": Nameless,
    "images_matter": Constant,
    "facts_are_json": Tensorial,
    "learns": Swapped,
    "variance_is_of_errors": Spread,
}


@pytest.mark.parametrize("plugin", [Brightness, Centroid, Silent])
def test_sound_regressor_passes(plugin: Any) -> None:
    """Fixed and fitted ones that keep their promises fail nothing, with a variance or without."""
    assert check_plugin(plugin).passed


@pytest.mark.parametrize("name", TWINS)
def test_twin_fails_exactly_its_check(name: str, failed: Callable[..., dict[str, str]]) -> None:
    """The broken twin is found, and nothing else is said against it."""
    assert failed(TWINS[name]).keys() == {name}


def test_every_check_has_a_twin() -> None:
    """No check of the kind goes without a plugin that it catches."""
    assert {check.name for check in RegressorBench.checks} == set(TWINS)


class Bare(Brightness):
    """Gives the numbers themselves."""

    def predict(self, images: torch.Tensor) -> Any:
        return super().predict(images).mean


class Narrow(Brightness):
    """Gives one number where it names two."""

    def predict(self, images: torch.Tensor) -> Predictive:
        return Predictive(mean=images.mean((1, 2, 3))[:, None])


class Certain(Brightness):
    """Knows it without any noise."""

    def predict(self, images: torch.Tensor) -> Predictive:
        said = super().predict(images)
        assert said.mean is not None
        return Predictive(mean=said.mean, variance=torch.zeros_like(said.mean))


class Blended(Brightness):
    """Subtracts the mean of all images of the block."""

    def predict(self, images: torch.Tensor) -> Predictive:
        said = super().predict(images)
        assert said.mean is not None
        return Predictive(mean=said.mean - said.mean.mean(0))


@pytest.mark.parametrize(
    ("plugin", "says"),
    [
        (Bare, "expected a Predictive with a mean, got Tensor"),
        (Narrow, "mean: expected shape"),
        (Certain, "variance: expected values above 0, got 0"),
        (Blended, "work on each row by itself"),
    ],
)
def test_broken_answers_are_found(
    plugin: Any, says: str, failed: Callable[..., dict[str, str]]
) -> None:
    """The final call refuses them, in the kit as in a run."""
    assert any(says in message for message in failed(plugin).values())


def test_a_regressor_that_learns_from_answers_is_refused() -> None:
    """There is no table of numbers to learn from."""

    class Stacked(Centroid):
        fits_on: ClassVar[Any] = "logits"

    assert any('fits_on = "images"' in fault for fault in claim_faults(Stacked))
    assert not list(claim_faults(Centroid))
