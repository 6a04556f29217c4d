"""The lens against lensfun's formulas, and a spot of light."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from adversity import SampleRng
from adversity.contracts.project_files import bind_files
from adversity.errors import DataError
from adversity_plugins.degradation.camera.lens import Lens
from adversity_plugins.optics import radial
from adversity_plugins.optics.srgb import linear_to_srgb, srgb_to_linear

if TYPE_CHECKING:
    from pathlib import Path

Streams = Callable[..., SampleRng]
NAME = "Example 24-70mm f/2.8"
CORNER = math.hypot(1.5, 1)
"""The corner of a sensor of 3:2 in lensfun's unit, half its height."""


def ready(folder: Path, **parameters: Any) -> Lens:
    """Return the lens that the class writes, set up."""
    if not (folder / "lenses").exists():
        Lens.write_example_files(folder)
    plugin = Lens.model_validate({"database": "lenses", "lens": NAME, **parameters})
    bind_files(plugin, folder)
    plugin.setup("cpu")
    return plugin


def ptlens(r: Any) -> Any:
    """At 24 mm, as the documentation has it."""
    a, b, c = 0.02, -0.07, 0.01
    return r * (a * r**3 + b * r**2 + c * r + 1 - a - b - c)


def poly3(r: Any) -> Any:
    """At 35 mm."""
    return r * (1 - -0.03 + -0.03 * r**2)


def poly5(r: Any) -> Any:
    """At 70 mm."""
    return r * (1 + 0.04 * r**2 + 0.005 * r**4)


@pytest.mark.parametrize(("focal", "formula"), [(24, ptlens), (35, poly3), (70, poly5)])
@pytest.mark.parametrize("crop", [1.0, 1.6])
def test_distortion_is_lensfuns_formula(
    focal: float, formula: Callable[[Any], Any], crop: float, tmp_path: Path
) -> None:
    """In its unit, half the height of the sensor that was measured; a smaller one sees less of it."""
    told = ready(tmp_path, focal=focal, crop=crop)._profile
    corner = CORNER / crop
    r = torch.linspace(0, 1, 50, dtype=torch.float64)
    ours = radial.mapped(told.distortion, r) * corner
    torch.testing.assert_close(ours, formula(r * corner), atol=1e-12, rtol=0)


def test_colours_and_light_are_lensfuns_formulas(tmp_path: Path) -> None:
    """Poly3 and linear for colours; vignetting has its unit at the corner of the sensor."""
    r = torch.linspace(0, 1, 50, dtype=torch.float64)
    wide, long = (ready(tmp_path, focal=f, aperture=2.8, crop=1.6)._profile for f in (24, 70))
    q = r * CORNER / 1.6
    for ours, theirs in (
        (radial.mapped(wide.red, r), q * (0.001 * q**2 + 1.002)),
        (radial.mapped(wide.blue, r), q * (-0.001 * q**2 + 0.998)),
        (radial.mapped(long.red, r), q * 0.998),
        (radial.mapped(long.blue, r), q * 1.003),
    ):
        torch.testing.assert_close(ours * CORNER / 1.6, theirs, atol=1e-12, rtol=0)
    k = (r / 1.6) ** 2
    torch.testing.assert_close(
        radial.shade(wide.vignetting, r), 1 - 0.6 * k - 0.2 * k**2 + 0.1 * k**3, atol=1e-12, rtol=0
    )


def test_between_two_focal_lengths_is_a_mean(tmp_path: Path) -> None:
    """At 30 mm, 6/11 of the way from 24 to 35, coefficients of both models."""
    at = {f: np.array(ready(tmp_path, focal=f)._profile.distortion) for f in (24, 30, 35)}
    np.testing.assert_allclose(at[30], at[24] * 5 / 11 + at[35] * 6 / 11, atol=1e-12)


@pytest.mark.parametrize("focal", [24, 35, 70])
def test_a_spot_goes_where_the_formula_says(focal: float, tmp_path: Path, streams: Streams) -> None:
    """The centre of a soft spot of light of each colour, measured: within 0.02 pixels.

    Over a spot the map bends, which moves its centre: as its width squared, by a hundredth here.
    """
    height, width = 401, 601
    unit = math.hypot(height - 1, width - 1) / 2
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    at = np.array([310.0, 450.0])
    spot = torch.exp(-((rows - at[0]) ** 2 + (columns - at[1]) ** 2) / (2 * 2**2))
    image = linear_to_srgb((0.9 * spot).clamp(0, 1)).expand(1, 3, -1, -1).contiguous()
    plugin = ready(tmp_path, focal=focal)
    light = srgb_to_linear(plugin.degrade(image, streams("a")).images[0]).double()
    formula = {24: ptlens, 35: poly3, 70: poly5}[focal]
    away = at - np.array([(height - 1) / 2, (width - 1) / 2])
    r = math.hypot(*away) / unit * CORNER
    shifts = _shifts(focal)
    for channel in range(3):
        place = formula(r)
        place = place * shifts[channel](place) / r
        mass = light[channel] / light[channel].sum()
        centre = np.array([float((mass * rows).sum()), float((mass * columns).sum())])
        expected = away * place + np.array([(height - 1) / 2, (width - 1) / 2])
        np.testing.assert_allclose(centre, expected, atol=0.02)


def _shifts(focal: float) -> list[Callable[[float], float]]:
    """Return what the places of red, green and blue are multiplied by, in lensfun's unit."""
    share = (focal - 24) / 46  # from poly3 at 24 mm to linear at 70 mm
    red, blue = 1.002 - 0.004 * share, 0.998 + 0.005 * share
    cubic = 0.001 * (1 - share)
    return [lambda r: red + cubic * r**2, lambda _: 1.0, lambda r: blue - cubic * r**2]


def test_light_falls_off_as_the_formula_says(tmp_path: Path, streams: Streams) -> None:
    """A white image is the fall-off itself; grey and colour alike."""
    plugin = ready(tmp_path, focal=24, aperture=2.8, effects=("vignetting",))
    rows, columns = torch.arange(21.0)[:, None] - 10, torch.arange(31.0) - 15
    square = (rows**2 + columns**2) / (10**2 + 15**2)
    expected = 1 - 0.6 * square - 0.2 * square**2 + 0.1 * square**3
    for channels in (1, 3):
        seen = plugin.degrade(torch.ones(1, channels, 21, 31), streams("a")).images
        light = srgb_to_linear(seen)
        torch.testing.assert_close(light, expected.expand_as(light), atol=1e-6, rtol=0)


def test_grey_goes_where_green_goes(tmp_path: Path, photos: Tensor, streams: Streams) -> None:
    """A grey photo is the green of the same photo in colour."""
    plugin = ready(tmp_path, focal=24, aperture=2.8)
    grey = photos[:, 1:2]
    colour = plugin.degrade(grey.expand(-1, 3, -1, -1).contiguous(), streams("a", "b", "c")).images
    alone = plugin.degrade(grey.contiguous(), streams("a", "b", "c")).images
    torch.testing.assert_close(alone, colour[:, 1:2], atol=1e-6, rtol=0)
    assert float((colour[:, 0] - colour[:, 2]).abs().max()) > 0.01


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"effects": ["vignetting"]}, "aperture is for the effect vignetting"),
        ({"effects": ["distortion"], "aperture": 2.8}, "aperture is for the effect vignetting"),
        ({"distance": 3}, "distance is for vignetting, which needs aperture"),
    ],
)
def test_nothing_is_left_unused(given: dict[str, Any], words: str) -> None:
    """Aperture and distance are for vignetting."""
    with pytest.raises(ValidationError, match=words):
        Lens.model_validate({"database": "db", "lens": "x", "focal": 50, **given})


def test_without_setup_it_does_not_guess(streams: Streams) -> None:
    """The message says so."""
    plugin = Lens.model_validate({"database": "db", "lens": "x", "focal": 50})
    with pytest.raises(DataError, match="call setup"):
        plugin.degrade(torch.zeros(1, 3, 8, 8), streams("a"))
