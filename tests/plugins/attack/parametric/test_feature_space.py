"""Feature space: optima in closed form for linear features, and a budget that the core measures."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from pydantic import PrivateAttr
from scipy.optimize import minimize

import adversity
from adversity import Classifier
from adversity.engine.attack.attacking import attack
from adversity.engine.calls.ready import Ready
from adversity.engine.calls.set_up import set_up
from adversity.errors import PluginError
from adversity_plugins.attack.gradient.pgd import PGD
from adversity_plugins.attack.parametric.feature_space import FeatureSpace
from adversity_plugins.classifier.network.small_cnn import SmallCNN

REACHED = 1e-3
"""How much of the optimum of a linear problem may be missing. The attack ends on the line back to
the clean image, which is within 1e-7 of the sphere; float32 images and features cost the rest."""


class Pixels(Classifier):
    """The pixels themselves, seen through a fixed matrix, as features and as logits."""

    name: ClassVar[str] = "pixels"
    size: int = 16
    seed: int | None = None
    answers: bool = False
    scale: float = 1.0
    _matrix: Any = PrivateAttr(default=None)

    def setup(self, device: str) -> None:
        self._matrix = torch.eye(self.size)
        if self.seed is not None:
            drawn = torch.randn(
                self.size, self.size, generator=torch.Generator().manual_seed(self.seed)
            )
            self._matrix += 0.6 * drawn / self.size**0.5
        self._matrix *= self.scale

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(map(str, range(self.size)))

    @property
    def matrix(self) -> torch.Tensor:
        self.setup("cpu")
        found: torch.Tensor = self._matrix
        return found

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1) @ self._matrix.T

    def features(self, images: torch.Tensor) -> torch.Tensor | None:
        return None if self.answers else self.logits(images)


def _ready(cls: type[FeatureSpace] = FeatureSpace, **parameters: Any) -> Ready:
    plugin = cls(**{"early_stop": False, **parameters})
    return set_up(plugin, 'attack "feature_space" (test)', "cpu")


def _run(ready: Ready, network: Any, images: Any, labels: Any, ids: Any = None) -> Any:
    names = ids or [str(row) for row in range(len(images))]
    victim = adversity.target(network).bind(names)
    return attack(ready, victim, images, labels)


@pytest.fixture(scope="module")
def problem() -> tuple[torch.Tensor, torch.Tensor]:
    """Eight images of 4 x 4 in the middle of the box, and a linear victim's weights."""
    generator = torch.Generator().manual_seed(2)
    images = 0.45 + 0.1 * torch.rand(8, 1, 4, 4, generator=generator)
    return images, torch.randn(1, 4, 4, generator=generator)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("answers", [False, True])
def test_linear_features_and_a_linear_victim_have_a_closed_form(
    problem: Any, linear: Any, seed: int, answers: bool
) -> None:
    """max w . d with |A d| <= eps is eps |A^-T w|; a gradient step without the metric misses it."""
    images, weights = problem
    network = Pixels(seed=seed, answers=answers)
    victim, eps = linear(weights, 20.0), 0.1
    labels = torch.zeros(len(images), dtype=torch.int64)
    found = _run(
        _ready(network=network, eps=eps, normalise=False, steps=4, solver_steps=20),
        victim,
        images,
        labels,
    )
    drop = ((images - found.images).double() * weights).flatten(1).sum(1)
    matrix = network.matrix.double()
    optimum = eps * torch.linalg.solve(matrix.T, weights.flatten().double()).norm()
    ratio = drop / optimum
    assert float(ratio.min()) > 1 - REACHED
    assert float(ratio.max()) < 1 + 1e-5
    blind = _run(
        _ready(network=network, eps=eps, normalise=False, steps=4, solver_steps=1),
        victim,
        images,
        labels,
    )
    short = ((images - blind.images).double() * weights).flatten(1).sum(1) / optimum
    assert float(short.max()) < 0.99


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("power", [-100, -60, 40, 64, 100])
def test_the_scale_of_the_features_changes_nothing(
    problem: Any, linear: Any, power: int, normalise: bool
) -> None:
    """With features times a power of two and eps to match, the images are the same to the bit.

    Squares of features of 2 ** 64 and above, and of 2 ** -75 and below, are no float32 numbers.
    """
    images, weights = problem
    labels = torch.zeros(len(images), dtype=torch.int64)
    found = []
    for scale in (1.0, 2.0**power):
        network = Pixels(seed=1, scale=scale)
        eps = 0.1 if normalise else 0.1 * scale
        ready = _ready(network=network, eps=eps, normalise=normalise, steps=4)
        found.append(_run(ready, linear(weights, 20.0), images, labels))
    one, other = found
    assert float((one.images - images).abs().max()) > 0.01
    assert torch.equal(other.images, one.images)
    assert torch.equal(other.norms, one.norms * (1.0 if normalise else 2.0**power))


@pytest.mark.parametrize("eps", [0.3, 0.8, 1.5])
def test_with_the_pixels_as_features_it_is_an_l2_attack(
    linear: Any, best_drop: Any, eps: float
) -> None:
    """The optimum in the ball and the box, as an l2 attack finds it, and with its distance."""
    generator = torch.Generator().manual_seed(5)
    images = torch.rand(6, 1, 4, 4, generator=generator)
    weights = torch.randn(1, 4, 4, generator=generator)
    labels = torch.zeros(6, dtype=torch.int64)
    victim = linear(weights, 20.0)
    found = _run(
        _ready(network=Pixels(), eps=eps, normalise=False, steps=30), victim, images, labels
    )
    optimum = torch.tensor([best_drop(weights, image, eps, "l2") for image in images])
    drop = ((images - found.images).double() * weights).flatten(1).sum(1)
    assert float((drop / optimum).min()) > 1 - REACHED
    assert float((drop / optimum).max()) < 1 + 1e-5
    l2 = (found.images - images).double().flatten(1).norm(dim=1)
    assert torch.allclose(found.norms, l2, atol=1e-6)
    pgd = Ready(PGD(norm="l2", eps=eps, steps=40, early_stop=False), "pgd")
    theirs = ((images - _run(pgd, victim, images, labels).images).double() * weights).flatten(1)
    assert float((drop / theirs.sum(1)).min()) > 1 - REACHED


def test_in_the_box_linear_features_come_near_the_optimum_of_a_solver(linear: Any) -> None:
    """Against SLSQP. Nothing is exact here: pixels at a bound change the metric of the others."""
    generator = torch.Generator().manual_seed(5)
    images = torch.rand(6, 1, 4, 4, generator=generator)
    weights = torch.randn(1, 4, 4, generator=generator)
    labels = torch.zeros(6, dtype=torch.int64)
    network, eps = Pixels(seed=1), 0.6
    matrix, line = network.matrix.double().numpy(), weights.double().flatten().numpy()
    optimum = []
    for image in images.double().flatten(1).numpy():
        room = {
            "type": "ineq",
            "fun": lambda d: eps**2 - (matrix @ d) @ (matrix @ d),
            "jac": lambda d: -2 * matrix.T @ (matrix @ d),
        }
        found = minimize(
            lambda d: line @ d,
            0 * line,
            jac=lambda d: line,
            bounds=[(-x, 1 - x) for x in image],
            constraints=[room],
            method="SLSQP",
            options={"maxiter": 500, "ftol": 1e-12},
        )
        optimum.append(-found.fun)
    made = _run(
        _ready(network=network, eps=eps, normalise=False, steps=10, solver_steps=20),
        linear(weights, 20.0),
        images,
        labels,
    )
    ratio = ((images - made.images).double() * weights).flatten(1).sum(1) / torch.tensor(optimum)
    assert float(ratio.min()) > 0.98
    assert float(ratio.max()) < 1 + 1e-5


class Greedy(FeatureSpace):
    """The broken twin: it goes on after the line search."""

    name: ClassVar[str] = "greedy"

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        found = super().perturb(target, images, labels, rng)
        return (images + 1.01 * (found - images)).clamp(0, 1)


def test_the_core_measures_the_distance_itself(problem: Any, linear: Any) -> None:
    """One hundredth too far is refused with the figure."""
    images, weights = problem
    labels = torch.zeros(len(images), dtype=torch.int64)
    ready = _ready(Greedy, network=Pixels(), eps=0.2, normalise=False, steps=3)
    with pytest.raises(PluginError, match=r"expected distance <= 0.2, got 0.20199"):
        _run(ready, linear(weights, 20.0), images, labels)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda n: torch.full((n,), torch.nan), "expected finite values"),
        (lambda n: torch.full((n,), -1.0), "expected 0 or more, got -1"),
        (lambda n: torch.zeros(n, 1), r"expected shape \[8\], got \[8, 1\]"),
    ],
)
def test_a_distance_that_is_none_is_refused(
    problem: Any, linear: Any, answer: Any, message: str
) -> None:
    """What the plugin calls a distance is checked, too."""

    class Wrong(FeatureSpace):
        """Measure nothing."""

        name: ClassVar[str] = "wrong"

        def distance(self, images: Any, clean: Any) -> Any:
            return answer(len(images))

    images, weights = problem
    labels = torch.zeros(len(images), dtype=torch.int64)
    ready = _ready(Wrong, network=Pixels(), eps=0.2, steps=1)
    with pytest.raises(PluginError, match=message):
        _run(ready, linear(weights, 20.0), images, labels)


def test_what_is_measured_is_said_in_words() -> None:
    """For the report: which features, and whether they are scaled."""
    assert FeatureSpace(network=SmallCNN()).measure == (
        "perceptual distance, l2 between the unit-normalised features of small_cnn"
    )
    plain = FeatureSpace(network=SmallCNN(), normalise=False)
    assert plain.measure == "perceptual distance, l2 between the features of small_cnn"
