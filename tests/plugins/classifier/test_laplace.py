"""Last-layer Laplace against autograd's Hessian, draws of weights, and laplace-torch 0.3."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

import adversity
from adversity import Classifier
from adversity.engine.calls.set_up import set_up
from adversity.engine.public.create import ClassifierCall
from adversity.errors import DataError, InputError, NotFittedError, WeightsError
from adversity_plugins.classifier.network._laplace_gaussian import gaussian_of
from adversity_plugins.classifier.network.laplace import Laplace

RNG = np.random.default_rng(0)
FEATURES = torch.from_numpy(RNG.normal(size=(60, 4)))
WEIGHT, BIAS = torch.from_numpy(RNG.normal(size=(3, 4))), torch.from_numpy(RNG.normal(size=3))
RNG.integers(0, 3, 60)
OTHERS = torch.from_numpy(2 * RNG.normal(size=(4, 4)))
"""The numbers that were given to laplace-torch 0.3, in float64, with a prior precision of 1.5."""


class Net(Classifier):
    """A last layer on bent pixels: images `[N, 1, 16, 16]` whose first four values count."""

    name: ClassVar[str] = "net"
    scale: float = 1.0
    bent: bool = False
    gives: ClassVar[Any] = "logits"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b", "c")

    def features(self, images: Tensor) -> Tensor:
        return torch.tanh(8 * images.flatten(1)[:, :4] - 4)

    def head(self, features: Tensor) -> Tensor:
        logits = self.scale * (features @ WEIGHT.T.float() + BIAS.float())
        return logits.square() if self.bent else logits

    def logits(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


def net(**parameters: Any) -> Any:
    """Return it, as `adversity.create` would."""
    return ClassifierCall(set_up(Net(**parameters), 'classifier "net"', "cpu"))


def images_of(values: Tensor) -> Tensor:
    """Return images with these features before they are bent, `[N, 4]`."""
    images = torch.full((len(values), 1, 16, 16), 0.5)
    images[:, 0, 0, :4] = ((values + 4) / 8).float()
    return images


SEEN, NEW = images_of(FEATURES.clamp(-4, 4)), images_of(OTHERS.clamp(-4, 4))


def fitted(network: Any = None, images: Tensor = SEEN, **parameters: Any) -> Any:
    """Fit it on these images; labels are not looked at."""
    call = adversity.create("classifier", "laplace", network=network or net(), **parameters)
    return call.fit(images, torch.arange(len(images)) % 3)


def hessian(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return autograd's Hessian of the summed loss in the weights, `[15, 15]`, feature by feature."""
    one = torch.cat([features, torch.ones(len(features), 1)], 1).double()
    layer = torch.cat([weight.T, bias[None]]).double()

    def loss(flat: Tensor) -> Tensor:
        return (one @ flat.view(5, 3)).logsumexp(1).sum()  # what is linear in them has no curvature

    return torch.autograd.functional.hessian(loss, layer.flatten())


def test_it_gives_what_the_library_gives() -> None:
    """laplace-torch 0.3, full: variances and probit of four rows, of which the first is noted."""
    call = fitted(curvature="full", prior_precision=1.5)
    features = torch.tanh(FEATURES.clamp(-4, 4).float().double())
    assert torch.allclose(net().ready.plugin.features(SEEN).double(), features, atol=1e-6)
    state = call.ready.state
    gaussian = gaussian_of(state, "full", 3)
    new = torch.tanh(OTHERS[:1])
    variance = gaussian.covariance(new)[0].diagonal()
    expected = [1.0932239798574512, 1.3994293487799232, 1.0832798642110346]
    # Features go through images in float32.
    np.testing.assert_allclose(variance, expected, rtol=1e-5)
    found = gaussian.probs(new, "probit")[0]
    np.testing.assert_allclose(
        found, [0.396313518135954, 0.017573316369260985, 0.586113165494785], atol=1e-5
    )
    eigenvalues = torch.from_numpy(state.arrays["values"])
    assert float((eigenvalues + 1.5).log().sum()) == pytest.approx(21.500748732405675, rel=1e-6)


def test_full_is_the_inverse_of_autograds_hessian() -> None:
    """Of the loss plus the prior, sandwiched between features; the prior is found by brute force."""
    call = fitted(curvature="full")
    features = net().ready.plugin.features(SEEN)
    curvature = hessian(features, WEIGHT, BIAS)
    precision = float(call.ready.state.arrays["precision"][0])
    new = net().ready.plugin.features(NEW)
    one = torch.cat([new, torch.ones(4, 1)], 1).double()
    jacobian = torch.einsum("nd,kl->nkdl", one, torch.eye(3).double()).reshape(4, 3, 15)
    inverse = torch.linalg.inv(curvature + precision * torch.eye(15))
    expected = jacobian @ inverse @ jacobian.transpose(1, 2)
    found = gaussian_of(call.ready.state, "full", 3).covariance(new.double())
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-8)
    square = float(WEIGHT.square().sum() + BIAS.square().sum())

    def lost(log: float) -> float:
        d = math.exp(log)
        return d * square - 15 * log + float(torch.logdet(curvature + d * torch.eye(15)))

    best = minimize_scalar(lost, bounds=(-8, 8), method="bounded", options={"xatol": 1e-10})
    assert precision == pytest.approx(math.exp(best.x), rel=1e-4)


def test_kronecker_is_exact_where_all_answers_are_alike_and_near_elsewhere() -> None:
    """A network that always says the same has one curvature of its softmax for all images."""
    dull = {
        structure: fitted(net(scale=1e-9), curvature=structure, prior_precision=0.7)
        for structure in ("kronecker", "full")
    }
    features = net().ready.plugin.features(NEW).double()
    one, other = (
        gaussian_of(call.ready.state, structure, 3).covariance(features)
        for structure, call in dull.items()
    )
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
    sharp = {
        structure: gaussian_of(
            fitted(curvature=structure, prior_precision=0.7).ready.state, structure, 3
        ).covariance(features)
        for structure in ("kronecker", "full")
    }
    assert not torch.allclose(sharp["kronecker"], sharp["full"], rtol=0.01)
    assert torch.allclose(sharp["kronecker"], sharp["full"], rtol=1)


def test_draws_are_the_mean_over_weights_and_probit_is_near() -> None:
    """Over 40 000 weights drawn from the Gaussian itself; 4000 draws of logits err by 0.01 at most."""
    call = fitted(curvature="full", predictive="draws", draws=4000, prior_precision=0.5)
    features = net().ready.plugin.features(SEEN)
    precision = hessian(features, WEIGHT, BIAS) + 0.5 * torch.eye(15)
    root = torch.linalg.cholesky(torch.linalg.inv(precision))
    noise = torch.randn(40_000, 15, generator=torch.Generator().manual_seed(1)).double()
    layers = torch.cat([WEIGHT.T, BIAS[None]]).flatten() + noise @ root.T
    one = torch.cat([net().ready.plugin.features(NEW), torch.ones(4, 1)], 1).double()
    expected = torch.einsum("nd,sdk->snk", one, layers.view(-1, 5, 3)).softmax(2).mean(0)
    np.testing.assert_allclose(call(NEW), expected, atol=0.02)
    probit = fitted(curvature="full", prior_precision=0.5)
    np.testing.assert_allclose(probit(NEW), expected, atol=0.08)  # an approximation
    plain = net()(NEW).softmax(1)
    assert (call(NEW).amax(1) < plain.amax(1)).all()


def test_far_from_what_was_seen_it_is_less_sure() -> None:
    """Along one direction the network is ever surer; a half of the seen images makes it less so."""
    half = fitted(images=SEEN[:6], prior_precision=1.0)
    assert (half(NEW).amax(1) < fitted(prior_precision=1.0)(NEW).amax(1)).all()
    assert float(fitted(prior_precision=1e9)(NEW).sub(net()(NEW).softmax(1)).abs().max()) < 1e-6


@pytest.mark.parametrize("structure", ["kronecker", "full"])
def test_a_weight_of_two_is_two_images(structure: str) -> None:
    """Curvature and evidence count it so."""
    twice = fitted(images=torch.cat([SEEN, SEEN[:20]]), curvature=structure)
    weights = np.r_[np.full(20, 2.0), np.ones(40)]
    call = adversity.create("classifier", "laplace", network=net(), curvature=structure)
    call = call.fit(SEEN, torch.arange(60) % 3, weights=weights)
    assert torch.allclose(call(NEW), twice(NEW), atol=1e-6)
    ours, theirs = (c.ready.state.info["log_evidence"] for c in (call, twice))
    assert ours == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("predictive", ["probit", "draws"])
def test_an_attack_goes_through_it(predictive: str) -> None:
    """The gradient is that of finite differences."""
    call = fitted(predictive=predictive, draws=5, prior_precision=0.5)
    images = NEW.clone().requires_grad_(True)
    call.ready.call.logits(images)[:, 0].sum().backward()
    step = torch.zeros_like(NEW)
    step[:, 0, 0, 1] = 1e-2
    with torch.no_grad():
        rise = call(NEW + step)[:, 0].double() - call(NEW - step)[:, 0].double()
    np.testing.assert_allclose(images.grad[:, 0, 0, 1], rise / 2e-2, atol=2e-3, rtol=2e-2)
    labels = call(NEW).argmax(1)
    found = adversity.create("attack", "pgd", eps=0.2)(adversity.target(call), NEW, labels)
    assert found.success.any()


def test_what_it_cannot_stand_on_is_refused() -> None:
    """No fit, no logits, no features, a bent head, too many weights, another network's state."""
    bare = Laplace(network=net())
    with pytest.raises(NotFittedError, match="expects a last layer that was fitted, got none"):
        bare.logits(NEW)
    tree = adversity.create("classifier", "decision_tree").fit(SEEN[:6], [0, 1] * 3)
    with pytest.raises(InputError, match=r"expects a network that gives logits, .* gives probs"):
        fitted(tree)
    lines = adversity.create("classifier", "logistic_regression").fit(SEEN[:6], [0, 1] * 3)
    with pytest.raises(InputError, match=r"expects a network with features, .* offers none"):
        fitted(lines)
    with pytest.raises(InputError, match=r"up to .* off, where all vary by"):
        fitted(net(bent=True))
    state = fitted().ready.state
    with pytest.raises(WeightsError, match="expects a stored Gaussian"):
        gaussian_of(state, "full", 3)
    with pytest.raises(WeightsError, match="of a network with 4 classes, got another"):
        gaussian_of(state, "kronecker", 4)
    gaussian = gaussian_of(state, "kronecker", 3)
    with pytest.raises(WeightsError, match="fitted on 4 features, got 5"):
        gaussian.covariance(torch.zeros(1, 5).double())


def test_held_out_labels_choose_the_prior() -> None:
    """Their loss is least there among precisions twice as large and as small, and less than plain."""
    labels = (net()(SEEN).softmax(1) + torch.eye(3)[torch.arange(60) % 3] * 0.6).argmax(1)
    held = {"images": SEEN[30:], "labels": labels[30:]}
    call = adversity.create("classifier", "laplace", network=net())
    call = call.fit(SEEN[:30], labels[:30], class_names=["a", "b", "c"], sources={"validate": held})
    found = call.ready.state.info["prior_precision"]
    assert found != pytest.approx(fitted(images=SEEN[:30]).ready.state.info["prior_precision"])
    losses = [
        adversity.metrics.nll(
            probs=fitted(images=SEEN[:30], prior_precision=found * by)(SEEN[30:]),
            labels=labels[30:],
        ).value
        for by in (1, 2, 0.5)
    ]
    assert losses[0] < min(losses[1:])
    call = adversity.create("classifier", "laplace", network=net())
    with pytest.raises(DataError, match="validate: with the classes of the network, a, b, c, got"):
        call.fit(SEEN[:30], labels[:30], class_names=["x", "y", "z"], sources={"validate": held})


def test_a_prior_that_the_images_do_not_bound_says_so() -> None:
    """Of weights that are all next to 0 the best precision is infinite."""
    note = fitted(net(scale=1e-9)).ready.state.info["note"]
    assert note.startswith("the best prior_precision is 1e+06")
