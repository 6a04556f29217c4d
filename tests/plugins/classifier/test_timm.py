"""timm's networks with weights from files, against timm itself."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from safetensors.torch import save_file

from adversity.contracts.project_files import bind_files
from adversity.errors import ParameterError, WeightsError
from adversity_plugins.classifier.network import _timm_network as networks
from adversity_plugins.classifier.network.timm import Timm

timm = pytest.importorskip("timm", reason='needs `pip install "adversity[timm]"`')

# Small networks of timm, made for tests: convolutions, and a transformer of one input size.
CONVOLUTIONS, TRANSFORMER = "test_resnet", "test_vit"


def own(architecture, *, classes=3, **given):
    """Return a network as timm's user makes it, with drawn weights."""
    before = torch.get_rng_state()
    torch.manual_seed(1)
    network = timm.create_model(architecture, pretrained=False, num_classes=classes, **given)
    torch.set_rng_state(before)
    return network.eval()


@pytest.fixture
def made(tmp_path):
    """Return a function that stores weights and returns the classifier that reads them."""

    def make(network, architecture=CONVOLUTIONS, file="net.safetensors", **given):
        if file.endswith(".safetensors"):
            save_file(network.state_dict(), tmp_path / file)
        else:
            torch.save({"state_dict": network.state_dict()}, tmp_path / file)
        plugin = Timm(architecture=architecture, file=file, **given)
        bind_files(plugin, tmp_path)
        plugin.setup("cpu")
        return plugin

    return make


@pytest.mark.parametrize("file", ["net.safetensors", "net.pth"])
@pytest.mark.parametrize("architecture", [CONVOLUTIONS, TRANSFORMER])
def test_the_logits_are_timms_own(made, noise, tmp_path, architecture, file):
    """To the bit: the same network, called by hand on images that timm's numbers normalise."""
    network = own(architecture)
    plugin = made(network, architecture, file, classes=("a", "b", "c"))
    config = network.pretrained_cfg
    images = noise(2, 3, *config["input_size"][1:])
    mean, std = (torch.tensor(config[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    with torch.no_grad():
        assert torch.equal(plugin.logits(images), network((images - mean) / std))
    assert plugin.class_names == ("a", "b", "c")
    digest = hashlib.sha256((tmp_path / file).read_bytes()).hexdigest()
    assert plugin.describe()["sha256"] == digest
    assert not any(p.requires_grad for p in plugin._network.parameters())


@pytest.mark.parametrize("size", [(300, 211), (161, 160), (97, 131)])
@pytest.mark.parametrize("mode", ["center", "squash"])
def test_images_are_prepared_as_timms_evaluation_does(made, size, mode):
    """Against its own transform, which works on bytes: half a level in each pass."""
    from timm.data import create_transform

    given = {"interpolation": "bicubic", "crop_mode": mode, "resize": 182, "crop": 160}
    plugin = made(own(CONVOLUTIONS), **given)
    config = plugin._transform
    transform = create_transform(
        (3, 160, 160),
        crop_pct=160 / 182,
        crop_mode=mode,
        interpolation="bicubic",
        mean=config["mean"],
        std=config["std"],
    )
    # Smooth and within the range: noise overshoots, which bytes cut off between the two passes.
    coarse = np.random.default_rng(0).integers(64, 192, (6, 6, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC)
    expected = transform(smooth)[None]
    images = torch.from_numpy(np.asarray(smooth).copy()).permute(2, 0, 1)[None] / 255
    std = torch.tensor(config["std"]).view(1, 3, 1, 1)
    apart = (plugin._prepared(images) - expected) * std
    # Half a level after the first pass, carried by weights of 1.25 in all, and half after the other.
    assert float(apart.abs().max()) <= 1.125 / 255


def test_the_usual_numbers_are_timms_and_the_report_says_so(made):
    """Of the architecture, or of the weights that a tag names; what is given is no default."""
    usual = made(own(TRANSFORMER), TRANSFORMER)
    config = own(TRANSFORMER).pretrained_cfg
    facts = usual.describe()
    assert facts["input"]["mean"] == config["mean"]
    assert facts["input"]["crop"] == config["input_size"][1]
    assert facts["input"]["resize"] == int(config["input_size"][1] / config["crop_pct"])
    assert set(facts["by_default"]) == set(facts["input"])
    given = made(own(TRANSFORMER), TRANSFORMER, mean=(0.1, 0.2, 0.3), crop_mode="squash")
    assert given.describe()["input"]["mean"] == (0.1, 0.2, 0.3)
    assert {"mean", "crop_mode"}.isdisjoint(given.describe()["by_default"])


def test_a_tag_brings_its_own_numbers():
    """Two sets of weights of one architecture were trained on images prepared otherwise."""
    plain, other = (
        networks.configuration(f"resnet50.{tag}") for tag in ("tv_in1k", "fb_ssl_yfcc100m_ft_in1k")
    )
    assert (plain["tag"], plain["interpolation"], plain["crop_pct"]) == (
        "tv_in1k",
        "bilinear",
        0.875,
    )
    assert networks.configuration("resnet50.a1_in1k")["crop_pct"] == 0.95
    assert other["tag"] != plain["tag"]
    with pytest.raises(
        ParameterError, match=r"resnet50 has no weights with the tag 'a1_in1'.*a1_in"
    ):
        networks.configuration("resnet50.a1_in1")


def test_bgr_and_levels_of_255_are_the_same_pixels_in_another_writing(made, noise):
    """The usual mean and deviation follow range and order of channels; grey is three times grey."""
    network = own(CONVOLUTIONS)
    images = noise(2, 3, 160, 160)
    plain = made(network)
    with torch.no_grad():
        turned = made(network, channel_order="bgr").logits(images.flip(1))
        # The network sees the same channels in the other order: so do its first weights.
        assert torch.allclose(made(network, pixel_range="0..255").logits(images), plain.logits(images),
                              atol=1e-5)  # fmt: skip
        grey = images[:, :1]
        assert torch.equal(plain.logits(grey), plain.logits(grey.expand(-1, 3, -1, -1)))
        flipped = made(own(CONVOLUTIONS), channel_order="bgr")._prepared(images)
        assert torch.equal(flipped, plain._prepared(images).flip(1))
    assert not torch.equal(turned, plain.logits(images.flip(1)))


@pytest.mark.parametrize("architecture", [CONVOLUTIONS, TRANSFORMER, "test_convnext"])
def test_features_lead_to_the_logits(made, noise, architecture):
    """The last layer on the features gives the logits."""
    plugin = made(own(architecture), architecture)
    images = noise(2, 3, 160, 160)
    with torch.no_grad():
        features = plugin.features(images)
        head = plugin._network.get_submodule(networks.configuration(architecture)["layer"])
        torch.testing.assert_close(head(features), plugin.logits(images))
    assert features.ndim == 2


def test_a_transformer_of_another_size(made, noise):
    """It is built for `crop`, as its weights were; of the usual size they do not fit."""
    network = own(TRANSFORMER, img_size=96)
    plugin = made(network, TRANSFORMER, crop=96)
    images = noise(2, 3, 96, 96)
    with torch.no_grad():
        assert torch.equal(plugin.logits(images), network(plugin._prepared(images)))
    with pytest.raises(WeightsError, match="of another shape"):
        made(network, TRANSFORMER)


def test_a_size_that_a_network_cannot_be_built_for_is_refused():
    """Each says so in words of its own, and the message has them."""
    with pytest.raises(ParameterError, match=r"built for images of 97 x 97 .*patch_size"):
        networks.build("xcit_nano_12_p8_224", classes=3, side=97)


def test_no_connection_is_opened_and_no_random_state_moves(made, monkeypatch):
    """Neither the network nor its configuration is looked for elsewhere."""

    def refuse(*_, **__):
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    network = own(CONVOLUTIONS)
    before = torch.get_rng_state()
    made(network)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("architecture", "said"),
    [
        ("test_resnt", "timm has no network 'test_resnt'; did you mean test_resnet"),
        ("hf-hub:some/where", "timm has no network 'hf-hub:some/where'"),
        ("local-dir:/tmp", "timm has no network"),
    ],
)
def test_only_names_of_timm_are_architectures(architecture, said):
    """Above all nothing that timm would fetch."""
    with pytest.raises(ValidationError, match=said):
        Timm(architecture=architecture, file="w.safetensors")


def test_every_architecture_is_known_without_importing_timm():
    """The names read from the sources are those that timm lists."""
    assert set(networks.architectures()) == set(timm.list_models())
    code = (
        "import sys; from adversity_plugins.classifier.network.timm import Timm\n"
        "try: Timm(architecture='resnet5O', file='w.pt')\n"
        "except ValueError as error: print(error)\n"
        "sys.exit(bool({'torch', 'timm'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "did you mean resnet50" in done.stdout


def test_weights_of_another_network_are_refused(made, tmp_path):
    """A file without its last layer, of another network, or with names for other classes."""
    network = own(CONVOLUTIONS)
    save_file({"some.weight": torch.ones(2, 2)}, tmp_path / "other.safetensors")
    plugin = Timm(architecture=CONVOLUTIONS, file="other.safetensors")
    bind_files(plugin, tmp_path)
    with pytest.raises(WeightsError, match=r"have no last layer of test_resnet \(fc.weight\)"):
        plugin.setup("cpu")
    with pytest.raises(WeightsError, match="do not fit the network"):
        made(network, "resnet18")
    with pytest.raises(ParameterError, match="expected 3 names in classes"):
        made(network, classes=("a", "b"))
    with pytest.raises(ParameterError, match="resize 100 is smaller than crop 160"):
        made(network, resize=100)


def test_what_timm_alone_can_do_to_images_must_be_said_otherwise(made, monkeypatch):
    """A crop that pads is not guessed at: who knows how the weights were trained says so."""
    usual = networks.configuration(CONVOLUTIONS)
    monkeypatch.setattr(networks, "configuration", lambda _: usual | {"crop_mode": "border"})
    network = own(CONVOLUTIONS)
    with pytest.raises(
        ParameterError, match=r"not known here \(crop_mode border\); say `crop_mode`"
    ):
        made(network)
    assert made(network, crop_mode="center").describe()["input"]["crop_mode"] == "center"


def test_without_timm_the_message_has_the_command(tmp_path, monkeypatch):
    """The architecture cannot be judged then, and `setup` says why."""
    monkeypatch.setattr(networks, "is_installed", lambda: False)
    plugin = Timm(architecture="whatever", file="w.safetensors")
    with pytest.raises(WeightsError, match=r'not installed; run: pip install "adversity\[timm\]"'):
        plugin.setup("cpu")
