"""DemosaicNet against its authors' network, on a photo, and on files that are not its weights."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch
from skimage import data
from torch import Tensor, nn

from adversity.errors import WeightsError
from adversity_plugins.restoration.camera.demosaicnet import DemosaicNet

Seen = Callable[..., tuple[Tensor, dict[str, Tensor]]]


@pytest.fixture(scope="module")
def ready() -> DemosaicNet:
    """DemosaicNet with its weights."""
    plugin = DemosaicNet()
    plugin.setup("cpu")
    return plugin


@pytest.fixture(scope="module")
def peer() -> nn.Module:
    """The network class of the weights' package, with the package's own weights.

    The package asks `pkg_resources` for the place of its files, which new versions of setuptools
    have no more; only its file with the network is imported, and nothing of it is left behind.
    """
    spec = find_spec("demosaicnet")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    shell, places = types.ModuleType("demosaicnet"), types.ModuleType("pkg_resources")
    shell.__path__ = [str(folder)]
    places.resource_filename = lambda _, name: str(folder / name)  # type: ignore[attr-defined]
    earlier = sys.modules.get("pkg_resources")
    sys.modules |= {"demosaicnet": shell, "pkg_resources": places}
    made: Any = importlib.import_module("demosaicnet.modules")
    network: nn.Module = made.BayerDemosaick(pretrained=False)
    for name in ["pkg_resources", *(n for n in sys.modules if n.split(".")[0] == "demosaicnet")]:
        del sys.modules[name]
    if earlier is not None:
        sys.modules["pkg_resources"] = earlier
    network.load_state_dict(torch.load(folder / "data/bayer.pth", weights_only=True))
    return network.eval()


def _psnr(images: Tensor, clean: Tensor) -> float:
    return float(-10 * (images - clean).square().mean().log10())


@pytest.mark.parametrize("size", [(80, 96), (81, 97), (64, 65)])
def test_the_middle_is_the_authors_network(
    ready: DemosaicNet, peer: nn.Module, size: tuple[int, int], mosaic_of: Seen
) -> None:
    """31 pixels from the border, where the package's network ends; it begins with a green pixel.

    Tolerance: float32 sums over 64 channels in another memory order.
    """
    images = torch.rand((2, 3, *size), generator=torch.Generator().manual_seed(0))
    seen, side = mosaic_of(images, "GRBG")
    even = seen[..., : size[0] // 2 * 2, : size[1] // 2 * 2]
    with torch.no_grad():
        expected = peer(even).clamp(0, 1)
        own = ready.restore(seen, **side)
    inner = own[..., 31 : 31 + expected.shape[2], 31 : 31 + expected.shape[3]]
    torch.testing.assert_close(inner, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("pattern", "row", "column"), [("BGGR", 1, 0), ("GBRG", 1, 1)])
def test_a_pattern_is_another_one_further_on(
    ready: DemosaicNet, pattern: str, row: int, column: int, mosaic_of: Seen
) -> None:
    """Moved by a pixel, the mosaic GRBG is another; far from the border the colours are the same."""
    images = torch.rand((1, 3, 91, 93), generator=torch.Generator().manual_seed(1))
    seen, side = mosaic_of(images, "GRBG")
    moved, other = mosaic_of(images[..., row:, column:], pattern)
    assert torch.equal(moved, seen[..., row:, column:])
    with torch.no_grad():
        whole, part = ready.restore(seen, **side), ready.restore(moved, **other)
    inner = (..., slice(40, -40), slice(40, -40))
    torch.testing.assert_close(
        part[..., 40 - row : -40, 40 - column : -40], whole[inner], atol=1e-6, rtol=0
    )


def test_reaches_the_quality_that_was_measured_apart(ready: DemosaicNet, mosaic_of: Seen) -> None:
    """39.11 dB where OpenCV's bilinear interpolation has 29.54, as the package's own program has.

    Both were measured with the package and without this plugin, on 256 x 256 pixels of a photo;
    which, and that 8 at the border were left out, was found again from the two figures. Tolerance:
    half a unit of the last digit; near the border the network sees the mirror image here.
    """
    photo = torch.from_numpy(data.astronaut()[100:356, 100:356] / 255.0).permute(2, 0, 1).float()
    seen, side = mosaic_of(photo[None], "GRBG")
    with torch.no_grad():
        own = ready.restore(seen, **side)[0]
    raw = (seen[0].sum(0) * 255).round().byte().numpy()
    bilinear = torch.from_numpy(cv2.cvtColor(raw, cv2.COLOR_BayerGB2RGB) / 255.0).permute(2, 0, 1)
    inner = (..., slice(8, -8), slice(8, -8))
    assert _psnr(own[inner], photo[inner]) == pytest.approx(39.11, abs=0.01)
    assert _psnr(bilinear[inner], photo[inner]) == pytest.approx(29.54, abs=0.01)


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
def test_the_border_is_as_good_as_the_middle(
    ready: DemosaicNet, pattern: str, photos: Tensor, mosaic_of: Seen
) -> None:
    """Small photos, all within reach of the border: 4 dB above bilinear at least."""
    from adversity_plugins.restoration.camera.demosaic_bilinear import DemosaicBilinear

    clean = photos[:1, :, :31, :]
    seen, side = mosaic_of(clean, pattern)
    with torch.no_grad():
        own, bilinear = (plugin.restore(seen, **side) for plugin in (ready, DemosaicBilinear()))
    assert _psnr(own, clean) > _psnr(bilinear, clean) + 4


def test_the_network_is_frozen_and_in_eval_mode(ready: DemosaicNet) -> None:
    """560 886 parameters, none of which collects a gradient."""
    parameters = list(ready._network.parameters())
    assert sum(p.numel() for p in parameters) == 560_886
    assert not any(p.requires_grad for p in parameters)
    assert not ready._network.training


def test_a_missing_file_is_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither installed nor fetched: the message is a command to copy."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("adversity.contracts.asset.find_spec", lambda name: None)
    with pytest.raises(
        WeightsError, match=r"not here; run: adversity assets fetch restoration/demosaicnet"
    ):
        DemosaicNet().setup("cpu")


class _Bomb:
    """A pickle that would create a file when loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_another_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its SHA-256: neither the file, which is a bomb, nor its package is run."""
    folder = tmp_path / "demosaicnet"
    file = folder / "data/bayer.pth"
    file.parent.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('must not be imported')")
    torch.save({"bias": _Bomb(tmp_path / "trace")}, file)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        WeightsError, match=r"with SHA-256 \w{12}, got \w{12}; run: adversity assets"
    ):
        DemosaicNet().setup("cpu")
    assert not (tmp_path / "trace").exists()


def test_a_plugin_without_weights_does_not_guess() -> None:
    """Before `setup` there is no network, and the message says so."""
    with pytest.raises(WeightsError, match=r"call setup"):
        DemosaicNet().restore(torch.rand(1, 3, 8, 8), pattern=torch.zeros(1, 2, 2))
