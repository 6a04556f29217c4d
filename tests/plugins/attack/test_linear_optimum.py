"""FGSM and PGD reach the exact optimum of linear models, in three norms, with and without box.

The bias makes the victim sure by 300 in logits and more, where the gradient of cross-entropy
itself is zero in float32.

Oracle: worst drop of w . x = eps * |w|_q with 1/p + 1/q = 1, away from the box; with the box
the three closed forms of conftest.py. The tolerance 1e-5 relative is float32 rounding of
stored images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import adversity

if TYPE_CHECKING:
    from collections.abc import Callable

NORMS = ("linf", "l2", "l1")
DUAL = {"linf": 1, "l2": 2, "l1": np.inf}
GOLDEN_W = torch.tensor([3.0, -2.0, 1.0, 0.5]).view(1, 1, 2, 2)


def drop_of(attack: Any, victim: torch.nn.Module, image: torch.Tensor, w: torch.Tensor) -> float:
    """Attack one image of class 0 and return by how much the margin fell, in float64."""
    result = attack(adversity.target(victim), image, torch.zeros(len(image), dtype=torch.int64))
    return float(((image.double() - result.images.double()) * w.double()).sum())


def attacks(norm: str, eps: float) -> dict[str, Any]:
    """FGSM, PGD in one step and PGD in forty steps, all without a random start."""
    make = adversity.create
    return {
        "fgsm": make("attack", "fgsm", norm=norm, eps=eps),
        "pgd-1": make(
            "attack", "pgd", norm=norm, eps=eps, steps=1, step_size=eps, random_start=False
        ),
        "pgd-40": make("attack", "pgd", norm=norm, eps=eps, steps=40, random_start=False),
    }


@pytest.mark.parametrize(
    ("image", "norm", "expected"),
    [
        ((0.5, 0.5, 0.5, 0.5), "linf", 0.65),
        ((0.5, 0.5, 0.5, 0.5), "l2", 0.3774917),
        ((0.5, 0.5, 0.5, 0.5), "l1", 0.30),
        ((0.02, 0.5, 0.5, 0.5), "linf", 0.41),
        ((0.02, 0.5, 0.5, 0.5), "l2", 0.2844994),
        ((0.02, 0.5, 0.5, 0.5), "l1", 0.22),
    ],
)
def test_golden_case_of_the_closed_forms(
    linear: Any, image: tuple[float, ...], norm: str, expected: float
) -> None:
    """w = (3, -2, 1, .5), eps = .1: the drops worked out by hand, in the box and at its edge."""
    point = torch.tensor(image).view(1, 1, 2, 2)
    for name, attack in attacks(norm, 0.1).items():
        found = drop_of(attack, linear(GOLDEN_W, bias=5.0), point, GOLDEN_W)
        assert found == pytest.approx(expected, rel=1e-5), name


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", range(5))
def test_dual_norm_away_from_the_box(linear: Any, norm: str, seed: int) -> None:
    """With room on every side the drop is eps times the dual norm of the weights."""
    rng = np.random.default_rng(seed)
    w = torch.tensor(rng.normal(size=(1, 3, 4, 4)), dtype=torch.float32)
    point = torch.tensor(rng.uniform(0.3, 0.7, size=(1, 3, 4, 4)), dtype=torch.float32)
    expected = 0.1 * float(np.linalg.norm(w.double().numpy().ravel(), DUAL[norm]))
    for name, attack in attacks(norm, 0.1).items():
        found = drop_of(attack, linear(w, bias=300.0), point, w)
        assert found / expected == pytest.approx(1, abs=1e-5), name


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", range(5))
def test_optimum_inside_the_box(
    linear: Any, best_drop: Callable[..., float], norm: str, seed: int
) -> None:
    """With values at the bounds the drop is the optimum over ball and box together."""
    rng = np.random.default_rng(100 + seed)
    w = torch.tensor(rng.normal(size=(1, 3, 4, 4)), dtype=torch.float32)
    point = torch.tensor(rng.uniform(-0.3, 1.3, size=(1, 3, 4, 4)), dtype=torch.float32)
    point = point.clamp(0, 1)
    eps = {"linf": 0.3, "l2": 1.5, "l1": 4.0}[norm]
    expected = best_drop(w, point, eps, norm)
    for name, attack in attacks(norm, eps).items():
        found = drop_of(attack, linear(w, bias=300.0), point, w)
        assert found / expected == pytest.approx(1, abs=1e-5), name


@pytest.mark.parametrize("norm", NORMS)
def test_targeted_attack_climbs_towards_the_wish(linear: Any, norm: str) -> None:
    """Targeted at class 1 of a linear model, PGD makes the same best step as untargeted."""
    w = GOLDEN_W
    point = torch.full((1, 1, 2, 2), 0.5)
    attack = adversity.create(
        "attack", "pgd", norm=norm, eps=0.1, steps=1, step_size=0.1,
        random_start=False, targeted=True, target=1,
    )  # fmt: skip
    expected = 0.1 * float(np.linalg.norm(w.numpy().ravel(), DUAL[norm]))
    assert drop_of(attack, linear(w, bias=300.0), point, w) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_multi_class_radius_decides_success(norm: str) -> None:
    """W = diag(1, 2, -1), b = (.5, 0, 0), x = (1, .4, .2): radii .2333, .3130, .35 by hand.

    Just below its radius no attack can succeed, just above it PGD must.
    """
    radius = {"linf": 0.2333333, "l2": 0.3130495, "l1": 0.35}[norm]
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3, 3))
    with torch.no_grad():
        net[1].weight.copy_(torch.diag(torch.tensor([1.0, 2.0, -1.0])))
        net[1].bias.copy_(torch.tensor([0.5, 0.0, 0.0]))
    # Shifted by a half into the box: the box must not be what limits the attack.
    image = torch.tensor([0.75, 0.45, 0.35]).view(1, 1, 1, 3)
    with torch.no_grad():
        scaled = torch.tensor([1.0, 0.4, 0.2]) - 2 * torch.tensor([0.75, 0.45, 0.35])
        net[1].bias += net[1].weight @ scaled
        net[1].weight.mul_(2)
    labels = torch.tensor([0])
    for factor, succeeds in ((0.99, False), (1.01, True)):
        attack = adversity.create(
            "attack", "pgd", norm=norm, eps=factor * radius / 2, steps=200, loss="margin"
        )
        result = attack(adversity.target(net), image, labels)
        assert bool(result.success[0]) is succeeds
