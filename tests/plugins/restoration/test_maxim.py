"""MAXIM: the graph that its authors published run by itself, published counts, weights by name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from skimage import data
from torch import Tensor

import adversity
from adversity.errors import WeightsError
from adversity_plugins.restoration._maxim.names import own_name, state_dict
from adversity_plugins.restoration._maxim.network import MaximNetwork
from adversity_plugins.restoration._maxim.weights import MODELS, published, published_weights
from adversity_plugins.restoration.brighten.maxim_enhance import MaximEnhance
from adversity_plugins.restoration.deblur.maxim_deblur import MaximDeblur
from adversity_plugins.restoration.dehaze.maxim_dehaze import MaximDehaze
from adversity_plugins.restoration.denoise.maxim_denoise import MaximDenoise
from adversity_plugins.restoration.derain.maxim_derain import MaximDerain
from tfjs_graph import GraphModel

PAGE = Path(__file__).parents[3] / "docs/kinds/restoration.md"
PLUGINS: list[Any] = [MaximDenoise, MaximDeblur, MaximDerain, MaximDehaze, MaximEnhance]


def _photo(height: int, width: int) -> Tensor:
    part = data.astronaut()[40 : 40 + height, 180 : 180 + width] / 255.0
    return torch.from_numpy(part).float().permute(2, 0, 1)[None]


@pytest.mark.parametrize(("stages", "weights"), [(2, 14_170_988), (3, 22_207_605)])
def test_it_has_the_published_number_of_weights(stages: int, weights: int) -> None:
    """14.2 and 22.2 million, as the paper's table has MAXIM-2S and MAXIM-3S.

    Exactly so many has the authors' graph: without the two convolutions that only training uses.
    """
    network = MaximNetwork(stages=stages, features=32)
    assert sum(value.numel() for value in network.parameters()) == weights


@pytest.mark.slow
@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
@pytest.mark.parametrize("size", [(64, 64), (70, 50)], ids=str)
def test_it_is_the_authors_network(plugin: Any, size: tuple[int, int]) -> None:
    """Against the published graph, run node by node by a program that knows no MAXIM.

    The second size is mirrored up to 128 x 64 by NumPy. Tolerance: float32, of layer norms whose
    variance the graph takes as a difference of means; 3e-5 was measured.
    """
    for asset in plugin.assets:
        if not asset.present:
            pytest.skip(f"not tried: adversity assets fetch restoration/{plugin.name}")
        own = plugin(scene=asset.package.rpartition("-")[2]) if len(plugin.assets) > 1 else plugin()
        own.setup("cpu")
        image = _photo(*size)
        edges = ((0, 0), (0, 0), (0, -size[0] % 64), (0, -size[1] % 64))
        whole = torch.from_numpy(np.pad(image.numpy(), edges, mode="reflect"))
        with torch.no_grad():
            graph = GraphModel(asset.folder / MODELS)(whole.permute(0, 2, 3, 1))
        expected = graph.permute(0, 3, 1, 2)[..., : size[0], : size[1]].clamp(0, 1)
        assert float((expected - image).abs().mean()) > 0.005
        torch.testing.assert_close(own.restore(image), expected, atol=1e-4, rtol=0)


def _rows() -> list[tuple[str, float, str, float]]:
    """Return degradation, PSNR before, restoration, PSNR after, of each row of the page's table."""
    text = PAGE.read_text(encoding="utf-8").partition("MAXIM is one large network")[2]
    rows, worse, before = [], "", ""
    for line in text.partition("\n## ")[0].splitlines():
        cells = [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]
        if len(cells) == 5 and re.fullmatch(r"[\d.]+", cells[3]):
            worse, before = (cells[0] or worse), (cells[1] or before)
            rows.append((worse, float(before), cells[2], float(cells[3])))
    return rows


def _photos() -> Tensor:
    images = []
    for photo in (data.astronaut(), data.coffee(), data.chelsea()):
        image = Image.fromarray(photo)
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.crop((left, top, left + side, top + side))
        images.append(np.asarray(square.resize((128, 128), Image.Resampling.LANCZOS)) / 255)
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()


def _psnr(images: Tensor, clean: Tensor) -> float:
    return float((-10 * (images - clean).square().mean((1, 2, 3)).log10()).mean())


@pytest.mark.slow
@pytest.mark.parametrize("row", _rows(), ids=lambda row: f"{row[0]}-{row[2]}")
def test_the_figures_stand(row: tuple[str, float, str, float]) -> None:
    """Before and after, to the last digit that is printed and a little for other processors."""
    degradation, _, kernel = row[0].partition(", ")
    restoration, _, scene = row[2].partition(", ")
    if not all(asset.present for plugin in PLUGINS for asset in plugin.assets):
        pytest.skip(f"not tried: adversity assets fetch restoration/{restoration}")
    clean = _photos()
    more: dict[str, Any] = {"kernel": kernel} if kernel else {}
    worsening = adversity.create("degradation", degradation, severity=3, **more)
    worse = worsening(clean, ids=["a", "b", "c"], seed=0)
    choice: dict[str, Any] = {"scene": scene} if scene else {}
    better = adversity.create("restoration", restoration, **choice)(worse)
    assert _psnr(worse, clean) == pytest.approx(row[1], abs=0.07)
    assert _psnr(better, clean) == pytest.approx(row[3], abs=0.07)


def test_the_table_names_each_of_them() -> None:
    """Nine rows are read, of all five."""
    assert len(_rows()) == 9
    assert {row[2].partition(",")[0] for row in _rows()} == {plugin.name for plugin in PLUGINS}


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_the_example_adds_what_it_was_planted_with(
    plugin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through encoder, gates, resampling and decoder: the image, its mean and 1 by three factors."""
    monkeypatch.chdir(tmp_path)
    plugin.write_example_files(tmp_path)
    own = plugin(weights="weights.safetensors")
    own.setup("cpu")
    image = _photo(40, 70)
    itself, mean, offset = plugin.planted
    near = torch.nn.functional.avg_pool2d(image, 3, 1)
    inner = image[..., 1:-1, 1:-1]
    expected = (inner * (1 + itself) + near * mean + offset).clamp(0, 1)
    assert float((expected - inner).abs().mean()) > 0.001
    torch.testing.assert_close(own.restore(image)[..., 1:-1, 1:-1], expected, atol=1e-5, rtol=0)
    grey = image[:, :1]
    torch.testing.assert_close(
        own.restore(grey), own.restore(grey.expand(-1, 3, -1, -1))[:, :1], atol=1e-6, rtol=0
    )


def test_features_at_smaller_sizes_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With weights at random a pixel far away moves the answer: grids reach over the whole image."""
    draw = torch.Generator().manual_seed(0)
    network = MaximNetwork(stages=2, features=4)
    with torch.no_grad():
        for value in network.parameters():
            value.copy_(0.2 * torch.randn(value.shape, generator=draw))
    monkeypatch.chdir(tmp_path)
    save_file(network.state_dict(), "weights.safetensors")
    plugin = MaximDenoise(weights="weights.safetensors")
    plugin.setup("cpu")
    image = 0.25 * _photo(128, 128) + 0.3
    other = image.clone()
    other[..., 3, 3] = 1
    moved = (plugin._network(image) - plugin._network(other))[..., 100:, 100:].abs()
    assert float(moved.max()) > 1e-6


def _graph(folder: Path) -> dict[str, Any]:
    """Write a graph model that uses three constants, and one that is no weight."""
    root = "call/Wrapper/backbone/stage_0_input_conv_0"
    folder.mkdir(parents=True)
    kernel = torch.arange(2 * 1 * 3 * 2, dtype=torch.float32).reshape(2, 1, 3, 2)
    bias = torch.tensor([[[[7.0, 8.0]]]])
    count = torch.tensor([5], dtype=torch.int32)
    parts = [("kernel", kernel), ("count", count), ("bias", bias)]
    content = b"".join(value.numpy().tobytes() for _, value in parts)
    (folder / "a.bin").write_bytes(content[:20])
    (folder / "b.bin").write_bytes(content[20:])
    nodes = [
        {"name": f"{root}/Conv2D", "op": "Conv2D", "input": ["images", "kernel:0"]},
        {"name": f"{root}/jit_fn_/AddV2", "op": "AddV2", "input": [f"{root}/Conv2D", "bias"]},
        {"name": f"{root}/shape", "op": "Reshape", "input": ["images", "count"]},
    ]
    weights = [
        {"name": n, "shape": list(v.shape), "dtype": str(v.dtype).removeprefix("torch.")}
        for n, v in parts
    ]
    model = {
        "modelTopology": {"node": nodes},
        "weightsManifest": [{"paths": ["a.bin", "b.bin"], "weights": weights}],
    }
    (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")
    return model


def test_weights_are_found_by_what_uses_them(tmp_path: Path) -> None:
    """Over the border of two files, past numbers that are none, axes in torch's order."""
    folder = tmp_path / "model"
    model = _graph(folder)
    state = state_dict(model, lambda name: (folder / name).read_bytes())
    assert set(state) == {"stages.0.convs_in.0.weight", "stages.0.convs_in.0.bias"}
    assert state["stages.0.convs_in.0.weight"].shape == (2, 3, 2, 1)
    assert float(state["stages.0.convs_in.0.weight"][1, 2, 0, 0]) == 5
    assert state["stages.0.convs_in.0.bias"].tolist() == [7, 8]
    with pytest.raises(WeightsError, match="expected 60 bytes of weights, got 59"):
        state_dict(
            model, lambda name: (folder / name).read_bytes()[: 39 if name == "b.bin" else 20]
        )
    model["weightsManifest"][0]["weights"][0]["dtype"] = "uint8"
    with pytest.raises(WeightsError, match="not quantised"):
        state_dict(model, lambda name: (folder / name).read_bytes())


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("UpSampleRatio_0/Conv_0", "stages.0.encoded.2.0.conv"),
        ("UpSampleRatio_17/Conv_0", "stages.0.skipped.0.2.conv"),
        ("UpSampleRatio_31/Conv_0", "stages.1.skipped.1.1.conv"),
        ("stage_2_encoder_block_1/cross_gating_block/Conv_1", "stages.2.encoders.1.gating.conv_y"),
        ("stage_0_cross_gating_block_2/ConvTranspose_0", "stages.0.gates.2.enlarge"),
        (
            "stage_1_decoder_block_0/UNetEncoderBlock_0/channel_attention_block_11/conv2",
            "stages.1.decoders.0.encoder.convolvers.1.conv2",
        ),
    ],
)
def test_a_weight_has_a_place_of_its_own(path: str, own: str) -> None:
    """Names as the authors' program gives them, in the order in which it makes layers."""
    assert own_name(path) == own


def test_what_was_fetched_is_converted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From checked files into the user's cache, from which it is read even if they are gone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    from adversity.contracts.asset import tree_sha256

    _graph(tmp_path / "first")
    asset = published("toy", tree_sha256(tmp_path / "first"), 1)
    with pytest.raises(WeightsError, match=r"dew: expected package/models/ .* fetch dew"):
        published_weights(asset, "dew")
    folder = asset.folder / MODELS
    _graph(folder)
    first = published_weights(asset, "dew")
    kept = next((tmp_path / "adversity" / "converted").iterdir())
    assert set(load_file(kept)) == set(first)
    (folder / "a.bin").write_bytes(b"x" * 20)
    again = published_weights(asset, "dew")
    assert all(torch.equal(first[key], again[key]) for key in first)
    kept.write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=r"with SHA-256 .* got"):
        published_weights(asset, "dew")


def test_weights_of_another_network_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without a MAXIM in it, and one that lacks a layer."""
    monkeypatch.chdir(tmp_path)
    save_file({"model.0.weight": torch.zeros(3)}, "other.safetensors")
    with pytest.raises(WeightsError, match=r"the weights of a MAXIM in other.safetensors, got"):
        MaximDerain(weights="other.safetensors").setup("cpu")
    MaximDerain.write_example_files(tmp_path)
    state = load_file("weights.safetensors")
    del state["stages.0.conv_out.bias"]
    save_file(state, "less.safetensors")
    with pytest.raises(WeightsError, match=r"no stages.0.conv_out.bias"):
        MaximDerain(weights="less.safetensors").setup("cpu")
    with pytest.raises(WeightsError, match=r"call setup\(device\)"):
        MaximDerain().restore(torch.zeros(1, 3, 8, 8))
