"""Transform learning: planted transforms are found, and the objective never grows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from adversity_plugins.restoration.denoise._transform import learnt, sparse
from adversity_plugins.restoration.denoise.transform_learning import TransformLearning


def planted(size: int, count: int) -> tuple[Tensor, Tensor]:
    """Return an orthonormal transform and patches `[size, count]` with two coefficients each."""
    draw = np.random.default_rng(0)
    transform = np.linalg.qr(draw.normal(size=(size, size)))[0]
    codes = np.zeros((size, count))
    for column in range(count):
        rows = draw.choice(size, 2, replace=False)
        codes[rows, column] = draw.choice([-1, 1], 2) * draw.uniform(0.5, 1, 2)
    return torch.from_numpy(transform), torch.from_numpy(transform.T @ codes)


def objective(transform: Tensor, patches: Tensor, limit: float, weight: float) -> float:
    """Return what is minimised, at the best codes for a transform, by singular values."""
    values = (transform @ patches).numpy()
    small = np.abs(values) <= limit
    sizes = np.linalg.svd(transform.numpy(), compute_uv=False)
    penalty = weight * ((sizes**2).sum() / 2 - np.log(sizes).sum())
    return float((values[small] ** 2).sum() + limit**2 * (~small).sum() + penalty)


def test_a_planted_transform_is_found() -> None:
    """From the nearest orthonormal one to it and noise: each row again, to a part in a million."""
    size = 12
    truth, patches = planted(size, 3000)
    noise = torch.randn(size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    left, _, right = torch.linalg.svd(truth + 0.15 * noise)
    start = left @ right
    assert float((start @ truth.T).diagonal().min()) < 0.9
    found = learnt(patches, start, limit=0.25, weight=1.0, rounds=60)
    rows = found / found.norm(dim=1, keepdim=True)
    assert float((rows @ truth.T).abs().amax(1).min()) > 0.999999


def test_no_turn_makes_the_objective_larger() -> None:
    """Both turns are minima in closed form. Tolerance: the rounding of sums over 24 000 values."""
    _, patches = planted(12, 2000)
    noise = torch.randn(patches.shape, generator=torch.Generator().manual_seed(2)).double()
    patches = patches + 0.1 * noise
    start = torch.eye(12, dtype=torch.float64)
    values = [
        objective(learnt(patches, start, limit=0.3, weight=20.0, rounds=r), patches, 0.3, 20.0)
        for r in range(15)
    ]
    assert all(b <= a * (1 + 1e-12) for a, b in pairwise(values))
    assert values[-1] < 0.8 * values[0]


def test_the_closed_form_is_a_minimum() -> None:
    """One turn's gradient, by autograd, is 0 in W where the codes are fixed."""
    _, patches = planted(8, 500)
    start = torch.eye(8, dtype=torch.float64)
    codes = sparse(patches, 0.2)
    found = learnt(patches, start, limit=0.2, weight=5.0, rounds=1).requires_grad_()
    cost = ((found @ patches - codes) ** 2).sum()
    cost = cost + 5.0 * ((found**2).sum() / 2 - torch.linalg.slogdet(found).logabsdet)
    (gradient,) = torch.autograd.grad(cost, found)
    assert float(gradient.abs().max()) < 1e-9


def test_conditioning_keeps_it_near_the_cosines(noisy: Tensor) -> None:
    """A large weight holds all singular values at 1; a small one lets them part."""
    image = noisy[0, :1].double()
    spreads = []
    for share in (10.0, 0.01):
        transform = TransformLearning(conditioning=share)._learnt(image, 0.1)
        sizes = torch.linalg.svdvals(transform)
        spreads.append(float(sizes.max() / sizes.min()))
    assert spreads[0] < 1.1 < spreads[1]
