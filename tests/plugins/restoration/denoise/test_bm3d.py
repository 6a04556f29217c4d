"""BM3D against the paper's two steps, written as loops over patches."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from scipy.fft import dct

from adversity_plugins.restoration.denoise import _block_matching
from adversity_plugins.restoration.denoise._block_matching import groups, haar
from adversity_plugins.restoration.denoise._spline_wavelet import spline_transform
from adversity_plugins.restoration.denoise.bm3d import BM3D

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

SIGMA, REACH = 0.1, 6
DCT = dct(np.eye(8), axis=0, norm="ortho")


def stack_transform(stack: np.ndarray) -> np.ndarray:
    """Return the Haar transform along the first axis, by means and differences."""
    if len(stack) == 1:
        return stack
    even, odd = stack[::2], stack[1::2]
    means = stack_transform((even + odd) / 2**0.5)
    return np.concatenate([means, (even - odd) / 2**0.5])


def starts(length: int) -> list[int]:
    """Return every third row or column, and the last at which a patch begins."""
    return sorted({*range(0, length - 7, 3), length - 8})


def alike(plane: np.ndarray, row: int, column: int, most: int, limit: float) -> list[Any]:
    """Return the patches nearest to one, itself first, as many as a power of two."""
    here, found = plane[row : row + 8, column : column + 8], []
    for y in range(max(0, row - REACH), min(plane.shape[0] - 8, row + REACH) + 1):
        for x in range(max(0, column - REACH), min(plane.shape[1] - 8, column + REACH) + 1):
            distance = ((plane[y : y + 8, x : x + 8] - here) ** 2).mean()
            found.append(((y, x) != (row, column), distance, y, x))
    nearest = [(y, x) for _, distance, y, x in sorted(found) if distance <= limit][:most]
    return nearest[: 2 ** int(np.log2(len(nearest)))]


def one_step(
    planes: np.ndarray,
    plane: np.ndarray,
    matrix: np.ndarray,
    shrink: Callable[[Any, int], tuple[np.ndarray, float]],
    most: int,
    limit: float,
) -> np.ndarray:
    """Return planes `[C, H, W]` after a step; `shrink` gives a stack's values and its weight."""
    back = np.linalg.inv(matrix)
    window = np.outer(np.kaiser(8, 2), np.kaiser(8, 2))
    sums, weights = np.zeros((2, *planes.shape))
    for row, column in product(starts(planes.shape[1]), starts(planes.shape[2])):
        places = alike(plane, row, column, most, limit)
        for channel in range(len(planes)):
            values, weight = shrink(places, channel)
            spread = np.linalg.inv(stack_transform(np.eye(len(places))))
            patches = back @ np.einsum("kj,jab->kab", spread, values) @ back.T
            for patch, (y, x) in zip(patches, places, strict=True):
                sums[channel, y : y + 8, x : x + 8] += weight * window * patch
                weights[channel, y : y + 8, x : x + 8] += weight * window
    result: np.ndarray = sums / weights
    return result


def by_loops(image: np.ndarray) -> np.ndarray:
    """Denoise `[C, H, W]` as the paper says."""
    turn = dct(np.eye(len(image)), axis=0, norm="ortho")
    planes = np.einsum("dc,chw->dhw", turn, image)
    spline = spline_transform(8, torch.zeros(1, dtype=torch.float64)).numpy()

    def stack(planes: np.ndarray, matrix: np.ndarray, places: Any, channel: int) -> np.ndarray:
        cut = [matrix @ planes[channel, y : y + 8, x : x + 8] @ matrix.T for y, x in places]
        return stack_transform(np.array(cut))

    def thresholded(places: Any, channel: int) -> tuple[np.ndarray, float]:
        values = stack(planes, spline, places, channel)
        kept = np.abs(values) > 2.7 * SIGMA
        return values * kept, 1 / max(1, kept.sum())

    def weighed(places: Any, channel: int) -> tuple[np.ndarray, float]:
        power = stack(basic, DCT, places, channel) ** 2
        share = power / (power + SIGMA**2)
        return share * stack(planes, DCT, places, channel), 1 / (share**2).sum()

    limit = (3000 - 2 * 25**2) / 255**2 + 2 * SIGMA**2
    basic = one_step(planes, planes[0], spline, thresholded, 16, limit)
    final = one_step(planes, basic[0], DCT, weighed, 32, 400 / 255**2)
    return np.einsum("dc,dhw->chw", turn, final)


@pytest.mark.parametrize("channels", [1, 3])
def test_equals_the_papers_steps_as_loops(channels: int, noisy: Tensor) -> None:
    """In float64, on a side that is no multiple of the step; no two patches tie."""
    image = noisy[0, :channels, :21, :24].double()
    restored = BM3D(reach=REACH)._denoised(image, SIGMA)
    np.testing.assert_allclose(restored, by_loops(image.numpy()), atol=1e-10)


def test_bands_of_references_change_nothing(noisy: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large image is searched in bands; the patches found are those of one search."""
    plane = noisy[0, 0].double()
    at_once = groups(plane, most=8, limit=0.05, reach=9, step=3)
    monkeypatch.setattr(_block_matching, "_BAND", 60)
    in_bands = groups(plane, most=8, limit=0.05, reach=9, step=3)
    assert len(at_once) > 1
    assert all(map(torch.equal, at_once, in_bands))


def test_the_spline_wavelet_is_biorthogonal_to_haars() -> None:
    """Coarse coefficients are put back as boxes, and rows have norm 1: noise stays as strong."""
    matrix = spline_transform(8, torch.zeros(1, dtype=torch.float64))
    torch.testing.assert_close(matrix.norm(dim=1), torch.ones(8, dtype=torch.float64))
    back = torch.linalg.inv(matrix)
    torch.testing.assert_close(back[:, 0], back[:1, 0].expand(8))
    # Differences are Haar's: of a constant, and of it alone, none is left.
    assert float((matrix[1:] @ torch.ones(8, dtype=torch.float64)).abs().max()) < 1e-12
    torch.testing.assert_close(matrix[4, :2], torch.tensor([0.5**0.5, -(0.5**0.5)]).double())


def test_the_stacks_transform_is_orthonormal() -> None:
    """Of 16 patches alike only the first coefficient is left."""
    matrix = haar(16, torch.zeros(1, dtype=torch.float64))
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(16, dtype=torch.float64))
    values = matrix @ torch.ones(16, dtype=torch.float64)
    torch.testing.assert_close(values, 4 * torch.eye(16, dtype=torch.float64)[0])
