"""`exact` on linear classifiers: closed forms, golden values, and no attack that comes nearer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

import adversity
from adversity import Classifier
from adversity.contracts.structure import Linear
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity_plugins.attack.exact import _linear as linear
from adversity_plugins.attack.exact.exact import Exact

NORMS = ("linf", "l2", "l1")


class Laid:
    """A linear classifier that is laid open, as a link of a chain."""

    describes = Classifier.describes
    gives, stochastic, differentiable, block_rows = "logits", False, True, 4

    def __init__(self, weights: Any, bias: Any) -> None:
        self.weights, self.bias = np.asarray(weights, float), np.asarray(bias, float)
        self.class_names = tuple(f"class_{k}" for k in range(len(self.bias)))

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        rows = images.double().flatten(1)
        return (rows @ torch.from_numpy(self.weights).T + torch.from_numpy(self.bias)).float()

    def structure(self) -> Linear:
        return Linear(self.weights, self.bias)

    def takes_channels(self) -> None:
        """Any number, which None says."""


def victim(weights: Any, bias: Any) -> Any:
    return adversity.target(SimpleNamespace(ready=Ready(Laid(weights, bias), "linear")))


def exact(**parameters: Any) -> AttackCall:
    return AttackCall(Ready(Exact(**parameters), 'attack "exact" (test)'))


@pytest.fixture(scope="module")
def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """The digits of 8 x 8 in [0, 1]: 1255 to fit on, then others."""
    found = load_digits()
    images = torch.tensor(found.images / 16, dtype=torch.float32)[:, None]
    return images, torch.from_numpy(found.target)


@pytest.fixture(scope="module")
def regression(digits: Any) -> Any:
    images, labels = digits
    return adversity.create("classifier", "logistic_regression").fit(images[:1255], labels[:1255])


@pytest.mark.parametrize(
    ("norm", "expected"), [("linf", 0.2333333), ("l2", 0.3130495), ("l1", 0.35)]
)
def test_golden_radius_of_three_classes(norm: str, expected: float) -> None:
    """W = diag(1, 2, -1), b = (.5, 0, 0), x = (1, .4, .2): radii by hand, halved into the box.

    Tolerance 1e-6: rounding to float32 and the step over the boundary.
    """
    weights, bias = np.diag([1.0, 2.0, -1.0]), np.array([0.5, 0.0, 0.0])
    # x = 2 u - (.5, .4, .5) with u = (.75, .4, .35) inside the box.
    shift = np.array([0.5, 0.4, 0.5])
    image = torch.tensor([0.75, 0.4, 0.35]).view(1, 1, 1, 3)
    found = exact(norm=norm)(victim(2 * weights, bias - weights @ shift), image, torch.tensor([0]))
    assert bool(found.success)
    assert float(found.norms[0]) == pytest.approx(expected / 2, abs=1e-6)


@pytest.mark.parametrize(
    ("image", "norm", "drop"),
    [
        ((0.5, 0.5, 0.5, 0.5), "linf", 0.65),
        ((0.5, 0.5, 0.5, 0.5), "l2", 0.3774917),
        ((0.5, 0.5, 0.5, 0.5), "l1", 0.30),
        ((0.02, 0.5, 0.5, 0.5), "linf", 0.41),
        ((0.02, 0.5, 0.5, 0.5), "l2", 0.2844994),
        ((0.02, 0.5, 0.5, 0.5), "l1", 0.22),
    ],
)
def test_golden_drops_at_the_edge_of_the_box(
    image: tuple[float, ...], norm: str, drop: float
) -> None:
    """w = (3, -2, 1, .5): a margin of the drop at eps = .1 falls at distance .1 exactly.

    The drops are given to seven digits and divided by slopes of up to 6.5: 1e-6.
    """
    w = np.array([3.0, -2.0, 1.0, 0.5])
    point = np.array(image)
    target = victim([w, 0 * w], [drop - w @ point, 0.0])
    found = exact(norm=norm)(target, torch.tensor(image).view(1, 1, 2, 2), torch.tensor([0]))
    assert float(found.norms[0]) == pytest.approx(0.1, abs=1e-6)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", range(6))
def test_nearest_rival_inside_the_box(best_drop: Any, norm: str, seed: int) -> None:
    """With values at the bounds the distance is where the best drop first eats up a margin.

    Oracle: the optimum over ball and box, written independently, and a root of it for each
    rival. Tolerance 2e-6 relative: rounding 16 values to float32.
    """
    draw = np.random.default_rng(seed)
    classes = 2 + seed % 3
    weights, bias = draw.normal(size=(classes, 16)), draw.normal(size=classes)
    point = draw.uniform(-0.3, 1.3, 16).clip(0, 1).astype(np.float32)
    image = torch.from_numpy(point).view(1, 1, 4, 4)
    scores = weights @ point.astype(float) + bias
    own = int(scores.argmax())
    radii = []
    for k in set(range(classes)) - {own}:
        normal, gap = weights[own] - weights[k], scores[own] - scores[k]
        whole = best_drop(normal, point, 16.0, norm)
        if whole > gap:
            radii.append(
                brentq(
                    lambda eps, d=normal, g=gap: best_drop(d, point, eps, norm) - g,
                    0, 16, xtol=1e-13,
                )
            )  # fmt: skip
    found = exact(norm=norm)(victim(weights, bias), image, torch.tensor([own]))
    assert bool(found.success[0]) is bool(radii)
    if radii:
        assert float(found.norms[0]) == pytest.approx(min(radii), rel=2e-6)
        assert float(found.norms[0]) >= min(radii) * (1 - 1e-9)
    else:
        assert torch.equal(found.images, image)


@pytest.mark.parametrize("norm", NORMS)
def test_scikit_learn_itself_falls_and_a_hair_before_it_does_not(
    digits: Any, regression: Any, norm: str
) -> None:
    """At the returned point `predict` flips; at 0.9999 of the way it does not."""
    images, labels = digits
    table = images.flatten(1).numpy().astype(np.float64)
    fitted = LogisticRegression(max_iter=10_000).fit(table[:1255], labels[:1255].numpy())
    some, wanted = images[1255:1295], labels[1255:1295]
    found = exact(norm=norm)(adversity.target(regression), some, wanted)
    right = found.start == wanted
    assert int(right.sum()) >= 30
    assert torch.equal(found.success, right)
    ends = found.images.flatten(1).numpy().astype(np.float64)[right]
    starts, truth = table[1255:1295][right], wanted.numpy()[right]
    assert (fitted.predict(ends) != truth).all()
    assert (fitted.predict(starts + 0.9999 * (ends - starts)) == truth).all()


def test_linear_svm_of_two_classes(digits: Any) -> None:
    """With two classes the l2 distance is |f| / |w| away from the box, and `predict` flips."""
    images, labels = digits
    pair = labels < 2
    images, labels = 0.25 + 0.5 * images[pair], labels[pair]
    machine = adversity.create("classifier", "linear_svm").fit(images[30:], labels[30:])
    table = images.flatten(1).numpy().astype(np.float64)
    fitted = LinearSVC(max_iter=10_000, dual=False).fit(table[30:], labels[30:].numpy())
    found = exact(norm="l2")(adversity.target(machine), images[:30], labels[:30])
    far = np.abs(fitted.decision_function(table[:30])) / np.linalg.norm(fitted.coef_)
    right = found.success.numpy()
    assert right.sum() >= 28
    # 64 values of which none meets the box: |f| / |w| is short beside the room of 0.25.
    assert np.abs(found.norms.numpy() - far)[right].max() < 1e-6
    ends = found.images.flatten(1).numpy().astype(np.float64)
    assert (fitted.predict(ends) != labels[:30].numpy())[right].all()


@pytest.mark.parametrize(
    "norm", ["linf", *(pytest.param(n, marks=pytest.mark.slow) for n in ("l2", "l1"))]
)
def test_no_attack_comes_nearer(digits: Any, regression: Any, norm: str) -> None:
    """PGD never succeeds at 0.999 of the exact distance, and at 1.01 of it, aimed well, it does.

    Aimed at the class in which the exact failure lies, PGD climbs one linear slope.
    """
    images, labels = digits[0][1255:1265], digits[1][1255:1265]
    target = adversity.target(regression)
    found = exact(norm=norm)(target, images, labels)
    rows = found.success.nonzero().flatten().tolist()
    assert len(rows) >= 8
    for row in rows:
        one = slice(row, row + 1)
        rival = int(regression(found.images[one]).argmax(1))
        plain = {"norm": norm, "steps": 60, "loss": "margin"}
        for factor, aim, falls in (
            (0.999, {}, False),
            (0.999, {"targeted": True, "target": rival, "random_start": False}, False),
            (1.01, {"targeted": True, "target": rival, "random_start": False}, True),
        ):
            eps = factor * float(found.norms[row])
            attack = adversity.create("attack", "pgd", eps=eps, **plain, **aim)
            after = attack(target, images[one], labels[one])
            assert bool(after.prediction[0] != labels[row]) is falls, (row, factor, aim)


@pytest.mark.parametrize("norm", NORMS)
def test_a_sample_is_attacked_alike_alone_and_among_others(
    digits: Any, regression: Any, norm: str
) -> None:
    """Alone, backwards and twice it gets the same bytes, and it asks the victim twice or so."""
    images, labels = digits[0][1255:1275], digits[1][1255:1275]
    target, attack = adversity.target(regression), exact(norm=norm)
    whole = attack(target, images, labels)
    assert int(whole.queries.max()) <= 4
    back = attack(target, images.flip(0), labels.flip(0)).images.flip(0)
    twice = attack(target, torch.cat([images, images]), torch.cat([labels, labels])).images
    alone = torch.cat(
        [attack(target, images[k : k + 1], labels[k : k + 1]).images for k in range(20)]
    )
    for other in (back, twice[:20], twice[20:], alone):
        assert torch.equal(other, whole.images)


def test_nothing_beyond_eps_is_looked_for(digits: Any, regression: Any) -> None:
    """With eps the nearer samples get the same images and the further ones come back."""
    images, labels = digits[0][1255:1275], digits[1][1255:1275]
    target = adversity.target(regression)
    free = exact()(target, images, labels)
    eps = float(free.norms[free.success].median()) + 1e-6
    cut = exact(eps=eps)(target, images, labels)
    near = free.success & (free.norms <= eps)
    assert 0 < int(near.sum()) < int(free.success.sum())
    assert torch.equal(cut.success, near)
    assert torch.equal(cut.images[near], free.images[near])
    assert torch.equal(cut.images[~near], images[~near])


def test_twin_that_does_not_push_is_caught(
    digits: Any, regression: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that stops on the boundary, where float32 rounds to either side, ends further away."""
    images, labels = digits[0][1255:1295], digits[1][1255:1295]
    target = adversity.target(regression)
    true = exact(norm="l2")(target, images, labels)
    monkeypatch.setattr(linear, "PUSHES", (0.0,))
    twin = exact(norm="l2")(target, images, labels)
    lost = true.success & (~twin.success | (twin.norms > true.norms + 1e-3))
    assert int(lost.sum()) > 3


def test_twin_that_forgets_the_box_is_caught(
    digits: Any, regression: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that clips after the closed form needs more than twice the distance, or fails."""
    images, labels = digits[0][1255:1275], digits[1][1255:1275]
    target = adversity.target(regression)
    true = exact(norm="l2")(target, images, labels)

    def boxless(points: Any, normals: Any, gaps: Any, *, norm: str) -> Any:
        return normals * (gaps / normals.square().sum(1))[:, None]

    monkeypatch.setattr(linear, "to_hyperplane", boxless)
    twin = exact(norm="l2")(target, images, labels)
    assert int(twin.success.sum()) < int(true.success.sum())
