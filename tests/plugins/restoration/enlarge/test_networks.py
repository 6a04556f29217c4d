"""SRCNN and VDSR: published sizes, closed forms, an independent forward, and what training gives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.signal import correlate
from torch import Tensor, nn

import adversity
from adversity.errors import WeightsError
from adversity_plugins.restoration.enlarge import _bicubic as bicubic
from adversity_plugins.restoration.enlarge.srcnn import SRCNN
from adversity_plugins.restoration.enlarge.vdsr import VDSR

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = "weights.safetensors"


def _drawn(network: nn.Module, size: float = 0.3) -> nn.Module:
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in network.parameters():
            value.copy_(size * torch.randn(value.shape, generator=draw))
    return network


def _ready(plugin: Any, network: nn.Module) -> Any:
    save_file(network.state_dict(), FILE)
    plugin.setup("cpu")
    return plugin


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights lie in a folder of the test."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("kernels", "weights"), [((9, 1, 5), 8_032), ((9, 3, 5), 24_416), ((9, 5, 5), 57_184)]
)
def test_srcnn_has_the_published_number_of_weights(
    kernels: tuple[int, int, int], weights: int
) -> None:
    """8 032 and 57 184: Dong, Loy, Tang, 2016, section 1, who do not count the 97 biases.

    24 416 = 64 * 81 + 64 * 32 * 9 + 32 * 25.
    """
    plugin = SRCNN(weights=FILE, kernels=kernels)
    count = sum(value.numel() for value in plugin.network(bias=False).parameters())
    assert count == weights
    assert sum(value.numel() for value in plugin.network(bias=True).parameters()) == weights + 97


def test_vdsr_has_the_published_number_of_weights() -> None:
    """20 layers of 3 x 3: 9 * (64 + 18 * 64 * 64 + 64), and 19 * 64 + 1 biases (Kim et al., 3.1)."""
    plugin = VDSR(weights=FILE)
    for bias, count in ((False, 664_704), (True, 665_921)):
        network = plugin.network(bias=bias)
        assert sum(value.numel() for value in network.parameters()) == count
    assert sum(isinstance(layer, nn.Conv2d) for layer in network.modules()) == 20


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("factor", [2, 3])
def test_kernels_of_a_single_one_are_bicubic(photos: Tensor, channels: int, factor: int) -> None:
    """SRCNN of one middle weight in each layer, VDSR of zeros: the luma is what it was."""
    images = photos[:1, :channels]
    srcnn = SRCNN(weights=FILE, factor=factor)
    network = srcnn.network(bias=True)
    with torch.no_grad():
        for value in network.parameters():
            value.zero_()
        for layer, middle in ((network.conv1, 4), (network.conv2, 0), (network.conv3, 2)):
            layer.weight[0, 0, middle, middle] = 1
    expected = adversity.create("restoration", "bicubic", factor=factor)(images)
    assert torch.equal(_ready(srcnn, network).restore(images), expected)
    vdsr = VDSR(weights=FILE, factor=factor)
    nothing = vdsr.network(bias=False)
    with torch.no_grad():
        for value in nothing.parameters():
            value.zero_()
    assert torch.equal(_ready(vdsr, nothing).restore(images), expected)


def _layer(images: np.ndarray, layer: Any, mode: str) -> np.ndarray:
    """One convolution written out with SciPy, in float64."""
    around = layer.weight.shape[-1] // 2
    padded = np.pad(images, ((0, 0), (around, around), (around, around)), mode=mode)
    answers = []
    for kernels, bias in zip(layer.weight.double().numpy(), layer.bias.double(), strict=True):
        parts = [
            correlate(image, kernel, "valid") for image, kernel in zip(padded, kernels, strict=True)
        ]
        answers.append(sum(parts) + float(bias))
    return np.array(answers)


def test_the_layers_are_the_papers(photos: Tensor) -> None:
    """Both networks against convolutions of SciPy; 1e-5: sums of some hundred float32."""
    luma = bicubic.luma(photos[:1])
    images = luma[0].double().numpy()
    srcnn = _drawn(SRCNN(weights=FILE, channels=(3, 2)).network(bias=True))
    vdsr = _drawn(VDSR(weights=FILE, layers=4, channels=3).network(bias=True))
    with torch.no_grad():
        step = np.maximum(_layer(images, srcnn.conv1, "edge"), 0)
        step = np.maximum(_layer(step, srcnn.conv2, "edge"), 0)
        np.testing.assert_allclose(
            srcnn(luma)[0].numpy(), _layer(step, srcnn.conv3, "edge"), rtol=1e-5, atol=1e-5
        )
        step = images
        for layer in vdsr.layers[:-1]:
            step = np.maximum(_layer(step, layer, "constant"), 0)
        answer = images + _layer(step, vdsr.layers[-1], "constant")
        np.testing.assert_allclose(vdsr(luma)[0].numpy(), answer, rtol=1e-5, atol=1e-5)


def test_only_the_luma_is_changed(photos: Tensor) -> None:
    """Cb and Cr stay bicubic, Y is the network's, by MATLAB's matrix; where nothing is cut off."""
    images = 0.4 + 0.2 * photos[:1]
    plugin = VDSR(weights=FILE, layers=3, channels=2)
    network = _drawn(plugin.network(bias=True), 0.05)
    restored = _ready(plugin, network).restore(images)
    large = bicubic.enlarged(images, 2)
    matrix = torch.tensor(
        [[65.481, 128.553, 24.966], [-37.797, -74.203, 112], [112, -93.786, -18.214]]
    )
    before, after = (
        torch.einsum("pc,nchw->nphw", matrix, value) / 255 for value in (large, restored)
    )
    with torch.no_grad():
        luma = network(before[:, :1] + 16 / 255)
    assert 0.02 < float((after - before)[:, 0].abs().max()) < 0.2
    torch.testing.assert_close(after[:, :1] + 16 / 255, luma, rtol=0, atol=1e-6)
    torch.testing.assert_close(after[:, 1:], before[:, 1:], rtol=0, atol=1e-6)


def _trained(network: nn.Module, photos: list[Tensor], rate: float) -> nn.Module:
    """Train for twice the size on patches of luma, a second of Adam, every random number from one generator."""
    torch.manual_seed(0)
    pairs = []
    for photo in photos:
        clean = bicubic.luma(photo)
        small = bicubic.resized(clean, clean.shape[2] // 2, clean.shape[3] // 2)
        pairs.append(torch.cat([bicubic.enlarged(small, 2), clean], 1))
    patches = torch.cat(
        [pair.unfold(2, 24, 24).unfold(3, 24, 24).flatten(2, 3) for pair in pairs], 2
    )
    patches = patches[0].permute(1, 0, 2, 3)
    optimiser = torch.optim.Adam(network.parameters(), rate)
    for _ in range(12):
        for batch in patches[torch.randperm(len(patches))].split(16):
            optimiser.zero_grad()
            loss = (network(batch[:, :1]) - batch[:, 1:]).square().mean()
            loss.backward()
            optimiser.step()
    return network


def _bicubic_at_first(network: Any) -> nn.Module:
    """Let the first channel of SRCNN pass through, beside small random ones: it learns the rest."""
    with torch.no_grad():
        for layer in (network.conv1, network.conv2, network.conv3):
            middle = layer.weight.shape[-1] // 2
            layer.weight *= 0.3
            layer.bias *= 0.3
            layer.weight[0] = 0
            layer.weight[0, 0, middle, middle] = 1
    return network  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["srcnn", "vdsr"])
def test_a_small_one_that_was_trained_beats_bicubic(
    learnt_from: list[Tensor], judged_by: list[Tensor], luma_psnr: Callable[..., float], name: str
) -> None:
    """Declared smaller than published, trained on four photos, it gains on each of three others.

    0.29 dB and more, and 0.59 dB and more, were measured.
    """
    torch.manual_seed(1)
    plugin: Any
    if name == "srcnn":
        plugin = SRCNN(weights=FILE, channels=(16, 8))
        network = _trained(_bicubic_at_first(plugin.network(bias=True)), learnt_from, 1e-3)
    else:
        plugin = VDSR(weights=FILE, layers=4, channels=12)
        network = _trained(plugin.network(bias=True), learnt_from, 2e-3)
    _ready(plugin, network)
    for clean in judged_by:
        small = adversity.create("degradation", "downsample")(clean)
        plain = luma_psnr(adversity.create("restoration", "bicubic")(small), clean, 2)
        assert luma_psnr(plugin.restore(small), clean, 2) > plain + 0.2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"conv1.weight": torch.zeros(64, 1, 5, 5)}, r"conv1.weight of \[64, 1, 5, 5\] instead of"),
        ({"conv4.weight": torch.zeros(1)}, "conv4.weight beside"),
        ({"conv2.weight": torch.full((32, 64, 1, 1), torch.nan)}, "conv2.weight with NaN"),
        ({"conv3.bias": None}, "no conv3.bias"),
    ],
)
def test_weights_of_another_network_are_refused(change: dict[str, Any], words: str) -> None:
    """What does not fit is said, and what to do."""
    plugin = SRCNN(weights=FILE)
    state = {**plugin.network(bias=True).state_dict(), **change}
    save_file({key: value for key, value in state.items() if value is not None}, FILE)
    with pytest.raises(WeightsError, match=rf"srcnn: {FILE}: .*{words}.* give the parameters"):
        plugin.setup("cpu")


def test_what_is_no_file_of_weights_is_refused() -> None:
    """Damaged, and a plugin that nobody set up; an even kernel has no middle."""
    Path(FILE).write_bytes(b"not safetensors")
    with pytest.raises(WeightsError, match="another or a damaged file"):
        VDSR(weights=FILE).setup("cpu")
    with pytest.raises(WeightsError, match=r"call setup\(device\)"):
        VDSR(weights=FILE).restore(torch.zeros(1, 1, 8, 8))
    with pytest.raises(ValueError, match="odd size"):
        SRCNN(weights=FILE, kernels=(9, 2, 5))
