"""DeblurGAN-v2: the program's number of weights, and a pyramid over torchvision's MobileNet-V2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import mobilenet_v2

from adversity.errors import WeightsError
from adversity_plugins.restoration.deblur._deblurgan_network import OwnStatistics
from adversity_plugins.restoration.deblur.deblurgan_v2 import DeblurGANv2

FILE = "fpn_mobilenet.pth"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights lie in a folder of the test."""
    monkeypatch.chdir(tmp_path)


def _count(module: nn.Module) -> int:
    return sum(value.numel() for value in module.parameters())


def _drawn(network: nn.Module) -> nn.Module:
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in network.parameters():
            noise = torch.randn(value.shape, generator=draw)
            value.copy_(0.06 * noise if value.ndim > 1 else 0.7 + 0.1 * noise)
    return network


def test_it_has_the_programs_number_of_weights() -> None:
    """3 312 707 in the authors' program (counted in the copy that MMagic 1.2 has).

    The last layers of MobileNet-V2 are among them, which nothing uses; they are torchvision's here.
    """
    network = DeblurGANv2(weights=FILE).network()
    unused = sum(_count(layer) for layer in mobilenet_v2(weights=None).features[16:])
    assert _count(network) == 2_106_627
    assert _count(network) + unused == 3_312_707


def _peer(state: dict[str, Tensor], image: Tensor) -> Tensor:
    """Return the pyramid over torchvision's backbone in training mode, with torch's instance norm."""
    backbone: Any = mobilenet_v2(weights=None).features[:16].train()
    ours = [value for key, value in state.items() if key.startswith("fpn.enc")]
    with torch.no_grad():
        for value, given in zip(backbone.parameters(), ours, strict=True):
            value.copy_(given)

    def convolved(name: str, planes: Tensor) -> Tensor:
        weight, bias = state[f"{name}.weight"], state.get(f"{name}.bias")
        return functional.conv2d(planes, weight, bias, padding=weight.shape[-1] // 2)

    def smooth(name: str, planes: Tensor) -> Tensor:
        return functional.relu(functional.instance_norm(convolved(f"{name}.0", planes)))

    def larger(planes: Tensor, times: int) -> Tensor:
        return planes.repeat_interleave(times, 2).repeat_interleave(times, 3)

    maps, start, step = [], 0, image
    for level, end in enumerate((2, 4, 7, 11, 16)):
        step = backbone[start:end](step)
        maps.append(convolved(f"fpn.lateral{level}", step))
        start = end
    maps[3] = smooth("fpn.td1", maps[3] + larger(maps[4], 2))
    maps[2] = smooth("fpn.td2", maps[2] + larger(maps[3], 2))
    maps[1] = smooth("fpn.td3", maps[1] + larger(maps[2], 2))
    heads = []
    for level, times in ((4, 8), (3, 4), (2, 2), (1, 1)):
        inner = functional.relu(convolved(f"head{level}.block0", maps[level]))
        heads.append(larger(functional.relu(convolved(f"head{level}.block1", inner)), times))
    joined = larger(smooth("smooth", torch.cat(heads, 1)), 2) + maps[0]
    return convolved("final", larger(smooth("smooth2", joined), 2)).tanh() + image


def test_it_is_the_authors_network() -> None:
    """From a file as their program writes it: under `model`, with `module.`, layers twice, statistics.

    Tolerance: float32 through 60 layers.
    """
    plugin = DeblurGANv2(weights=FILE)
    state = _drawn(plugin.network()).state_dict()
    more = {
        "fpn.features.18.0.weight": torch.zeros(1280, 320, 1, 1),
        "fpn.enc0.0.1.running_mean": torch.zeros(32),
        "fpn.enc0.0.1.num_batches_tracked": torch.tensor(5),
    }
    kept = {f"module.{key}": value for key, value in (state | more).items()}
    torch.save({"model": kept}, FILE)
    plugin.setup("cpu")
    image = torch.rand((1, 3, 64, 96), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = ((_peer(state, image * 2 - 1) + 1) / 2).clamp(0, 1)
    assert float((expected - image).abs().mean()) > 0.05
    torch.testing.assert_close(plugin.restore(image), expected, atol=2e-5, rtol=0)


def test_an_image_does_not_depend_on_its_neighbours(photos: Tensor) -> None:
    """Statistics are those of each image, where a batch norm in training mode has the batch's."""
    norm = OwnStatistics(3, affine=True)
    batch = torch.nn.BatchNorm2d(3).train()
    torch.testing.assert_close(norm(photos[:1]), batch(photos[:1]), atol=1e-5, rtol=0)
    together = norm(photos)
    torch.testing.assert_close(together[:1], norm(photos[:1]), atol=1e-6, rtol=0)
    assert not torch.allclose(together, batch(photos), atol=1e-2)
    assert torch.equal(norm(torch.full((1, 3, 1, 1), 0.3)), torch.zeros(1, 3, 1, 1))


def test_other_sizes_and_grey(photos: Tensor) -> None:
    """Mirrored up to multiples of 32 and cut; a grey image is three of the same."""
    DeblurGANv2.write_example_files(Path())
    plugin = DeblurGANv2(weights="weights.safetensors", channels=4)
    plugin.setup("cpu")
    answer = plugin.restore(photos[..., :45, :50])
    assert answer.shape == (3, 3, 45, 50)
    assert 0.0005 < float((answer - photos[..., :45, :50]).abs().mean()) < 0.02
    grey = plugin.restore(photos[:, :1])
    same = plugin.restore(photos[:, :1].expand(-1, 3, -1, -1))
    torch.testing.assert_close(grey, same[:, :1], atol=1e-6, rtol=0)


def test_weights_of_another_network_are_refused() -> None:
    """A file of the wider generator is named by what does not fit."""
    torch.save(DeblurGANv2(weights=FILE, channels=32).network().state_dict(), FILE)
    with pytest.raises(WeightsError, match=r"deblurgan_v2: .*instead of .*give the parameters"):
        DeblurGANv2(weights=FILE).setup("cpu")
