"""SRN: the program's number of weights, torch's LSTM, and a forward by NumPy and SciPy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.signal import correlate
from scipy.special import expit

from adversity.errors import WeightsError
from adversity_plugins.restoration.deblur._srn_network import ConvLSTM, doubled
from adversity_plugins.restoration.deblur.srn import SRN

if TYPE_CHECKING:
    from torch import Tensor

FILE = "weights.safetensors"
Model = Literal["lstm", "gray", "color"]
MODELS = pytest.mark.parametrize("model", ["lstm", "gray", "color"])


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights lie in a folder of the test."""
    monkeypatch.chdir(tmp_path)


@MODELS
def test_it_has_the_programs_number_of_weights(model: Model) -> None:
    """By the authors' list of layers (models/model.py): kernels of 5 x 5, 4 x 4 where it enlarges.

    Six blocks of two convolutions for each of 32, 64 and 128 channels, two that halve, two that
    enlarge, one in, one out; the cell has one of 3 x 3 from 256 to 512 channels.
    """
    planes = 3 if model == "color" else 1
    blocks = sum(12 * (25 * wide**2 + wide) for wide in (32, 64, 128))
    halve = sum(25 * wide * 2 * wide + 2 * wide for wide in (32, 64))
    enlarge = sum(16 * wide * 2 * wide + wide for wide in (32, 64))
    ends = 25 * 2 * planes * 32 + 32 + 25 * 32 * planes + planes
    cell = 9 * 256 * 512 + 512 if model == "lstm" else 0
    count = sum(value.numel() for value in SRN(weights=FILE, model=model).network().parameters())
    assert count == blocks + halve + enlarge + ends + cell
    assert count == {"lstm": 8_056_609, "gray": 6_876_449, "color": 6_881_251}[model]


def test_the_cell_is_torchs_lstm() -> None:
    """On one pixel only the middle of each kernel counts; torch has forget and new the other way."""
    cell = ConvLSTM(3).double()
    peer = torch.nn.LSTMCell(3, 3).double()
    draw = torch.Generator().manual_seed(0)
    weight = torch.randn(12, 6, generator=draw, dtype=torch.float64)
    bias = torch.randn(12, generator=draw, dtype=torch.float64)
    order = [0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11]
    with torch.no_grad():
        cell.LSTM_conv.weight[:, :, 1, 1] = weight
        cell.LSTM_conv.bias.copy_(bias)
        peer.weight_ih.copy_(weight[order, :3])
        peer.weight_hh.copy_(weight[order, 3:])
        peer.bias_ih.copy_(bias[order])
        peer.bias_hh.zero_()[3:6] = 1  # what the authors' cell adds to forget less
        images, state, hidden = torch.randn(3, 4, 3, generator=draw, dtype=torch.float64)
        made = cell(images[..., None, None], (state[..., None, None], hidden[..., None, None]))
        expected = peer(images, (hidden, state))
    torch.testing.assert_close(made[1][..., 0, 0], expected[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(made[0][..., 0, 0], expected[1], rtol=0, atol=1e-12)


def _twice(planes: Any) -> Any:
    """Resize as TensorFlow's formula has it: pixel i comes from i / 2, at most the last."""
    for axis in (1, 2):
        line = np.arange(planes.shape[axis])
        at = np.minimum(np.arange(2 * len(line)) / 2, len(line) - 1)
        planes = np.apply_along_axis(
            lambda row, at=at, line=line: np.interp(at, line, row), axis, planes
        )
    return planes


def test_sizes_are_doubled_by_the_formula() -> None:
    """Of a line 0, 1, 4 the pixels are 0, .5, 1, 2.5, 4, 4, and of an image that along both axes."""
    line = torch.tensor([0.0, 1.0, 4.0]).view(1, 1, 1, 3)
    assert doubled(line)[0, 0].tolist() == [[0.0, 0.5, 1.0, 2.5, 4.0, 4.0]] * 2
    image = torch.rand((1, 2, 3, 5), generator=torch.Generator().manual_seed(0)).double()
    np.testing.assert_allclose(doubled(image)[0], _twice(image[0].numpy()), atol=1e-12)


class _Peer:
    """The network by NumPy and SciPy, in float64."""

    def __init__(self, state: dict[str, Tensor]) -> None:
        self.state = {key: value.double().numpy() for key, value in state.items()}

    def layer(self, name: str, planes: Any, before: int, after: int) -> Any:
        padded = np.pad(planes, ((0, 0), (before, after), (before, after)))
        weight = self.state[f"{name}.weight"]
        answer = np.stack([correlate(padded, kernel, "valid")[0] for kernel in weight])
        return answer + self.state[f"{name}.bias"][:, None, None]

    def blocks(self, names: list[str], planes: Any) -> Any:
        for name in names:
            inner = np.maximum(self.layer(f"{name}.conv1", planes, 2, 2), 0)
            planes = planes + self.layer(f"{name}.conv2", inner, 2, 2)
        return planes

    def enlarged(self, name: str, planes: Any) -> Any:
        """Put each pixel's kernel down, two pixels apart, and cut one pixel off on each side."""
        weight = self.state[f"{name}.weight"]
        _, height, width = planes.shape
        canvas = np.zeros((weight.shape[1], 2 * height + 2, 2 * width + 2))
        for row in range(height):
            for column in range(width):
                stamp = np.tensordot(planes[:, row, column], weight, 1)
                canvas[:, 2 * row : 2 * row + 4, 2 * column : 2 * column + 4] += stamp
        return np.maximum(canvas[:, 1:-1, 1:-1] + self.state[f"{name}.bias"][:, None, None], 0)

    def once(self, planes: Any, memory: Any) -> Any:
        kept = []
        for level in (1, 2, 3):
            before = (2, 2) if level == 1 else (1, 2)
            step = self.layer(f"enc{level}_1", planes, *before)
            planes = np.maximum(step if level == 1 else step[:, ::2, ::2], 0)
            planes = self.blocks([f"enc{level}_{k}" for k in (2, 3, 4)], planes)
            kept.append(planes)
        if "convLSTM.LSTM_conv.bias" in self.state:
            cell, hidden = memory if memory else (0 * planes, 0 * planes)
            joined = np.concatenate([planes, hidden])
            into, new, forget, out = np.split(self.layer("convLSTM.LSTM_conv", joined, 1, 1), 4)
            cell = cell * expit(forget + 1) + expit(into) * np.tanh(new)
            planes = np.tanh(cell) * expit(out)
            memory = (cell, planes)
        planes = self.blocks(["dec3_3", "dec3_2", "dec3_1"], planes)
        for level in (2, 1):
            planes = self.enlarged(f"dec{level}_4", planes) + kept[level - 1]
            planes = self.blocks([f"dec{level}_{k}" for k in (3, 2, 1)], planes)
        return self.layer("dec1_0", planes, 2, 2), memory

    def __call__(self, planes: Any) -> Any:
        answer, memory = planes[:, ::4, ::4], None
        for every in (4, 2, 1):
            small = planes[:, ::every, ::every]
            answer = small if every == 4 else _twice(answer)
            memory = memory and tuple(map(_twice, memory))
            answer, memory = self.once(np.concatenate([small, answer]), memory)
        return answer


@MODELS
@pytest.mark.parametrize("before", ["", "module.", "g_net."])
def test_the_layers_are_the_programs(model: Model, before: str) -> None:
    """From coarse to fine by NumPy and SciPy, in float64; names as programs wrap them.

    Tolerance: float32 through 3 x 41 layers.
    """
    plugin = SRN(weights="srn.pt", model=model, channels=2)
    draw = torch.Generator().manual_seed(0)
    state = {
        key: 0.11 * torch.randn(value.shape, generator=draw)
        for key, value in plugin.network().state_dict().items()
    }
    torch.save({before + key: value for key, value in state.items()}, "srn.pt")
    plugin.setup("cpu")
    image = torch.rand((1, 3, 16, 32), generator=torch.Generator().manual_seed(1))
    peer, planes = _Peer(state), image[0].double().numpy()
    raw = peer(planes) if model == "color" else np.concatenate([peer(one[None]) for one in planes])
    expected = np.clip(raw, 0, 1)
    assert np.std(expected) > 0.05
    assert ((expected > 0) & (expected < 1)).mean() > 0.3
    np.testing.assert_allclose(plugin.restore(image)[0].numpy(), expected, rtol=0, atol=2e-5)


def test_the_memory_goes_on_from_size_to_size() -> None:
    """Where weights that read the state are 0, the answer is another."""
    plugin = SRN(weights=FILE, channels=2)
    network: Any = plugin.network()
    draw = torch.Generator().manual_seed(0)
    answers = []
    with torch.no_grad():
        for value in network.parameters():
            value.copy_(0.11 * torch.randn(value.shape, generator=draw))
        for _ in range(2):
            answers.append(network(torch.rand((1, 1, 16, 16), generator=draw.manual_seed(1))))
            network.convLSTM.LSTM_conv.weight[:, 8:] = 0
    assert float((answers[0] - answers[1]).abs().max()) > 1e-4


def test_other_sizes_and_grey(photos: Tensor) -> None:
    """Mirrored up to multiples of 16 and cut; a grey image is three of the same; it sharpens."""
    SRN.write_example_files(Path())
    plugin = SRN(weights=FILE, channels=2)
    plugin.setup("cpu")
    answer = plugin.restore(photos[..., :45, :50])
    assert answer.shape == (3, 3, 45, 50)
    inside = photos[..., :45, :50]
    assert float((answer - inside).abs().mean()) > 0.002
    steps = [one[..., 2:-2, 2:-2].diff(dim=3).abs().mean() for one in (answer, inside)]
    assert float(steps[0]) > 1.05 * float(steps[1])
    grey = plugin.restore(photos[:, :1])
    same = plugin.restore(photos[:, :1].expand(-1, 3, -1, -1))
    torch.testing.assert_close(grey, same[:, :1], atol=1e-6, rtol=0)


def test_weights_of_another_network_are_refused() -> None:
    """Those of a network without the memory are named by what is missing, and what to do."""
    save_file(SRN(weights=FILE, model="gray", channels=2).network().state_dict(), FILE)
    with pytest.raises(WeightsError, match=r"no convLSTM.*give the parameters"):
        SRN(weights=FILE, channels=2).setup("cpu")
