"""DeblurGAN-v2: the program's number of weights, and a pyramid over others' backbones.

They are torchvision's MobileNet-V2 and timm's Inception-ResNet-v2.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import mobilenet_v2

from adversity.errors import WeightsError
from adversity.testing import check_plugin
from adversity_plugins.restoration.deblur._own_statistics import OwnStatistics
from adversity_plugins.restoration.deblur.deblurgan_v2 import DeblurGANv2

FILE = "fpn.pth"
Backbone = Literal["mobilenet", "inception"]
LAYERS = {
    "enc0": ("conv2d_1a",),
    "enc1": ("conv2d_2a", "conv2d_2b", "maxpool_3a"),
    "enc2": ("conv2d_3b", "conv2d_4a", "maxpool_5a"),
    "enc3": ("mixed_5b", "repeat", "mixed_6a"),
    "enc4": ("repeat_1", "mixed_7a"),
}
"""Of Inception-ResNet-v2, by what the authors' program (models/fpn_inception.py) calls them."""
UNUSED = ("repeat_2", "block8", "conv2d_7b", "classif")


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


def _timms() -> Any:
    timm = pytest.importorskip("timm", reason='needs `pip install "adversity[timm]"`')
    return timm.create_model("inception_resnet_v2", pretrained=False).train()


def _as_timm_has_it(key: str) -> str:
    """Return a layer's name in timm for one under `fpn`."""
    level, *rest = key.split(".")
    if level == "enc0":
        return ".".join([LAYERS[level][0], *rest])
    return ".".join([LAYERS[level][int(rest[0])], *rest[1:]])


def test_it_has_the_programs_number_of_weights() -> None:
    """3 312 707 in the authors' program (counted in the copy that MMagic 1.2 has).

    The last layers of MobileNet-V2 are among them, which nothing uses; they are torchvision's here.
    """
    network = DeblurGANv2(weights=FILE).network()
    unused = sum(_count(layer) for layer in mobilenet_v2(weights=None).features[16:])
    assert _count(network) == 2_106_627
    assert _count(network) + unused == 3_312_707


def test_the_large_one_has_the_programs_number_of_weights() -> None:
    """60 929 291 in the authors' program (counted in the copy that MMagic 1.2 has).

    Four last layers of Inception-ResNet-v2 are among them, which nothing uses; they are timm's
    here, whose whole network has 55 843 464.
    """
    network = DeblurGANv2(weights=FILE, backbone="inception").network()
    peer = _timms()
    unused = sum(_count(getattr(peer, name)) for name in UNUSED)
    assert _count(peer) == 55_843_464
    assert _count(network) == 35_840_099
    assert _count(network) + unused == 60_929_291


def test_the_encoder_is_timms() -> None:
    """The same weights, by name, make the same features where the pyramid takes them.

    timm's batch norms are in training mode, on one image. Tolerance: float64 through 134 layers one
    behind another (1e-13 measured); with torch's epsilon in the norms it would be 0.08 off, with
    0.15 for the scales of residuals 0.3.
    """
    fpn: Any = _drawn(DeblurGANv2(weights=FILE, backbone="inception").network()).fpn.double()
    peer = _timms().double()
    ours = {
        _as_timm_has_it(key): value
        for key, value in fpn.state_dict().items()
        if key.startswith("enc")
    }
    used = {key for key, _ in peer.named_parameters() if key.partition(".")[0] not in UNUSED}
    assert ours.keys() == used
    peer.load_state_dict(ours, strict=False)
    draw = torch.Generator().manual_seed(2)
    step = other = torch.rand((1, 3, 160, 128), generator=draw, dtype=torch.float64) * 2 - 1
    shapes = ((32, 79, 63), (64, 38, 30), (192, 17, 13), (1088, 8, 6), (2080, 3, 2))
    for level, shape in enumerate(shapes):
        with torch.no_grad():
            step = fpn.get_submodule(f"enc{level}")(step)
            for name in LAYERS[f"enc{level}"]:
                other = getattr(peer, name)(other)
        assert step.shape == (1, *shape)
        assert float(other.std()) > 0.1
        torch.testing.assert_close(step, other, atol=1e-10, rtol=0)


def _levels(state: dict[str, Tensor], backbone: Backbone) -> list[nn.Sequential]:
    """Return the other's layers between the places where the pyramid takes features."""
    ours = {
        key.removeprefix("fpn."): value for key, value in state.items() if key.startswith("fpn.enc")
    }
    if backbone == "inception":
        peer = _timms()
        peer.load_state_dict({_as_timm_has_it(key): ours[key] for key in ours}, strict=False)
        return [nn.Sequential(*(getattr(peer, name) for name in row)) for row in LAYERS.values()]
    layers: Any = mobilenet_v2(weights=None).features[:16].train()
    with torch.no_grad():
        for value, given in zip(layers.parameters(), ours.values(), strict=True):
            value.copy_(given)
    return [layers[start:end] for start, end in ((0, 2), (2, 4), (4, 7), (7, 11), (11, 16))]


BORDERS = ((0, 1, 0, 1), (1, 1, 1, 1), (1, 2, 1, 2), (1, 1, 1, 1), (1, 1, 1, 1))
"""As the authors' program has them; left, right, above, below."""


def _peer(state: dict[str, Tensor], image: Tensor, backbone: Backbone) -> Tensor:
    """Return the pyramid over another's backbone in training mode, with torch's instance norm."""

    def convolved(name: str, planes: Tensor) -> Tensor:
        weight, bias = state[f"{name}.weight"], state.get(f"{name}.bias")
        return functional.conv2d(planes, weight, bias, padding=weight.shape[-1] // 2)

    def smooth(name: str, planes: Tensor) -> Tensor:
        return functional.relu(functional.instance_norm(convolved(f"{name}.0", planes)))

    def larger(planes: Tensor, times: int) -> Tensor:
        return planes.repeat_interleave(times, 2).repeat_interleave(times, 3)

    maps, step = [], image
    for level, layers in enumerate(_levels(state, backbone)):
        step = layers(step)
        side = convolved(f"fpn.lateral{level}", step)
        bordered = backbone == "inception"
        maps.append(functional.pad(side, BORDERS[level], "reflect") if bordered else side)
    maps[3] = smooth("fpn.td1", maps[3] + larger(maps[4], 2))
    maps[2] = smooth("fpn.td2", maps[2] + larger(maps[3], 2))
    maps[1] = smooth("fpn.td3", maps[1] + larger(maps[2], 2))
    heads = []
    for level, times in ((4, 8), (3, 4), (2, 2), (1, 1)):
        inner = functional.relu(convolved(f"head{level}.block0", maps[level]))
        heads.append(larger(functional.relu(convolved(f"head{level}.block1", inner)), times))
    joined = larger(smooth("smooth", torch.cat(heads, 1)), 2) + maps[0]
    return convolved("final", larger(smooth("smooth2", joined), 2)).tanh() + image


MORE = {
    "mobilenet": {
        "fpn.features.18.0.weight": torch.zeros(1280, 320, 1, 1),
        "fpn.enc0.0.1.running_mean": torch.zeros(32),
        "fpn.enc0.0.1.num_batches_tracked": torch.tensor(5),
    },
    "inception": {
        "fpn.inception.conv2d_1a.conv.weight": torch.zeros(32, 3, 3, 3),
        "fpn.inception.conv2d_1a.bn.running_var": torch.ones(32),
        "fpn.inception.last_linear.bias": torch.zeros(1000),
        "fpn.enc0.bn.running_mean": torch.zeros(32),
        "fpn.enc0.bn.num_batches_tracked": torch.tensor(5),
        "fpn.td1.1.running_var": torch.ones(256),
        "smooth.1.num_batches_tracked": torch.tensor(5),
    },
}
"""What the authors' files hold beside: layers twice, layers that nothing uses, statistics."""


@pytest.mark.parametrize("backbone", ["mobilenet", "inception"])
def test_it_is_the_authors_network(backbone: Backbone) -> None:
    """From a file as their program writes it: under `model`, with `module.`, and what is beside.

    Tolerance: float32 through 60 layers of MobileNet-V2, 140 of Inception-ResNet-v2; 1e-5 measured
    with both.
    """
    plugin = DeblurGANv2(weights=FILE, backbone=backbone)
    state = _drawn(plugin.network()).state_dict()
    kept = {f"module.{key}": value for key, value in (state | MORE[backbone]).items()}
    torch.save({"model": kept}, FILE)
    plugin.setup("cpu")
    size = {"mobilenet": (64, 96), "inception": (128, 160)}[backbone]
    image = torch.rand((1, 3, *size), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = ((_peer(state, image * 2 - 1, backbone) + 1) / 2).clamp(0, 1)
    assert float((expected - image).abs().mean()) > 0.05
    tolerance = {"mobilenet": 2e-5, "inception": 5e-5}[backbone]
    torch.testing.assert_close(plugin.restore(image), expected, atol=tolerance, rtol=0)


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


def _write_large(channels: int) -> DeblurGANv2:
    """Write a file of the large network that sharpens a little, at half the size; return it ready."""
    plugin = DeblurGANv2(weights="large.safetensors", backbone="inception", channels=channels)
    network: Any = plugin.network()
    with torch.no_grad():
        for value in network.parameters():
            value.zero_()
        first = network.fpn.enc0
        first.conv.weight[0] = 1 / 27
        first.bn.weight[0], first.bn.bias[0] = 1, 3  # above 0, where nothing is cut
        network.fpn.lateral0.weight[0, 0] = 1
        for channel, sign in ((0, 1), (1, -1)):
            network.smooth2[0].weight[channel, 0] = -sign / 9
            network.smooth2[0].weight[channel, 0, 1, 1] += sign
            network.final.weight[:, channel, 1, 1] = 0.01 * sign
    save_file(network.state_dict(), "large.safetensors")
    plugin.setup("cpu")
    return plugin


def test_the_large_one_takes_small_images(photos: Tensor) -> None:
    """Of less than 128 pixels the smallest level has nothing left; NumPy mirrors them up to that."""
    plugin = _write_large(4)
    small = photos[:1, :, :45, :20]
    whole = small.numpy()
    for target in ((64, 32), (128, 128)):
        more = [(0, size - length) for size, length in zip(target, whole.shape[2:], strict=True)]
        whole = np.pad(whole, [(0, 0), (0, 0), *more], mode="reflect")
    answer = plugin.restore(small)
    assert float((answer - small).abs().mean()) > 0.0005
    expected = plugin.restore(torch.from_numpy(whole))[..., :45, :20]
    torch.testing.assert_close(answer, expected, atol=0, rtol=0)


@pytest.mark.slow
def test_the_large_one_passes_the_kit() -> None:
    """What depends on the backbone; as an example it would take the kit ten times as long."""
    plugin = _write_large(4)
    given = {"weights": plugin.weights.text, "backbone": "inception", "channels": 4}
    only = ("answers", "alone", "same_seed", "gradient_is_right", "helps", "modes_and_buffers")
    assert check_plugin(DeblurGANv2, parameters=given, only=only).passed


def test_weights_of_another_network_are_refused() -> None:
    """A file of the wider generator is named by what does not fit."""
    torch.save(DeblurGANv2(weights=FILE, channels=32).network().state_dict(), FILE)
    with pytest.raises(WeightsError, match=r"deblurgan_v2: .*instead of .*give the parameters"):
        DeblurGANv2(weights=FILE).setup("cpu")


def test_weights_of_the_other_backbone_are_refused() -> None:
    """A file of the light generator is none of the large one."""
    torch.save(DeblurGANv2(weights=FILE).network().state_dict(), FILE)
    with pytest.raises(WeightsError, match=r"fpn\.enc0\.conv\.weight.*give the parameters"):
        DeblurGANv2(weights=FILE, backbone="inception").setup("cpu")
