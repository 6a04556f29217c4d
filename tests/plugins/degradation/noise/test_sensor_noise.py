"""Sensor noise: its line is recovered from images, cameras are found by name, files are refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import adversity
from adversity.errors import DataError, ParameterError, WeightsError
from adversity_plugins.degradation.noise import sensor_noise
from adversity_plugins.degradation.noise._camera_profiles import profile_of
from adversity_plugins.degradation.noise.sensor_noise import SensorNoise
from adversity_plugins.optics.srgb import linear_to_srgb, srgb_to_linear

if TYPE_CHECKING:
    from pathlib import Path

LIGHTS = torch.tensor([0.05, 0.1, 0.2, 0.35, 0.5, 0.65])
CAMERAS = {
    "version": 0,
    "noiseprofiles": [
        {
            "maker": "Maker",
            "models": [
                {
                    "model": "One X",
                    "profiles": [
                        {"iso": 100, "a": [2e-5, 1e-5, 3e-5], "b": [0, -1e-7, 2e-7]},
                        {"iso": 6400, "a": [8e-4, 4e-4, 1.2e-3], "b": [2e-5, 1e-5, 4e-5]},
                        {"iso": 6400, "a": [1, 1, 1], "b": [0, 0, 0]},
                        {"iso": 200, "a": [2e-5, 1e-5, 0.0], "b": [0, 0, 0]},
                    ],
                }
            ],
        }
    ],
}


def written(folder: Path, record: Any = CAMERAS) -> str:
    """Write a file of profiles; return its name."""
    (folder / "noise.json").write_text(json.dumps(record), encoding="utf-8")
    return "noise.json"


def variances(plugin: Any, channels: int = 3) -> np.ndarray[Any, Any]:
    """Return the variance in linear light of flat images of each light, `[lights, channels]`."""
    flat = linear_to_srgb(LIGHTS)[:, None, None, None].expand(-1, channels, 256, 256)
    light = srgb_to_linear(plugin(flat.contiguous(), seed=3).double())
    found: np.ndarray[Any, Any] = light.flatten(2).var(2).numpy()
    return found


def fitted(variance: Any) -> tuple[float, float]:
    """Return slope and offset of the line through the variances."""
    slope, offset = np.polyfit(LIGHTS.double().numpy(), variance, 1)
    return float(slope), float(offset)


@pytest.mark.parametrize("severity", [1, 2, 3])
def test_the_line_is_recovered_from_images(severity: int) -> None:
    """65 536 draws a light: 0.55 % of each variance, so 3 % of a and 1 % of the largest for b."""
    plugin = adversity.create("degradation", "sensor_noise", severity=severity)
    (a, *_), (b, *_) = plugin.ready.plugin.line()
    found = variances(plugin)
    for channel in range(3):
        slope, offset = fitted(found[:, channel])
        assert slope == pytest.approx(a, rel=0.03)
        assert offset == pytest.approx(b, abs=0.01 * (a * 0.65 + b))


def test_a_camera_has_its_own_noise_in_each_channel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first measurement of that ISO; grey is green; case and the maker's name do not matter."""
    monkeypatch.chdir(tmp_path)
    for camera in ("Maker One X", "maker one x", "One X"):
        given = {"camera": camera, "iso": 6400, "profiles": written(tmp_path)}
        plugin = adversity.create("degradation", "sensor_noise", **given)
        assert plugin.ready.plugin.line() == ((8e-4, 4e-4, 1.2e-3), (2e-5, 1e-5, 4e-5))
    found = variances(plugin)
    for channel, (a, b) in enumerate(((8e-4, 2e-5), (4e-4, 1e-5), (1.2e-3, 4e-5))):
        slope, offset = fitted(found[:, channel])
        assert slope == pytest.approx(a, rel=0.03)
        assert offset == pytest.approx(b, abs=0.01 * (a * 0.65 + b))
    assert fitted(variances(plugin, channels=1)[:, 0])[0] == pytest.approx(4e-4, rel=0.03)


def test_below_zero_there_is_no_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """b of green is -1e-7: light below 0.01 has none, black stays black; red has some."""
    monkeypatch.chdir(tmp_path)
    given = {"camera": "One X", "iso": 100, "profiles": written(tmp_path)}
    plugin = adversity.create("degradation", "sensor_noise", **given)
    dark = linear_to_srgb(torch.full((1, 3, 32, 32), 0.005))
    found = plugin(dark)
    assert torch.allclose(found[:, 1], dark[:, 1], atol=1e-6)
    assert float((found[:, 0] - dark[:, 0]).std()) > 1e-4


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "give severity .1 to 5., or a and b, or camera, iso, profiles"),
        ({"a": 0.1}, "a without b; give all of them"),
        ({"camera": "One X"}, "camera without iso"),
        ({"profiles": "noise.json"}, "profiles without camera, iso"),
        ({"severity": 1, "a": 0.1, "b": 0}, "severity excludes a, b"),
        ({"a": 0.1, "b": 0, "camera": "One X"}, "a excludes camera"),
    ],
)
def test_it_is_said_in_one_way(given: Any, words: str) -> None:
    """A severity, two numbers, or a camera."""
    with pytest.raises(ParameterError, match=words):
        adversity.create("degradation", "sensor_noise", **given)


@pytest.mark.parametrize(
    ("record", "camera", "iso", "words"),
    [
        (CAMERAS, "Maker One Y", 100, "got 'Maker One Y'; did you mean Maker One X"),
        (CAMERAS, "Leica", 100, "it has 1, such as Maker One X"),
        (CAMERAS, "One X", 300, "not measured at ISO 300; there are 100, 200, 6400"),
        (CAMERAS, "One X", 200, "the measurement failed, take another ISO"),
        ({"noiseprofiles": []}, "One X", 100, "expected measured cameras, got none"),
        ([1], "One X", 100, "got a file that is read as none"),
    ],
)
def test_what_is_not_there_is_said(
    tmp_path: Path, record: Any, camera: str, iso: int, words: str
) -> None:
    """With the file, and what it has."""
    path = tmp_path / written(tmp_path, record)
    with pytest.raises(DataError, match=f"^noise.json: .*{words}"):
        profile_of(path, "noise.json", camera, iso)


def test_darktables_file_is_read_where_it_was_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a camera without a file; one that is not there is named with the command."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    plugin = SensorNoise(camera="Maker One X", iso=6400)
    assert [asset.package for asset in plugin.needed_assets()] == ["darktable"]
    assert SensorNoise(severity=1).needed_assets() == ()
    with pytest.raises(
        WeightsError, match=r"not here; run: adversity assets fetch degradation/sen"
    ):
        plugin.setup("cpu")
    content = (tmp_path / written(tmp_path)).read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    (asset,) = SensorNoise.assets
    (name,) = asset.files
    monkeypatch.setattr(sensor_noise, "_PROFILES", replace(asset, files={name: sha256}))
    fetched = asset.folder / name
    fetched.parent.mkdir(parents=True)
    fetched.write_bytes(content)
    plugin.setup("cpu")
    assert plugin.line() == ((8e-4, 4e-4, 1.2e-3), (2e-5, 1e-5, 4e-5))
