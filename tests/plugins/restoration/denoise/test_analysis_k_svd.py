"""Analysis K-SVD: planted rows are found, projections are NumPy's, and learning helps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from adversity_plugins.restoration.denoise._analysis import (
    neighbour_differences,
    patchwise_at,
    pursued,
    turned,
)
from adversity_plugins.restoration.denoise.analysis_k_svd import AnalysisKSVD

LIKE = torch.zeros(1, dtype=torch.float64)


def planted(count: int, noise: float = 0.01) -> tuple[Tensor, Tensor, Tensor]:
    """Return random rows `[24, 16]`, patches in 4 dimensions that 12 rows are orthogonal to, those."""
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(24, 16))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    patches, orthogonal = np.zeros((count, 16)), np.zeros((count, 24), bool)
    for place in range(count):
        chosen = draw.choice(24, 12, replace=False)
        free = np.linalg.svd(rows[chosen])[2][12:]
        patches[place] = draw.normal(size=4) @ free
        patches[place] /= np.linalg.norm(patches[place])
        orthogonal[place, chosen] = True
    patches += noise * draw.normal(size=patches.shape)
    return torch.from_numpy(rows), torch.from_numpy(patches), torch.from_numpy(orthogonal)


def test_the_first_rows_are_differences_of_neighbours() -> None:
    """112 of norm 1 and mean 0; a patch in two flat halves is orthogonal to all but eight."""
    rows = neighbour_differences(LIKE)
    assert rows.shape == (112, 64)
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(112).double())
    assert float(rows.sum(1).abs().max()) < 1e-12
    halves = torch.zeros(8, 8, dtype=torch.float64)
    halves[:, 3:] = 1
    assert int(((rows @ halves.flatten()).abs() > 1e-9).sum()) == 8


def test_pursuit_is_the_greedy_one_written_out() -> None:
    """By NumPy's least squares, row after row, to a rank and to a distance; 20 patches."""
    rows, patches, _ = planted(20, noise=0.1)
    for left, limit in ((4, float("inf")), (0, 0.15)):
        made, orthogonal = pursued(patches, rows, left=left, limit=limit)
        for patch, own, zeros in zip(patches.numpy(), made.numpy(), orthogonal, strict=True):
            taken: list[int] = []
            now = patch
            while len(taken) < 16 - left:
                scores = np.abs(rows.numpy() @ now)
                scores[taken] = np.inf
                chosen = rows.numpy()[[*taken, int(scores.argmin())]]
                after = patch - np.linalg.lstsq(chosen, chosen @ patch, rcond=None)[0]
                if ((after - patch) ** 2).sum() > limit:
                    break
                taken, now = [*taken, int(scores.argmin())], after
            np.testing.assert_allclose(own, now, rtol=0, atol=1e-9)
            assert set(taken) <= set(torch.nonzero(zeros).flatten().tolist())
            assert np.abs(rows.numpy()[zeros.numpy()] @ own).max(initial=0) < 1e-5


def test_rows_that_depend_on_others_come_for_nothing() -> None:
    """Differences around a square add up to 0: a flat patch is orthogonal to all, in 63 steps."""
    rows = neighbour_differences(LIKE)
    draw = torch.Generator().manual_seed(0)
    patches = torch.randn(5, 64, generator=draw, dtype=torch.float64)
    patches = patches - patches.mean(1, keepdim=True)
    made, orthogonal = pursued(patches, rows)
    assert float(made.abs().max()) < 1e-9
    made, orthogonal = pursued(patches, rows, limit=30.0)
    assert bool(((made - patches).square().sum(1) <= 30).all())
    assert int(orthogonal.sum(1).min()) > 0


def test_a_turned_row_is_the_last_singular_vector() -> None:
    """Of the patches that are to be orthogonal to it; one of too few stays; no power is added."""
    rows, patches, orthogonal = planted(300, noise=0.1)
    orthogonal[:, 0] = False
    orthogonal[:15, 0] = True
    fresh = turned(patches, rows, orthogonal)
    assert torch.equal(fresh[0], rows[0])
    for row in range(1, 24):
        own = patches[orthogonal[:, row]]
        last = np.linalg.svd(own.numpy())[2][-1]
        assert abs(float(fresh[row].numpy() @ last)) > 1 - 1e-9
        assert float((own @ fresh[row]).square().sum()) <= float((own @ rows[row]).square().sum())


def test_planted_rows_are_found() -> None:
    """From rows near them: each again, 0.99 along it; patches come nearer turn after turn."""
    truth, patches, _ = planted(4000)
    draw = torch.Generator().manual_seed(1)
    rows = truth + 0.1 * torch.randn(truth.shape, generator=draw).double()
    rows = rows / rows.norm(dim=1, keepdim=True)
    assert float((truth * rows).sum(1).mean()) < 0.95
    errors = []
    for _ in range(12):
        made, orthogonal = pursued(patches, rows, left=4)
        errors.append(float((made - patches).square().sum()))
        rows = turned(patches, rows, orthogonal)
    assert all(after < before for before, after in pairwise(errors[:6]))
    assert errors[-1] < 0.2 * errors[0]
    assert float((truth @ rows.T).abs().amax(1).min()) > 0.99


@pytest.mark.parametrize("step", [2, 4, 8])
def test_every_pixel_is_shown_by_some_patch(step: int, photos: Tensor) -> None:
    """Patches that stay as they are give the image back, whatever the step and the size."""
    for height, width in ((1, 1), (17, 9), (48, 64)):
        planes = photos[0, :, :height, :width].double()
        torch.testing.assert_close(patchwise_at(planes, lambda rows: rows, step), planes)


def test_learning_helps_beyond_the_differences(photos: Tensor) -> None:
    """On a photo of 48 x 64 less is wrong than with differences of neighbours alone."""
    clean = photos[0, :1]
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    noisy, sigma = clean + 0.05 * noise, 0.05
    errors = [
        float((AnalysisKSVD(rounds=rounds)._denoised(noisy, sigma) - clean).square().mean())
        for rounds in (0, 1)
    ]
    assert errors[1] < 0.97 * errors[0]
    assert errors[1] < 0.6 * float((noisy - clean).square().mean())
