"""The profile `reference` against what the published code and its package made.

`imagenet_c.json` has the SHA-256 of their images, which `benchmarks/corruptions.py` wrote: of the
package `imagecorruptions` 1.1.2, and of `imagenet-c` 0.0.3, the published code itself, where the
package has another algorithm (frost, elastic_transform, the mud of spatter).
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from adversity import SampleRng
from adversity_plugins.degradation import adversity_degradations
from adversity_plugins.degradation._imagenet_c import ImageNetC

Streams = Callable[..., SampleRng]
ROOT = Path(__file__).parents[3]
GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "imagenet_c.json").read_text())
KINDS = {kind.name: kind for kind in adversity_degradations() if issubclass(kind, ImageNetC)}
CASES = [(name, severity) for name in GOLDEN["images"] for severity in range(1, 6)]
HAS_FROST = find_spec("imagecorruptions") is not None


def plugin(name: str, **parameters: Any) -> Any:
    """Return a plugin that is set up."""
    if name == "frost" and not HAS_FROST:
        pytest.skip("the photographs of frost are not installed")
    made = KINDS[name].model_validate(parameters)
    made.setup("cpu")
    return made


def photographs() -> Any:
    """Return the images of the benchmark."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from corruptions_given import photographs as given  # type: ignore[import-not-found]
    finally:
        sys.path.pop(0)
    return given()


@pytest.mark.parametrize(("name", "severity"), CASES, ids=lambda value: str(value))
def test_images_are_the_published_ones(name: str, severity: int) -> None:
    """Byte for byte, on two photos and on all grey levels, from the same legacy seeds.

    JPEG's bytes are libjpeg's: where Pillow comes with another, a few grey levels may differ.
    """
    made = plugin(name, severity=severity, profile="reference")
    for number, (pixels, seed) in enumerate(zip(photographs(), GOLDEN["seeds"], strict=True)):
        draws = np.random.RandomState(seed)
        worse = np.uint8(made._published(pixels, draws))
        assert worse.shape == (224, 224, 3)
        hashed = hashlib.sha256(worse.tobytes()).hexdigest()
        assert hashed == GOLDEN["images"][name][severity - 1][number], f"image {number}"


def test_golden_covers_all_but_impulse_noise() -> None:
    """scikit-image draws impulse noise from a stream that no seed of NumPy's reaches."""
    assert GOLDEN["images"].keys() == KINDS.keys() - {"impulse_noise"}
    assert len(KINDS) == 19


@pytest.mark.parametrize("name", sorted(KINDS))
def test_seeds_are_the_samples_own(name: str, photos: Tensor, streams: Streams) -> None:
    """`degrade` runs the published computation from the first seed of each sample's stream."""
    made = plugin(name, severity=3, profile="reference")
    images = photos[:2]
    answer = made.degrade(images, streams("a", "b")).images
    seeds = streams("a", "b").seeds()
    for row, (image, seed) in enumerate(zip(images, seeds, strict=True)):
        pixels = (image * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
        draws = np.random.RandomState(seed)
        worse = torch.from_numpy(np.array(made._published(pixels, draws)).astype(np.uint8)).permute(
            2, 0, 1
        )
        assert torch.equal(answer[row], worse / 255)
        assert not torch.equal(answer[row], image)
    alone = made.degrade(images[1:], streams("b")).images
    assert torch.equal(alone, answer[1:])


@pytest.mark.parametrize("name", sorted(KINDS))
def test_no_gradient_is_claimed_of_8_bits(name: str) -> None:
    """What a class claims holds for the profile `fast`; attacks go round the other."""
    made = KINDS[name].model_validate({"severity": 1, "profile": "reference"})
    assert made.differentiable is False
    fast = KINDS[name].model_validate({"severity": 1})
    assert fast.differentiable is KINDS[name].differentiable


def test_a_jpeg_file_is_written_and_read(photos: Tensor, streams: Streams) -> None:
    """`jpeg_roundtrip: 85` is Pillow's file of the reference's image, as the published set is."""
    from io import BytesIO

    from PIL import Image

    plain = plugin("contrast", severity=2, profile="reference").degrade(photos[:1], streams("a"))
    stored = plugin("contrast", severity=2, profile="reference", jpeg_roundtrip=85)
    pixels = (plain.images[0] * 255).round().byte().permute(1, 2, 0).numpy()
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=85, optimize=True)
    expected = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1) / 255
    answer = stored.degrade(photos[:1], streams("a")).images
    assert torch.equal(answer[0], expected)
    assert not torch.equal(answer, plain.images)


def test_a_jpeg_file_of_floating_point_is_refused() -> None:
    """Only 8-bit values can be stored."""
    with pytest.raises(ValueError, match="add profile: reference"):
        KINDS["fog"].model_validate({"severity": 1, "jpeg_roundtrip": 85})
    stored = KINDS["fog"].model_validate(
        {"severity": 1, "profile": "reference", "jpeg_roundtrip": 85}
    )
    assert stored.takes_channels() == (1, 3)
