"""Plugins in the parameters of plugins: ready to run, checked, and equal by what they are."""

from __future__ import annotations

import pickle
from typing import Any, ClassVar

import pytest
import torch

import adversity
from adversity import (
    Attack,
    Classifier,
    Degradation,
    ImageMetric,
    Metric,
    Plugin,
    Restoration,
    SampleRng,
    Score,
    Uncertainty,
)
from adversity.engine.attack.attacking import attack
from adversity.engine.calls.ready import Ready
from adversity.engine.calls.set_up import set_up
from adversity.errors import InputError, NotFittedError, PluginError
from adversity_plugins.attack.gradient.pgd import PGD
from adversity_plugins.classifier.network.small_cnn import SmallCNN
from adversity_plugins.degradation.noise.gaussian_noise import GaussianNoise
from adversity_plugins.restoration.brighten.gamma_correction import GammaCorrection
from adversity_plugins.uncertainty.score.entropy import Entropy


class Mixture(Degradation):
    """Make images worse in several ways."""

    name: ClassVar[str] = "mixture"
    parts: tuple[Plugin[Degradation], ...]
    then: Plugin[Restoration] | None = None

    def degrade(self, images: torch.Tensor, rng: SampleRng) -> torch.Tensor:
        for number, part in enumerate(self.parts):
            images = part(images, rng.child(number))
        return images if self.then is None else self.then(images)


class TooBright(Degradation):
    """Leave the range."""

    name: ClassVar[str] = "too_bright"

    def degrade(self, images: torch.Tensor, rng: SampleRng) -> torch.Tensor:
        return images + 1


class Centred(Classifier):
    """Give right logits, and features that are centred over the batch."""

    name: ClassVar[str] = "centred"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b", "c")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)[:, :3]

    def features(self, images: torch.Tensor) -> torch.Tensor:
        values = images.flatten(1)
        return values - values.mean(0)


class Held(Attack):
    """Hold plugins of several kinds."""

    name: ClassVar[str] = "held"
    threat = "minimum"
    network: Plugin["classifier"] | None = None  # type: ignore[name-defined]  # noqa: F821
    inner: Plugin[Attack] | None = None
    score: Plugin[Uncertainty] | None = None

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        return images if self.inner is None else self.inner.perturb(target, images, labels, rng)


def _ready(plugin: Any) -> Ready:
    return set_up(plugin, f"{plugin.kind} {plugin.name!r} (test)", "cpu")


@pytest.fixture(scope="module")
def photos() -> torch.Tensor:
    """Six colour images of 8 x 8."""
    return torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def trained(photos: torch.Tensor) -> Any:
    """A small network that was fitted in Python."""
    made = adversity.create("classifier", "small_cnn", epochs=2, width=4)
    return made.fit(photos, torch.tensor([0, 1, 2, 0, 1, 2]))


def test_a_degradation_is_what_its_own_final_call_gives(photos: torch.Tensor) -> None:
    """Two noises and a restoration inside a mixture: the same bytes as one after the other."""
    mixture = Mixture(
        parts=(GaussianNoise(severity=1), GaussianNoise(severity=2)),
        then=GammaCorrection(gamma=0.5),
    )
    rng = SampleRng(seed=0, step="x", ids=list("abcdef"))
    made = _ready(mixture).call.degraded(photos, rng).images
    expected = photos
    for number, severity in enumerate((1, 2)):
        noise = Ready(GaussianNoise(severity=severity), "noise")
        expected = noise.call.degraded(expected, rng.child(number)).images
    gamma = Ready(GammaCorrection(gamma=0.5), "gamma")
    expected = gamma.call.answer(expected, {}, list("abcdef")).images
    assert torch.equal(made, expected)


def test_a_broken_promise_names_the_inner_plugin(photos: torch.Tensor) -> None:
    """What the outer plugin gets has passed the checks of the inner one's kind."""
    ready = _ready(Mixture(parts=(TooBright(),)))
    with pytest.raises(PluginError, match=r'degradation "too_bright".*expected values in'):
        ready.plugin.parts[0](photos, SampleRng(seed=0, step="x", ids=list("abcdef")))


def test_equality_hash_and_pickles_go_by_what_it_is() -> None:
    """Ready or not, copied or made anew: the parameters decide, the inner ones included."""
    one = Mixture(parts=(GaussianNoise(severity=1),))
    same = Mixture(parts=(GaussianNoise(severity=1),))
    other = Mixture(parts=(GaussianNoise(severity=2),))
    _ready(one)
    again = pickle.loads(pickle.dumps(one))
    assert one == same == again
    assert hash(one) == hash(same) == hash(again)
    assert one != other
    assert one.fingerprint != other.fingerprint
    assert one.parameters["parts"] == [
        {
            "uses": "degradation/adversity:gaussian_noise",
            "with": GaussianNoise(severity=1).parameters,
        }
    ]
    with pytest.raises(InputError, match="is not ready to run"):
        again.parts[0]("images", "rng")


def test_outer_plugins_never_share_what_is_ready() -> None:
    """A second outer plugin that is given the first one's parameter binds its own."""
    one = Mixture(parts=(GaussianNoise(severity=1),))
    _ready(one)
    two = Mixture(parts=one.parts)
    with pytest.raises(InputError, match="is not ready to run"):
        two.parts[0].ready()


def test_a_fitted_classifier_gives_logits_features_and_gradients(
    photos: torch.Tensor, trained: Any
) -> None:
    """A fitted object keeps its weights; the answers are those of its own call."""
    network = _ready(Held(network=trained)).plugin.network
    assert torch.equal(network.logits(photos), trained(photos))
    assert len(network.class_names) == 3
    features = network.features(photos)
    assert features.shape == (6, 32)
    alone = network.features(photos[4:5])
    assert torch.equal(alone[0], features[4])
    asked = photos.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network.features(asked).sum(), asked)
    assert float(gradient.abs().max()) > 0


@pytest.mark.parametrize("gradient", [False, True], ids=["plain", "with gradient"])
def test_features_that_depend_on_the_images_beside_are_refused(
    photos: torch.Tensor, gradient: bool
) -> None:
    """The inner plugin is named and its features, though its logits were found right before."""
    network = _ready(Held(network=Centred())).plugin.network
    network.logits(photos)
    with pytest.raises(PluginError, match=r'"centred".*its features by itself'):
        network.features(photos.clone().requires_grad_(gradient))


def test_what_was_never_fitted_is_refused() -> None:
    """By create, which looks it up, and by the engine, which gets the plugin itself."""
    with pytest.raises(NotFittedError, match=r'classifier "small_cnn".*must be fitted'):
        _ready(Held(network=SmallCNN()))
    unfitted = adversity.create("classifier", "small_cnn")
    with pytest.raises(NotFittedError, match="must be fitted first"):
        _ready(Held(network=unfitted))


def test_an_attack_inside_an_attack_keeps_to_its_own_budget(photos: torch.Tensor) -> None:
    """The inner attack sees the outer one's victim, and its own eps is checked."""
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 3))
    with torch.no_grad():
        labels = network(photos).argmax(1)
    victim = adversity.target(network).bind(list("abcdef"))
    made = attack(_ready(Held(inner=PGD(eps=0.05, steps=2))), victim, photos, labels)
    apart = float((made.images - photos).abs().max())
    assert 0.049 < apart <= 0.05 * (1 + 1e-6)


def test_a_score_and_a_metric_may_hold_plugins(photos: torch.Tensor, trained: Any) -> None:
    """A score is called with predictions; a metric is made ready by `create`."""
    probs = trained(photos).double().softmax(1)
    score = _ready(Held(score=Entropy())).plugin.score
    assert score(adversity.Predictive(probs)).shape == (6,)


class Silent(Centred):
    """Give arrays."""

    def logits(self, images: torch.Tensor) -> Any:
        return images.detach().numpy()


def test_what_is_differentiated_must_be_a_tensor(photos: torch.Tensor) -> None:
    """The message says what came, not which attribute the core missed in it."""
    network = _ready(Held(network=Silent())).plugin.network
    with pytest.raises(PluginError, match="logits: expected a tensor, got ndarray"):
        network(photos.clone().requires_grad_())


class Root(GammaCorrection):
    """Say nothing of a gradient."""

    differentiable: ClassVar[bool] = False


def test_a_restoration_is_differentiated_or_refused(photos: torch.Tensor) -> None:
    """The gradient of a square is twice the value; without one nothing is detached in silence."""
    point = (0.1 + photos / 2).requires_grad_()
    then = _ready(Mixture(parts=(), then=GammaCorrection(gamma=2.0))).plugin.then
    (gradient,) = torch.autograd.grad(then(point).sum(), point)
    assert torch.allclose(gradient, 2 * point.detach(), atol=1e-5)
    refusing = _ready(Mixture(parts=(), then=Root(gamma=2.0))).plugin.then
    assert torch.equal(refusing(point.detach()), then(point.detach()))
    with pytest.raises(InputError, match="has no gradient: expected images without one"):
        refusing(point)


class Squared(ImageMetric):
    """The mean square of the difference."""

    name: ClassVar[str] = "squared"
    differentiable: ClassVar[bool] = True

    def measure(self, images: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        return (images - reference).square().flatten(1).mean(1)

    def convention(self) -> dict[str, object]:
        return {}


class Plain(Squared):
    """The same, which says nothing of a gradient."""

    name: ClassVar[str] = "plain"
    differentiable: ClassVar[bool] = False


class Measuring(Score):
    """Hold a metric of images."""

    name: ClassVar[str] = "measuring"
    metric: Plugin[ImageMetric]

    def score(self, predictive: Any) -> torch.Tensor:
        return predictive.mean


def test_an_image_metric_is_measured_and_differentiated(photos: torch.Tensor) -> None:
    """The gradient of a mean square is twice the difference, over the number of values."""
    metric = _ready(Measuring(metric=Squared())).plugin.metric
    point = (photos / 2).requires_grad_()
    values = metric(point, photos)
    assert torch.equal(metric(point.detach(), photos), values.detach())
    assert torch.allclose(values, (photos / 2).double().square().flatten(1).mean(1))
    (gradient,) = torch.autograd.grad(values.sum(), point)
    assert torch.allclose(gradient, -photos / photos[0].numel(), atol=1e-9)
    with pytest.raises(InputError, match="has no gradient: expected images without one"):
        _ready(Measuring(metric=Plain())).plugin.metric(point, photos)


class Perceptual(Metric):
    """Hold a network."""

    name: ClassVar[str] = "perceptual"
    network: Plugin[Classifier]

    def compute(self, table: Any, reference: Any = None) -> Any:
        return {"value": self.network.logits(table)}


def test_a_metric_answers_with_its_network(photos: torch.Tensor, trained: Any) -> None:
    """The network of a metric is called like any other."""
    metric = _ready(Perceptual(network=trained)).plugin
    assert torch.equal(metric.compute(photos)["value"], trained(photos))
