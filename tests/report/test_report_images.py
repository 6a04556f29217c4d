"""Display copies of images: what they keep and what they say."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from adversity.report.values.model import ImageRow, ShownImage
from adversity.report.writers.image_grid import amplification, grid

if TYPE_CHECKING:
    from adversity.report.values.model import Report
    from adversity.report.writers.image_grid import Tile


def decoded(tile: Tile) -> np.ndarray:
    data = base64.b64decode(tile.source.removeprefix("data:image/webp;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)))


def row(delta: np.ndarray, image: np.ndarray) -> ImageRow:
    shown = ShownImage("clean", "photos", image, "cat", 0.5, "right")
    return ImageRow("a", "cat", {}, "unchanged", (shown,), delta, "linf", 8 / 255)


@pytest.mark.parametrize(
    ("largest", "factor"), [(8 / 255, 15), (4 / 255, 31), (0.25, 2), (0.5, 1), (1.0, 0.5), (0.0, 1)]
)
def test_amplification_is_the_largest_that_fits(largest: float, factor: float) -> None:
    """The factor is floor(0.5 / max |delta|); a larger change than half the range is halved."""
    delta = np.zeros((2, 2, 3), np.float32)
    delta[0, 0, 0] = -largest
    assert amplification([row(delta, np.zeros((2, 2), np.float32))]) == factor


def test_perturbation_is_kept_without_loss() -> None:
    """Mid-grey is no change, and every value is 0.5 + factor * delta to half a level."""
    rng = np.random.default_rng(0)
    delta = (rng.uniform(-8, 8, (32, 32, 3)) / 255).astype(np.float32)
    delta[0, 0] = 0.0
    (made,) = grid([row(delta, np.zeros((32, 32, 3), np.float32))], size=224)
    shown = decoded(made.tiles[1])
    factor = amplification([row(delta, np.zeros((32, 32, 3), np.float32))])
    assert shown[0, 0].tolist() == [128, 128, 128]
    assert np.abs(shown / 255 - (0.5 + factor * delta)).max() <= 0.5 / 255 + 1e-6


def test_one_factor_for_all_rows() -> None:
    """Rows are amplified alike, so that they can be compared."""
    image = np.zeros((8, 8, 3), np.float32)
    rows = [row(np.full((8, 8, 3), size, np.float32), image) for size in (0.01, 0.1)]
    first, second = grid(rows, size=224)
    assert first.tiles[1].step == second.tiles[1].step
    assert np.ptp([decoded(made.tiles[1])[0, 0, 0] for made in (first, second)]) > 100


def test_small_images_are_exact_and_grow_in_whole_steps() -> None:
    """A 32-pixel grey source is stored without loss and shown six times as large."""
    levels = np.arange(1024).reshape(32, 32) % 256
    image = (levels / 255).astype(np.float32)
    (made,) = grid([row(np.zeros((32, 32), np.float32), image)], size=224)
    tile = made.tiles[0]
    assert (tile.width, tile.height, tile.pixelated) == (192, 192, True)
    assert np.array_equal(decoded(tile)[:, :, 0], levels)


def test_large_images_are_bounded_and_keep_their_shape() -> None:
    """A wide image is shrunk to the size asked for; nothing is cropped."""
    image = np.zeros((300, 600, 3), np.float32)
    (made,) = grid([row(np.zeros((300, 600, 3), np.float32), image)], size=224)
    assert (made.tiles[0].width, made.tiles[0].height) == (224, 112)


def test_norms_come_from_the_exact_arrays(full_report: Report) -> None:
    """The captions say the model's norms, and compute them where the model has none."""
    source = full_report.rows[0]
    assert source.perturbation is not None
    said = grid([source], size=64)[0].tiles[-1].lines
    computed = grid([replace(source, sizes={})], size=64)[0].tiles[-1].lines
    euclid = float(np.linalg.norm(source.perturbation.astype(np.float64)))
    assert said == computed == ("max |δ| 8/255", f"L2 {euclid:.3f}")


@pytest.mark.parametrize(
    ("levels", "said"), [(0.5, "0.5"), (8, "8"), (99, "99"), (160, "160"), (255, "255")]
)
def test_a_change_of_any_size_is_written_in_plain_levels(
    full_report: Report, levels: float, said: str
) -> None:
    """The weather moves an image further than a norm does: 160/255, not 1.6e+02/255."""
    source = replace(full_report.rows[0], sizes={"linf": levels / 255, "l2": 1.0})
    assert grid([source], size=64)[0].tiles[-1].lines[0] == f"max |δ| {said}/255"
