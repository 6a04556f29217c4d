"""Spatter against its formula; its filters against brute force."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation.weather._drops import _equalized, _wide, drops
from adversity_plugins.degradation.weather._edges import canny, distance
from adversity_plugins.degradation.weather.spatter import Spatter

Streams = Callable[..., SampleRng]
WATER, MUD = torch.tensor([175.0, 238, 238]) / 255, torch.tensor([63.0, 42, 20]) / 255


def relaxed(edges: np.ndarray, most: int) -> np.ndarray:
    """Shorten distances by steps of 1, 1.4 and 2.1969 (in 2^-16) until nothing changes."""
    steps = {(0, 1): 65536, (1, 0): 65536, (1, 1): 91750, (1, 2): 143976, (2, 1): 143976}
    ways = [(y * a, x * b, d) for (y, x), d in steps.items() for a in (1, -1) for b in (1, -1)]
    found = np.where(edges, 0, most * 65536).astype(np.int64)
    while True:
        before = found.copy()
        wide = np.pad(before, 2, constant_values=most * 65536)
        for y, x, cost in ways:
            near = wide[2 + y : 2 + y + len(edges), 2 + x : 2 + x + edges.shape[1]]
            found = np.minimum(found, near + cost)
        if (found == before).all():
            return found / 65536


@pytest.mark.parametrize("share", [0.002, 0.02, 0.3])
def test_distances_are_those_of_the_shortest_way(share: float) -> None:
    """By steps between neighbours, found by relaxation; exact but for float32's last bits."""
    edges = np.random.default_rng(1).random((50, 60)) < share
    np.testing.assert_allclose(distance(edges, 20), relaxed(edges, 20), rtol=1e-7)


def test_without_an_edge_all_is_far() -> None:
    """And a single row or column works."""
    assert (distance(np.zeros((7, 9), bool), 20) == 20).all()
    line = np.zeros((1, 30), bool)
    line[0, 4] = True
    assert distance(line, 20)[0].tolist() == [min(20, abs(k - 4)) for k in range(30)]


def test_edges_run_round_a_square() -> None:
    """One pixel wide, closed, on its border; and none in a flat image or below the threshold."""
    image = np.zeros((20, 20), np.uint8)
    image[6:14, 6:14] = 200
    edges = canny(image, 50, 150)
    assert edges[6:14, 6:14].any()
    assert not edges[8:12, 8:12].any()
    assert not edges[:4].any()
    assert not canny(np.full((9, 9), 7, np.uint8), 50, 150).any()
    assert not canny(image // 20, 50, 150).any()


def test_equalising_spreads_over_all_levels() -> None:
    """As many pixels below each level as the level says; one level alone stays."""
    values = np.random.default_rng(0).integers(40, 90, (64, 64)).astype(np.uint8)
    levels = _equalized(values)
    assert levels.min() == 0
    assert levels.max() == 255
    share = np.array([(levels <= k).mean() for k in range(256)])
    assert np.abs(share - np.arange(256) / 255).max() < 0.05
    assert (_equalized(np.full((4, 4), 9, np.uint8)) == 9).all()


def test_drops_are_where_the_liquid_is() -> None:
    """Nothing elsewhere, and 1 at the brightest point; nothing at all without liquid."""
    liquid = np.zeros((48, 48), np.uint8)
    liquid[10:30, 12:34] = 190
    light = drops(liquid)
    assert light.max() == 1
    assert not light[liquid == 0].any()
    assert not drops(np.zeros((8, 8), np.uint8)).any()


@pytest.mark.parametrize(("severity", "colour"), [(2, WATER), (5, MUD)])
def test_the_image_is_seen_where_the_mask_is_one(
    severity: int, colour: Tensor, photos: Tensor, streams: Streams
) -> None:
    """There it is untouched; elsewhere the liquid's colour is added, or covers it."""
    plugin, ids = Spatter(severity=severity), ("a", "b", "c")
    dark = photos * 0.3
    answer = plugin.degrade(dark, streams(*ids))
    mask = answer.side["mask"].expand_as(photos) == 1
    assert torch.equal(answer.images[mask], dark[mask])
    assert 0.1 < float(mask.float().mean()) < 0.999
    # On black only the liquid is seen.
    liquid = plugin.degrade(torch.zeros_like(dark), streams(*ids)).images
    cover = (liquid / colour.view(1, 3, 1, 1))[:, :1]
    torch.testing.assert_close(liquid, cover * colour.view(1, 3, 1, 1), atol=1e-6, rtol=0)
    through = 1 - cover if severity == 5 else torch.ones(())
    torch.testing.assert_close(answer.images, dark * through + liquid, atol=1e-6, rtol=0)
    covered = cover[answer.side["mask"] == 0]
    if severity == 2:
        assert float(covered.max()) == pytest.approx(0.6, abs=1e-5)
    else:
        assert float(covered.min()) >= 0.8 - 1e-5


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 2), (2, 5), (6, 4)])
def test_the_border_is_mirrored_however_small_the_image(shape: tuple[int, int]) -> None:
    """As NumPy's reflection, which repeats a single row or column."""
    values = np.arange(shape[0] * shape[1], dtype=np.float32).reshape(shape)
    np.testing.assert_array_equal(_wide(values), np.pad(values, 1, mode="reflect"))
