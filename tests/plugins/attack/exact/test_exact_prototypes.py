"""`exact` on one nearest neighbour: by hand, against a dense grid and a general optimiser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

import adversity
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity_plugins.attack.exact import _prototypes as prototypes
from adversity_plugins.attack.exact._polyhedron import nearest_in
from adversity_plugins.attack.exact.exact import Exact

NORMS = ("linf", "l2", "l1")
ORDER = {"linf": np.inf, "l2": 2, "l1": 1}


def exact(**parameters: Any) -> AttackCall:
    return AttackCall(Ready(Exact(**parameters), 'attack "exact" (test)'))


def nearest(points: Any, labels: Any, side: tuple[int, int]) -> Any:
    """A nearest-neighbour classifier of given points."""
    images = torch.as_tensor(points, dtype=torch.float32).view(-1, 1, *side)
    make = adversity.create("classifier", "nearest_neighbours")
    return make.fit(images, torch.as_tensor(labels))


@pytest.mark.parametrize(("norm", "expected"), [("linf", 0.75), ("l2", 1.0606602), ("l1", 1.5)])
def test_two_points_by_hand(norm: str, expected: float) -> None:
    """a = (0, 0), b = (2, 2), x = (.5, 0), all over four and moved by a quarter into the box.

    The distance to the bisector is (|x - b|^2 - |x - a|^2) / (2 |a - b|_q). 1e-6: float32.
    """
    victim = nearest([[0.25, 0.25], [0.75, 0.75]], [0, 1], (1, 2))
    image = torch.tensor([0.375, 0.25]).view(1, 1, 1, 2)
    found = exact(norm=norm)(adversity.target(victim), image, torch.tensor([0]))
    assert bool(found.success)
    assert float(found.norms[0]) == pytest.approx(expected / 4, abs=1e-6)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", range(4))
def test_nearest_of_a_dense_grid(norm: str, seed: int) -> None:
    """No point of a grid of 601 x 601 that scikit-learn puts elsewhere is nearer; one is as near.

    A cell of another class is convex and wide: within two steps of the nearest failure, in
    each direction, there is a grid point of it.
    """
    draw = np.random.default_rng(seed)
    points = draw.random((12, 2), dtype=np.float32)
    labels = np.arange(12) % 3
    model = KNeighborsClassifier(1).fit(points.astype(float), labels)
    axis = np.linspace(0, 1, 601)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    answers = model.predict(grid)
    images = torch.from_numpy(draw.random((8, 1, 1, 2), dtype=np.float32))
    victim = nearest(points, labels, (1, 2))
    own = victim(images).argmax(1)
    found = exact(norm=norm)(adversity.target(victim), images, own)
    assert bool(found.success.all())
    ends = found.images.flatten(1).numpy().astype(float)
    assert (model.predict(ends) != own.numpy()).all()
    for row, image in enumerate(images.flatten(1).numpy().astype(float)):
        far = np.linalg.norm(grid - image, ORDER[norm], axis=1)[answers != own[row].item()].min()
        assert float(found.norms[row]) <= far + 1e-6
        assert far <= float(found.norms[row]) + 4 / 600


def _by_optimiser(points: Any, labels: Any, image: Any, own: int) -> float:
    """The smallest l2 distance over all cells of other classes, each by SLSQP."""
    mine = points[labels == own]
    best = np.inf
    for b in points[labels != own]:
        walls, levels = 2 * (mine - b), (mine**2).sum(1) - (b**2).sum()
        done = minimize(
            lambda z: ((z - image) ** 2).sum(),
            b,
            jac=lambda z: 2 * (z - image),
            bounds=[(0, 1)] * len(image),
            constraints={
                "type": "ineq",
                "fun": lambda z, w=walls, v=levels: v - w @ z,
                "jac": lambda z, w=walls: -w,
            },
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        )
        best = min(best, float(np.sqrt(done.fun)))
    return best


def test_sixteen_values_against_a_general_optimiser() -> None:
    """In l2 the distance is that of SLSQP on every cell; its accuracy is about 1e-6."""
    draw = np.random.default_rng(7)
    points = draw.uniform(-0.4, 1.4, (30, 16)).clip(0, 1).astype(np.float32)
    labels = np.arange(30) % 3
    victim = nearest(points, labels, (4, 4))
    images = torch.from_numpy(draw.uniform(-0.4, 1.4, (6, 1, 4, 4)).clip(0, 1).astype(np.float32))
    own = victim(images).argmax(1)
    found = exact(norm="l2")(adversity.target(victim), images, own)
    assert bool(found.success.all())
    for row, image in enumerate(images.flatten(1).numpy().astype(float)):
        expected = _by_optimiser(points.astype(float), labels, image, int(own[row]))
        assert float(found.norms[row]) == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", range(5))
def test_the_shortest_vector_is_optimal_by_duality(norm: str, seed: int) -> None:
    """No vector of the polyhedron is shorter: multipliers prove it, found by another programme.

    For multipliers m >= 0 of the walls and of the box, every feasible delta has
    m . (levels - normals delta) >= 0; so |delta| >= -m . levels where |normals^T m|_q <= 1.
    """
    from scipy.optimize import linprog

    draw = np.random.default_rng(seed)
    normals = draw.normal(size=(40, 6))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    inside = draw.uniform(-0.3, 0.3, 6)
    levels = normals @ inside + draw.uniform(0, 0.2, 40)
    low, high = -draw.uniform(0.3, 0.6, 6), draw.uniform(0.3, 0.6, 6)
    delta = nearest_in(normals, levels, low=low, high=high, norm=norm, enough=np.inf)
    assert delta is not None
    assert (normals @ delta <= levels + 1e-9).all()
    assert ((delta >= low) & (delta <= high)).all()
    size = float(np.linalg.norm(delta, ORDER[norm]))
    walls = np.concatenate([normals, np.eye(6), -np.eye(6)])
    values = np.concatenate([levels, high, -low])
    if norm == "l2":
        # The slope of the length is a mix of the walls that hold the point.
        held = np.abs(walls @ delta - values) < 1e-8
        if size > 0:
            from scipy.optimize import nnls

            assert nnls(walls[held].T, -delta / size)[1] < 1e-7
        return
    rows = np.concatenate([walls.T, -walls.T])
    if norm == "l1":
        found = linprog(values, A_ub=rows, b_ub=np.ones(12))
    else:
        # |normals^T m|_1 <= 1, with the absolute values as variables of their own.
        big = np.block([[rows, np.tile(-np.eye(6), (2, 1))], [np.zeros((1, 52)), np.ones((1, 6))]])
        found = linprog(np.concatenate([values, np.zeros(6)]), A_ub=big, b_ub=[0.0] * 12 + [1.0])
    assert -found.fun == pytest.approx(size, abs=1e-7)


@pytest.fixture(scope="module")
def digits() -> tuple[torch.Tensor, torch.Tensor]:
    found = load_digits()
    images = torch.tensor(found.images / 16, dtype=torch.float32)[:, None]
    return images, torch.from_numpy(found.target)


@pytest.fixture(scope="module")
def neighbour(digits: Any) -> Any:
    images, labels = digits
    return adversity.create("classifier", "nearest_neighbours").fit(images[:400], labels[:400])


@pytest.mark.parametrize("norm", NORMS)
def test_digits_fall_and_nothing_nearer_does(digits: Any, neighbour: Any, norm: str) -> None:
    """scikit-learn's answer flips at the returned image, and 0.9999 of the way it does not."""
    images, labels = digits[0][1255:1263], digits[1][1255:1263]
    found = exact(norm=norm)(adversity.target(neighbour), images, labels)
    right = found.start == labels
    assert int(right.sum()) >= 6
    assert torch.equal(found.success, right)
    table = digits[0].flatten(1).numpy().astype(float)
    model = KNeighborsClassifier(1).fit(table[:400], digits[1][:400].numpy())
    starts = table[1255:1263][right]
    ends = found.images.flatten(1).numpy().astype(float)[right]
    truth = labels[right].numpy()
    assert (model.predict(ends) != truth).all()
    assert (model.predict(starts + 0.9999 * (ends - starts)) == truth).all()


def test_a_sample_is_attacked_alike_alone_and_among_others(digits: Any, neighbour: Any) -> None:
    """Alone and backwards it gets the same bytes."""
    images, labels = digits[0][1255:1260], digits[1][1255:1260]
    target, attack = adversity.target(neighbour), exact(norm="l2")
    whole = attack(target, images, labels).images
    assert torch.equal(attack(target, images.flip(0), labels.flip(0)).images.flip(0), whole)
    for k in range(5):
        assert torch.equal(attack(target, images[k : k + 1], labels[k : k + 1]).images[0], whole[k])


def test_nothing_beyond_eps_is_looked_for(digits: Any, neighbour: Any) -> None:
    """With eps the nearer samples get failures as near; the further ones come back."""
    images, labels = digits[0][1255:1265], digits[1][1255:1265]
    target = adversity.target(neighbour)
    free = exact(norm="l2")(target, images, labels)
    eps = float(free.norms[free.success].median()) + 1e-6
    cut = exact(norm="l2", eps=eps)(target, images, labels)
    near = free.success & (free.norms <= eps)
    assert 0 < int(near.sum()) < int(free.success.sum())
    assert torch.equal(cut.success, near)
    assert torch.equal(cut.images[near], free.images[near])
    assert torch.equal(cut.images[~near], images[~near])


@pytest.mark.parametrize("norm", NORMS)
def test_one_point_in_two_classes(norm: str) -> None:
    """Of a point that two classes have, the earlier decides: the later one is no way out."""
    points = [[0.2, 0.2], [0.2, 0.2], [0.9, 0.9]]
    image = torch.tensor([0.25, 0.25]).view(1, 1, 1, 2)
    far = []
    for labels in ([0, 1, 1], [1, 0, 0]):
        victim = nearest(points, labels, (1, 2))
        own = victim(image).argmax(1)
        assert int(own) == labels[0]
        found = exact(norm=norm)(adversity.target(victim), image, own)
        assert bool(found.success)
        far.append(float(found.norms[0]))
    assert far[0] == pytest.approx(far[1], abs=1e-6)
    assert far[0] > 0.2


def test_twin_that_looks_at_one_pair_is_caught(
    digits: Any, neighbour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that crosses one bisector only, as for two points, does not reach other classes."""
    images, labels = digits[0][1255:1265], digits[1][1255:1265]
    target = adversity.target(neighbour)
    true = exact(norm="l2")(target, images, labels)

    def one_wall(normals: Any, levels: Any, **given: Any) -> Any:
        deepest = [int(levels.argmin())]
        return nearest_in(normals[deepest], levels[deepest], **given)

    monkeypatch.setattr(prototypes, "nearest_in", one_wall)
    twin = exact(norm="l2")(target, images, labels)
    assert int(twin.success.sum()) < int(true.success.sum())
