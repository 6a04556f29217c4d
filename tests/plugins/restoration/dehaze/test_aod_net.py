"""AOD-Net: the published number of weights, an independent forward, a planted truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.signal import correlate
from torch import Tensor

from adversity.errors import WeightsError
from adversity_plugins.restoration._whole_blocks import in_whole_blocks, mirrored
from adversity_plugins.restoration.dehaze.aod_net import AODNet

if TYPE_CHECKING:
    from pathlib import Path

FILE = "weights.safetensors"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights lie in a folder of the test."""
    monkeypatch.chdir(tmp_path)


def _network() -> Any:
    return AODNet(weights=FILE).network()


def _drawn() -> Any:
    network, draw = _network(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in network.parameters():
            value.copy_(0.3 * torch.randn(value.shape, generator=draw))
    return network.requires_grad_(requires_grad=False)


def _ready(state: dict[str, Tensor], file: str = FILE) -> AODNet:
    if file == FILE:
        save_file(state, file)
    else:
        torch.save(state, file)
    plugin = AODNet(weights=file)
    plugin.setup("cpu")
    return plugin


def test_it_has_the_published_number_of_weights() -> None:
    """1 761: kernels of 1, 3, 5, 7 and 3 pixels over 3, 3, 6, 6 and 12 channels, and 15 biases."""
    sizes = [3 * 3 * 1, 3 * 3 * 9, 6 * 3 * 25, 6 * 3 * 49, 12 * 3 * 9]
    assert sum(sizes) + 15 == 1_761
    assert sum(value.numel() for value in _network().parameters()) == 1_761


@pytest.mark.parametrize("prefix", ["", "e_"])
def test_the_layers_are_the_papers(prefix: str) -> None:
    """Section 3.2 and equation 4 written out with SciPy, in float64; names of either kind."""
    network = _drawn()
    state = {prefix + key: value for key, value in network.state_dict().items()}
    plugin = _ready(state, "dehazer.pth" if prefix else FILE)
    images = torch.rand((1, 3, 11, 9), generator=torch.Generator().manual_seed(1))

    def layer(name: str, *given: np.ndarray) -> np.ndarray:
        planes = np.concatenate(given)
        weight = state[f"{prefix}{name}.weight"].double().numpy()
        edge = weight.shape[-1] // 2
        padded = np.pad(planes, ((0, 0), (edge, edge), (edge, edge)))
        bias = state[f"{prefix}{name}.bias"].double().numpy()
        sums = [correlate(padded, kernel, "valid")[0] for kernel in weight]
        answer: np.ndarray = np.maximum(np.stack(sums) + bias[:, None, None], 0)
        return answer

    hazy = images[0].double().numpy()
    first = layer("conv1", hazy)
    second = layer("conv2", first)
    third = layer("conv3", first, second)
    fourth = layer("conv4", second, third)
    factor = layer("conv5", first, second, third, fourth)
    expected = np.clip(factor * hazy - factor + 1, 0, 1)
    assert np.abs(expected - hazy).mean() > 0.05
    np.testing.assert_allclose(plugin.restore(images)[0].numpy(), expected, rtol=0, atol=1e-5)


def test_an_even_white_veil_comes_off(photos: Tensor) -> None:
    """With K = 1 / t everywhere, in = t J + 1 - t gives J back: equation 4 for airlight 1."""
    network = _network()
    with torch.no_grad():
        for value in network.parameters():
            value.zero_()
        network.conv5.bias[:] = 1 / 0.4
    plugin = _ready(network.state_dict())
    for clean in (photos, photos[:, :1]):
        torch.testing.assert_close(plugin.restore(0.4 * clean + 0.6), clean, atol=1e-6, rtol=0)


def test_weights_of_another_network_are_refused() -> None:
    """What does not fit is said by name, and what to do."""
    state = _network().state_dict()
    state["conv2.weight"] = torch.zeros(3, 3, 5, 5)
    with pytest.raises(WeightsError, match=r"aod_net: weights.*conv2.weight of \[3, 3, 5, 5\]"):
        _ready(state)
    with pytest.raises(WeightsError, match=r"call setup\(device\)"):
        AODNet(weights=FILE).restore(torch.zeros(1, 3, 8, 8))


@pytest.mark.parametrize("length", [1, 2, 5, 40])
def test_an_axis_is_lengthened_by_its_mirror(length: int) -> None:
    """As NumPy's `reflect`, however short the axis; and what is cut is where it was."""
    row = torch.arange(float(length)).view(1, 1, 1, -1)
    for more in (0, 1, 63):
        expected = np.pad(row.numpy(), ((0, 0), (0, 0), (0, 0), (0, more)), mode="reflect")
        np.testing.assert_array_equal(mirrored(row, 3, more).numpy(), expected)
    shapes = []

    def network(images: Tensor) -> Tensor:
        shapes.append(tuple(images.shape))
        return images

    assert torch.equal(in_whole_blocks(network, row, 64), row)
    assert shapes == [(1, 1, 64, 64)]
