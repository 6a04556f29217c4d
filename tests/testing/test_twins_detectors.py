"""For each check of detectors, a method that fails exactly that one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch
from pydantic import PrivateAttr

from adversity import Detector, Fitted, State
from adversity.errors import NotFittedError
from adversity.testing import check_plugin
from adversity.testing.kinds.uncertainty import DetectorBench

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np


class Nearest(Fitted, Detector):
    """The distance to the nearest class mean, in the plain metric."""

    name: ClassVar[str] = "nearest"
    fits_on: ClassVar[str] = "features"
    _means: Any = PrivateAttr(default=None)

    def fit(self, data: Any, rng: np.random.Generator) -> State:
        features = torch.cat([block.features for block in data]).double()
        targets = torch.cat([block.targets for block in data])
        means = [features[targets == k].mean(0) for k in range(len(data.class_names))]
        return State({"means": torch.stack(means).numpy()}, {})

    def load(self, state: State) -> None:
        self._means = torch.from_numpy(state.arrays["means"].copy())

    def score(self, features: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        if self._means is None:
            raise NotFittedError("fit it first")
        return (features[:, None].double() - self._means).norm(dim=2).amin(1)


class Familiar(Nearest):
    """The wrong way round."""

    def score(self, features: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        return -super().score(features, logits)


class OfLogits(Nearest):
    """The largest logit: it needs no features."""

    def score(self, features: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        super().score(features, logits)
        return -logits.amax(1)


class OverTheBlock(Nearest):
    """A share of the largest in the block."""

    def score(self, features: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        found = super().score(features, logits)
        return found / found.amax()


class Norm(Detector):
    """How dim the features are; nothing is fitted."""

    name: ClassVar[str] = "norm"

    def score(self, features: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        return -features.norm(dim=1)


class Dimmed(Detector):
    """The energy of what the head says of half of each feature."""

    name: ClassVar[str] = "dimmed"
    needs_head: ClassVar[bool] = True
    _head: Any = PrivateAttr(default=None)

    def take_head(self, head: Any) -> None:
        self._head = head

    def score(self, features: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        return -self._head(features / 2).double().logsumexp(1)


class Slope(Dimmed):
    """How steep that energy is: the head is differentiable, and stored features are leaves."""

    def score(self, features: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        leaf = features.detach().requires_grad_()
        with torch.enable_grad():
            energy = self._head(leaf).double().logsumexp(1).square().sum()
        [slope] = torch.autograd.grad(energy, leaf)
        return -slope.norm(dim=1).double()


class Headless(Dimmed):
    """Says that it needs a head, and asks none."""

    def score(self, features: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        return -features.norm(dim=1)


TWINS = {
    "strange_above_known": Familiar,
    "features_matter": OfLogits,
    "head_matters": Headless,
}


@pytest.mark.parametrize("plugin", [Nearest, Norm, Dimmed, Slope])
def test_sound_method_passes(plugin: Any) -> None:
    """Detectors, fitted and not, fail nothing."""
    assert check_plugin(plugin).passed


@pytest.mark.parametrize("name", TWINS)
def test_twin_fails_exactly_its_check(name: str, failed: Callable[..., dict[str, str]]) -> None:
    """The broken twin is found, and nothing else is said against it."""
    assert failed(TWINS[name]).keys() == {name}


def test_every_check_has_a_twin() -> None:
    """No check of the shape goes without a plugin that it catches."""
    assert {check.name for check in DetectorBench.checks} == set(TWINS)


def test_rows_that_mix_are_found(failed: Callable[..., dict[str, str]]) -> None:
    """What is normalised over the block depends on who stands beside a sample."""
    assert "alone" in failed(OverTheBlock)
