"""The profile `fast` against the profile `reference`: the same, but for the cut to 8 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor

from adversity import SampleRng
from adversity.contracts.project_files import bind_files
from adversity_plugins.degradation import adversity_degradations
from adversity_plugins.degradation._imagenet_c import ImageNetC

if TYPE_CHECKING:
    from pathlib import Path

Streams = Callable[..., SampleRng]
KINDS = {kind.name: kind for kind in adversity_degradations() if issubclass(kind, ImageNetC)}
FIXED = sorted(name for name, kind in KINDS.items() if not kind.stochastic)
RANDOM = sorted(name for name, kind in KINDS.items() if kind.stochastic)
DRAWS = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the textures of frost's example."""
    made = tmp_path_factory.mktemp("project")
    KINDS["frost"].write_example_files(made)
    return made


def ready(name: str, folder: Path, **parameters: Any) -> ImageNetC:
    """Return a plugin that is set up."""
    more = {"textures": "frost"} if name == "frost" else {}
    plugin = KINDS[name].model_validate({**parameters, **more})
    bind_files(plugin, folder)
    plugin.setup("cpu")
    return plugin


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", FIXED)
def test_without_randomness_only_the_cut_differs(
    name: str, severity: int, photos: Tensor, folder: Path, streams: Streams
) -> None:
    """In grey levels `fast` lies in [reference, reference + 1), for truncation took the rest.

    A hundredth of a level is allowed for float32 sums. `pixelate` is rounded by Pillow, after
    each of two passes: one level either way; `jpeg_compression` has 8 bits in both.
    """
    images = (photos * 255).round() / 255
    fast = ready(name, folder, severity=severity).degrade(images, streams("a", "b", "c")).images
    plugin = ready(name, folder, severity=severity, profile="reference")
    rest = 255 * (fast - plugin.degrade(images, streams("a", "b", "c")).images)
    low, high = {"pixelate": (-1.01, 1.01), "jpeg_compression": (0, 0)}.get(name, (-0.01, 1.01))
    assert float(rest.min()) >= low
    assert float(rest.max()) <= high
    assert float((fast - images).abs().mean()) > 0.002


def _moments(plugin: ImageNetC, image: Tensor, streams: Streams) -> Tensor:
    """Return mean, distance from the image, and roughness of each of many draws, `[DRAWS, 3]`."""
    ids = [str(k) for k in range(DRAWS)]
    worse = plugin.degrade(image.expand(DRAWS, -1, -1, -1), streams(*ids)).images.double()
    change = worse - image
    steps = worse.diff(dim=3).abs().mean((1, 2, 3))
    return torch.stack([worse.mean((1, 2, 3)), change.square().mean((1, 2, 3)).sqrt(), steps], 1)


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", RANDOM)
def test_with_randomness_moments_agree(
    name: str, severity: int, photos: Tensor, folder: Path, streams: Streams
) -> None:
    """Mean, distance from the image and roughness agree over 40 draws of one photo.

    Allowed: 4.5 standard errors of the difference of two means over 40 draws, and one grey level
    for the cut, which darkens by up to one and makes neighbours a little more or less alike. The
    seed is fixed, so each is one number. An identity would be off by the distance itself.
    """
    image = ((photos[:1] * 255).round() / 255).contiguous()
    fast = _moments(ready(name, folder, severity=severity), image, streams)
    reference = ready(name, folder, severity=severity, profile="reference")
    published = _moments(reference, image, streams)
    gap = (fast.mean(0) - published.mean(0)).abs()
    error = ((fast.var(0) + published.var(0)) / DRAWS).sqrt()
    assert (gap < 4.5 * error + 1 / 255).all(), (fast.mean(0), published.mean(0), error)
    assert float(fast[:, 1].min()) > 4 / 255


@pytest.mark.parametrize("name", sorted(KINDS))
def test_row_i_is_the_same_in_any_batch(
    name: str, photos: Tensor, folder: Path, streams: Streams
) -> None:
    """Alone, in another order, or among others: the same bytes."""
    plugin = ready(name, folder, severity=3)
    together = plugin.degrade(photos, streams("a", "b", "c"))
    turned = plugin.degrade(photos.flip(0), streams("c", "b", "a"))
    alone = plugin.degrade(photos[1:2], streams("b"))
    assert torch.equal(together.images, turned.images.flip(0))
    assert torch.equal(together.images[1:2], alone.images)
    for key, value in together.side.items():
        assert torch.equal(value[1:2], alone.side[key])


@pytest.mark.parametrize("name", sorted(KINDS))
def test_other_seeds_give_other_images(
    name: str, photos: Tensor, folder: Path, streams: Streams
) -> None:
    """Exactly where the class says that it is stochastic."""
    plugin = ready(name, folder, severity=3)
    one = plugin.degrade(photos[:1], streams("a")).images
    other = plugin.degrade(photos[:1], streams("a", seed=1)).images
    assert torch.equal(one, other) is not KINDS[name].stochastic


@pytest.mark.parametrize("name", sorted(set(KINDS) - {"saturate"}))
@pytest.mark.parametrize("profile", ["fast", "reference"])
def test_grey_images_are_their_repetition_in_colour(
    name: str, profile: str, photos: Tensor, folder: Path, streams: Streams
) -> None:
    """Where all channels get the same, a grey image gets it, too; colours become their luma.

    Noise is drawn for each value, so that of a grey image is another. Spatter, frost: luma of
    the colour, within a level of 8 bits for each cut.
    """
    if "noise" in name:
        pytest.skip("each channel has noise of its own")
    # Dark, so that no channel is cut at white before the others.
    grey = (photos[:1].mean(1, keepdim=True) * 0.3 * 255).round() / 255
    plugin = ready(name, folder, severity=1, profile=profile)
    alone = plugin.degrade(grey, streams("a")).images
    colour = plugin.degrade(grey.expand(-1, 3, -1, -1).contiguous(), streams("a")).images
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    luma = (colour * weights).sum(1, keepdim=True)
    # JPEG stores colour coarsely, and OpenCV's luma of white is a spacing off.
    allowed = 2.1 / 255 if profile == "reference" or name == "jpeg_compression" else 1e-5
    torch.testing.assert_close(alone, luma, atol=allowed, rtol=0)
