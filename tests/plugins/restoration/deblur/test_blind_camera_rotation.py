"""A turning camera: the operator against plain convolution and geometry, the weights planted."""

from __future__ import annotations

import math
from statistics import median

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates
from scipy.optimize import nnls
from skimage import data
from torch import Tensor

import adversity
from adversity.errors import AdversityError
from adversity_plugins.restoration.deblur._blurring import Blurring
from adversity_plugins.restoration.deblur._shake import Shake
from adversity_plugins.restoration.deblur._shake_weights import centred, least_weights


def _random(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def _planted(shake: Shake, cells: list[tuple[int, int, int]]) -> Tensor:
    weights = torch.zeros(shake.rolls, shake.side, shake.side, dtype=torch.float64)
    for number, cell in enumerate(cells):
        weights[cell] = 1 + number % 3
    return weights / weights.sum()


def test_the_middle_cell_shows_the_scene_as_it_is() -> None:
    """Nothing turns: a pixel is its own place."""
    shake = Shake(20, 30, 30.0, 5, 3, 0.05)
    weights = _planted(shake, [(1, 2, 2)])
    scene = _random(*shake.size).float()
    torch.testing.assert_close(shake.blur(weights).spread(scene), shake.cut(scene))


def test_the_adjoint_is_the_adjoint() -> None:
    """<T x, y> = <x, T' y> to 1e-5 of either, in float32, with rotations about all three axes."""
    shake = Shake(24, 31, 31.0, 7, 5, 0.06)
    blur = shake.blur(_planted(shake, [(0, 1, 6), (2, 3, 3), (4, 6, 0), (1, 0, 2)]))
    scene, image = _random(*shake.size).float(), _random(24, 31, seed=1).float()
    ahead = float((blur.spread(scene) * image).double().sum())
    back = float((scene * blur.gathered(image)).double().sum())
    assert ahead == pytest.approx(back, rel=1e-5)


def test_with_a_long_focal_length_it_is_a_convolution() -> None:
    """Rotations about x and y move all places alike: the weights are a kernel. To 1e-5."""
    shake = Shake(24, 31, 1e7, 7, 1, 0.1)
    kernel = _random(7, 7, seed=2) ** 3
    kernel = kernel / kernel.sum()
    scene = _random(*shake.size)
    around = Blurring(kernel, *shake.size, circular=True)
    ours = shake.blur(kernel[None]).spread(scene.float())
    torch.testing.assert_close(ours.double(), shake.cut(around.spread(scene)), atol=1e-5, rtol=0)


def test_places_are_those_of_the_homography() -> None:
    """K R K^-1 by Rodrigues' formula in another program, interpolated by scipy. To 1e-4."""
    shake = Shake(25, 33, 40.0, 9, 5, 0.05)
    cell = (4, 1, 7)
    turn = np.array([-(1 - 4) / 40.0, (7 - 4) / 40.0, (4 - 2) * 0.05])
    angle = float(np.linalg.norm(turn))
    x, y, z = turn / angle
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    rotation = np.eye(3) + math.sin(angle) * skew + (1 - math.cos(angle)) * skew @ skew
    camera = np.array([[40.0, 0, 16], [0, 40, 12], [0, 0, 1]])
    rows, columns = np.mgrid[:25, :33]
    points = np.stack([columns.ravel(), rows.ravel(), np.ones(25 * 33)])
    at = camera @ rotation @ np.linalg.inv(camera) @ points
    scene = _random(*shake.size)
    margin = shake.margin
    expected = map_coordinates(
        scene.numpy(), [at[1] / at[2] + margin, at[0] / at[2] + margin], order=1
    )
    ours = shake.blur(_planted(shake, [cell])).spread(scene.float())
    np.testing.assert_allclose(ours.numpy().ravel(), expected, atol=1e-4)


def test_all_that_is_looked_at_is_in_the_scene() -> None:
    """Also from the corners, under a short focal length: no place is cut off at its border."""
    shake = Shake(20, 30, 15.0, 9, 5, 0.08)
    cells = torch.ones(5, 9, 9).nonzero()
    places = shake._seen_at(cells, torch.arange(600)) + shake.margin
    assert float(places.min()) >= 0
    assert float((places - torch.tensor(shake.size)).max()) < -1


def test_weights_are_the_least_squares_that_are_not_negative() -> None:
    """As by scipy's active sets; a price above what any explains leaves none."""
    matrix, seen = _random(40, 12), _random(40, seed=1)
    matrix[:, 3] -= 2
    expected, _ = nnls(matrix.numpy(), seen.numpy())
    gram, shared = matrix.T @ matrix, matrix.T @ seen
    found = least_weights(gram, shared, 0.0)
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-3)
    assert not least_weights(gram, shared, float(shared.max())).any()


def local_kernel(shake: Shake, weights: Tensor, pixel: tuple[int, int], side: int = 31) -> Tensor:
    """Return the kernel `[side, side]` of one place, moves spread over four neighbours."""
    cells = weights.nonzero()
    number = torch.tensor([pixel[0] * shake.width + pixel[1]])
    moves = shake._seen_at(cells, number)[:, 0] - torch.tensor(pixel) + side // 2
    corner = moves.floor()
    part = moves - corner
    kernel = torch.zeros(side, side, dtype=torch.float64)
    for below in (0, 1):
        for beside in (0, 1):
            share = (part[:, 0] if below else 1 - part[:, 0]) * (
                part[:, 1] if beside else 1 - part[:, 1]
            )
            at = (corner[:, 0].long() + below, corner[:, 1].long() + beside)
            kernel.index_put_(at, weights[tuple(cells.T)].double() * share, accumulate=True)
    return kernel


def _similarity(one: Tensor, other: Tensor) -> float:
    side = one.shape[-1] + other.shape[-1]
    spectra = [torch.fft.rfft2(kernel.double(), s=(side, side)) for kernel in (one, other)]
    shared = torch.fft.irfft2(spectra[0] * spectra[1].conj(), s=(side, side))
    return float(shared.max() / (one.double().norm() * other.double().norm()))


def _hand(shake: Shake, *, moves: float, rolls: float) -> Tensor:
    """Return the weights of a smooth path, up to so many cells from the middle on each axis."""
    generator = torch.Generator().manual_seed(0)
    size = torch.randn(3, 3, generator=generator).double()
    phase = torch.rand(3, 3, generator=generator).double() * 6.28
    time = torch.linspace(0, 3, 60).double()[:, None, None]
    waves = (size * torch.sin((torch.arange(3) + 1) * 0.8 * time + phase)).sum(2)
    waves = waves - (waves.max(0).values + waves.min(0).values) / 2
    path = waves / waves.abs().max(0).values * torch.tensor([rolls, moves, moves]).double()
    path = path + torch.tensor([shake.rolls // 2, shake.side // 2, shake.side // 2])
    weights = torch.zeros(shake.rolls, shake.side, shake.side, dtype=torch.float64)
    for cell in path.round().long():
        weights[tuple(cell)] += 1 / len(path)
    return centred(weights)


def _quality(images: Tensor, clean: Tensor) -> float:
    return -10 * float((images - clean).square().mean().log10())


@pytest.mark.slow
def test_a_planted_roll_is_found() -> None:
    """Of astronaut (256 x 256) under a path with a roll of 3.6 degrees: kernels of five places.

    Median similarity above 0.75, and 1 dB more than the blurred image and than a method for one
    kernel has. Blurred again by what was found, the image comes back.
    """
    pixels = torch.from_numpy(data.astronaut() / 255).permute(2, 0, 1).float()
    photo = pixels.view(3, 256, 2, 256, 2).mean((2, 4))
    shake = Shake(256, 256, 256.0, 25, 11, 2 / 256)
    weights = _hand(shake, moves=3, rolls=4)
    blur = shake.blur(weights)
    worse = torch.stack([blur.spread(scene) for scene in shake.framed(photo)]).clamp(0, 1)[None]
    method = adversity.create("restoration", "blind_camera_rotation")
    better = method(worse)
    found = method.found["rotations"][0]
    places = ((128, 128), (40, 40), (216, 216), (40, 216), (216, 40))
    pairs = [[local_kernel(shake, w, place) for w in (found, weights)] for place in places]
    alike = [_similarity(*pair) for pair in pairs]
    plain = adversity.create("restoration", "blind_edge_patches")(worse)
    quality = [_quality(images[0], photo) for images in (worse, plain, better)]
    again = torch.stack([shake.blur(found).spread(scene) for scene in shake.framed(better[0])])
    inner = (slice(None), slice(32, 224), slice(32, 224))
    back = _quality(again[inner], worse[0][inner])
    assert median(alike) > 0.75
    assert quality[2] > max(quality[:2]) + 1
    assert back > 30


def test_a_flat_image_has_no_blur() -> None:
    """The middle cell alone has a weight, and the image stays."""
    images = torch.full((1, 3, 32, 32), 0.5)
    method = adversity.create("restoration", "blind_camera_rotation", kernel_size=9)
    better = method(images)
    weights = method.found["rotations"][0]
    assert float(weights[weights.shape[0] // 2, weights.shape[1] // 2, weights.shape[1] // 2]) == 1
    assert float(weights.sum()) == 1
    torch.testing.assert_close(better, images, atol=2e-3, rtol=0)


def test_a_grid_without_a_middle_is_refused() -> None:
    """In a sentence, with the next size that has one."""
    with pytest.raises(AdversityError, match=r"kernel_size must be odd, got 24; try 25"):
        adversity.create("restoration", "blind_camera_rotation", kernel_size=24)
