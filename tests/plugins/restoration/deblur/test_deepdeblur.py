"""DeepDeblur: the published number of weights, an independent forward, scikit-image's pyramid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.signal import correlate
from skimage.transform import pyramid_reduce

from adversity.errors import WeightsError
from adversity_plugins.restoration.deblur._deepdeblur_network import halved
from adversity_plugins.restoration.deblur.deepdeblur import DeepDeblur

if TYPE_CHECKING:
    from torch import Tensor

FILE = "weights.safetensors"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights lie in a folder of the test."""
    monkeypatch.chdir(tmp_path)


def test_it_has_the_published_number_of_weights() -> None:
    """Section 3.2: at each size 40 convolutions of 5 x 5, 64 channels; 11.7 million in all.

    38 of 64 to 64 channels, one from 3 or 6, one to 3; two that enlarge, from 3 to 12.
    """
    inner = 3 * 38 * (64 * 64 * 25 + 64)
    ends = (3 + 6 + 6) * 64 * 25 + 3 * 64 + 3 * (64 * 3 * 25 + 3) + 2 * (3 * 12 * 25 + 12)
    network = DeepDeblur(weights=FILE).network()
    counts = [value.numel() for value in network.parameters()]
    assert sum(counts) == inner + ends == 11_721_321


@pytest.mark.parametrize("size", [(8, 12), (2, 40)])
def test_the_pyramid_is_that_of_scikit_image(size: tuple[int, int]) -> None:
    """What the authors' program halves images with. Tolerance: float64."""
    image = torch.rand((1, 2, *size), generator=torch.Generator().manual_seed(0)).double()
    for own, plane in zip(halved(image)[0], image[0], strict=True):
        expected = pyramid_reduce(plane.numpy(), downscale=2, channel_axis=None)
        np.testing.assert_allclose(own.numpy(), expected, rtol=0, atol=1e-9)


def _layer(state: dict[str, Tensor], name: str, planes: np.ndarray) -> np.ndarray:
    weight, bias = (state[f"{name}.{part}"].double().numpy() for part in ("weight", "bias"))
    padded = np.pad(planes, ((0, 0), (2, 2), (2, 2)))
    answer: np.ndarray = np.stack([correlate(padded, kernel, "valid")[0] for kernel in weight])
    return answer + bias[:, None, None]


def _scale(state: dict[str, Tensor], number: int, planes: np.ndarray) -> np.ndarray:
    name = f"body_models.{number}.body"
    step = _layer(state, f"{name}.0", planes)
    for block in (1, 2):
        inner = np.maximum(_layer(state, f"{name}.{block}.body.0", step), 0)
        step = step + _layer(state, f"{name}.{block}.body.2", inner)
    return _layer(state, f"{name}.3", step)


def _larger(state: dict[str, Tensor], number: int, planes: np.ndarray) -> np.ndarray:
    deep = _layer(state, f"conv_end_models.{number}.uppath.0", planes)
    _, height, width = deep.shape
    apart = deep.reshape(3, 2, 2, height, width)
    return apart.transpose(0, 3, 1, 4, 2).reshape(3, 2 * height, 2 * width)


@pytest.mark.parametrize("before", ["", "model.", "module.model."])
def test_the_layers_are_the_papers(before: str) -> None:
    """From coarse to fine with SciPy and NumPy, in float64; names as programs wrap them.

    Tolerance: float32 through 24 layers of values up to 255.
    """
    plugin = DeepDeblur(weights="deblur.pt", blocks=2, channels=5)
    draw = torch.Generator().manual_seed(0)
    state = {
        key: 0.08 * torch.randn(value.shape, generator=draw)
        for key, value in plugin.network().state_dict().items()
    }
    torch.save({before + key: value for key, value in state.items()}, "deblur.pt")
    plugin.setup("cpu")
    image = torch.rand((1, 3, 12, 16), generator=torch.Generator().manual_seed(1))
    sizes = [image[0].double().numpy() * 255 - 127.5]
    for _ in range(2):
        sizes.append(np.stack([pyramid_reduce(plane, channel_axis=None) for plane in sizes[-1]]))
    step = _scale(state, 2, sizes[2])
    for number in (1, 0):
        joined = np.concatenate([sizes[number], _larger(state, number + 1, step)])
        step = _scale(state, number, joined)
    expected = np.clip((step + 127.5) / 255, 0, 1)
    assert np.abs(expected - image[0].numpy()).mean() > 0.05
    assert 0.05 < expected.mean() < 0.95
    np.testing.assert_allclose(plugin.restore(image)[0].numpy(), expected, rtol=0, atol=2e-5)


def test_other_sizes_are_mirrored_and_cut(photos: Tensor) -> None:
    """A grey image is three of the same; the corner does not know that the image was cut."""
    DeepDeblur.write_example_files(Path())
    plugin = DeepDeblur(weights=FILE, blocks=1, channels=4)
    plugin.setup("cpu")
    whole, part = plugin.restore(photos), plugin.restore(photos[..., :47, :61])
    torch.testing.assert_close(part[..., :40, :50], whole[..., :40, :50], atol=1e-5, rtol=0)
    grey = plugin.restore(photos[:, :1])
    assert grey.shape == photos[:, :1].shape
    same = plugin.restore(photos[:, :1].expand(-1, 3, -1, -1))
    torch.testing.assert_close(grey, same[:, :1], atol=1e-6, rtol=0)
    assert float((whole - photos).abs().mean()) > 0.003


def test_weights_of_another_network_are_refused() -> None:
    """What is missing is said by name, and what to do."""
    save_file({"body_models.0.body.0.weight": torch.zeros(64, 3, 5, 5)}, FILE)
    with pytest.raises(WeightsError, match=r"of \[64, 3, 5, 5\] instead of|no body_models"):
        DeepDeblur(weights=FILE).setup("cpu")
