"""What every built-in restoration does beyond the conformance kit, which runs on each of them."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from adversity import Fitted, Restored
from adversity.errors import DataError
from adversity.shapes import image_fault
from adversity.testing.bench.bench import Bench, bench_class
from adversity.testing.inputs.side import side_of
from adversity_plugins.restoration import adversity_restorations

if TYPE_CHECKING:
    from adversity import Restoration

BUILT_IN = adversity_restorations()
EVERY = pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.name)
FREE: dict[str, Any] = {"circular": 0.0, "pattern": [[0.0, 1.0], [1.0, 2.0]]}
FREE["quality"] = 15.0
FREE["distortion"], FREE["vignetting"] = [1.03, 0.0, -0.2, 0.1, 0.0], [-0.5, -0.2, 0.1]
FREE["chromatic"] = [[1.01, 0.0, 0.0], [1.0, -0.01, 0.0]]
"""Of one image: the border does not go round; a mosaic RGGB; a JPEG of severity 3; a lens."""
NOISE = [kind for kind in BUILT_IN if "sigma" in kind.needs]


@cache
def _bench(kind: type[Restoration]) -> Bench:
    """Return the kit's bench, which writes weights and fits."""
    return bench_class(kind)(kind, kind.examples[0] if kind.examples else {}, is_example=True)


def _ready(kind: type[Restoration]) -> Restoration:
    files = any(one.is_required() for one in kind.model_fields.values()) or (
        bool(kind.assets) and bool(kind.examples)  # else it would ask for what is to be fetched
    )
    if issubclass(kind, Fitted) or files:
        fitted: Any = _bench(kind).fresh().plugin
        return fitted  # type: ignore[no-any-return]
    plugin = kind()
    plugin.setup("cpu")
    return plugin


@lru_cache(maxsize=1)
def _shared(kind: type[Restoration]) -> Restoration:
    """Return one plugin for the tests of a kind that come one after another: reading weights is dear."""
    return _ready(kind)


def _restored(plugin: Restoration, images: Tensor) -> Tensor:
    """Restore with what the kit fills the needs with."""
    with torch.no_grad():
        return _images(plugin.restore(images, **_needs(plugin, images)))


def _needs(plugin: Restoration, images: Tensor) -> dict[str, Tensor]:
    """Return what the kit fills the needs with, and of free names what the degradation tells."""
    free = {need: images.new_tensor(FREE[need]) for need in plugin.needs if need in FREE}
    rows = {need: value.expand(len(images), *value.shape) for need, value in free.items()}
    return {**side_of(plugin.needs, images), **rows}


def _images(answer: Tensor | Restored) -> Tensor:
    return answer.images if isinstance(answer, Restored) else answer


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 1), (5, 4), (17, 9)])
@pytest.mark.parametrize("channels", [1, 3])
@EVERY  # the last one changes last
def test_an_image_smaller_than_any_window_is_restored(
    kind: type[Restoration], size: tuple[int, int], channels: int
) -> None:
    """One pixel is an image too; what cannot be done for grey is refused at every size."""
    images = torch.rand((2, channels, *size), generator=torch.Generator().manual_seed(0))
    if kind.name == "ffdnet" and channels == 1:
        with pytest.raises(DataError, match="colour"):
            _restored(_shared(kind), images)
        return
    if channels not in (kind.image_channels or (channels,)):
        pytest.skip("not its number of channels")
    plugin = _shared(kind)
    restored = _restored(plugin, images)
    assert image_fault(restored, rows=2) is None
    factor = plugin.enlarges()
    assert restored.shape == (2, channels, size[0] * factor, size[1] * factor)


@pytest.mark.parametrize(
    "kind", [k for k in BUILT_IN if k.differentiable], ids=lambda kind: kind.name
)
def test_claimed_gradients_are_exact(kind: type[Restoration]) -> None:
    """The derivative along three directions equals the central difference, in float64.

    The kit allows 5 %. Tolerance here: the central difference is off by step^2 times the third
    derivative.
    """
    plugin = _ready(kind)
    for value in (plugin.__pydantic_private__ or {}).values():
        if isinstance(value, torch.nn.Module):
            value.double()
    generator = torch.Generator().manual_seed(0)
    images = 0.2 + 0.3 * torch.rand(1, 3, 8, 9, dtype=torch.float64, generator=generator)
    shape = (1, 3, 8 * plugin.enlarges(), 9 * plugin.enlarges())
    weights = torch.rand(shape, dtype=torch.float64, generator=generator)
    needs = _needs(plugin, images)

    def value(given: Tensor) -> Tensor:
        return (_images(plugin.restore(given, **needs)) * weights).sum()

    images.requires_grad_()
    (gradient,) = torch.autograd.grad(value(images), images)
    step = 1e-6
    for _ in range(3):
        direction = torch.randn(images.shape, dtype=torch.float64, generator=generator)
        with torch.no_grad():
            difference = value(images + step * direction) - value(images - step * direction)
        torch.testing.assert_close(
            (gradient * direction).sum(), difference / (2 * step), rtol=1e-5, atol=1e-6
        )


@EVERY
def test_gradients_are_finite_everywhere(kind: type[Restoration], dark: Tensor) -> None:
    """Black pixels and ties between channels give no NaN: an attack could not use those."""
    plugin = _ready(kind)
    images = dark[:2].clone()
    images[0, :, :20] = 0
    images[1] = 0
    images.requires_grad_()
    needs = _needs(plugin, images.detach())
    answer = plugin.restore(images, **needs) if kind.differentiable else plugin.surrogate(images)
    answer = _images(answer)
    (gradient,) = torch.autograd.grad(answer.sum(), images)
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0


@pytest.mark.parametrize("kind", NOISE, ids=lambda kind: kind.name)
def test_sigma_is_a_parameter_or_an_estimate(kind: type[Restoration], noisy: Tensor) -> None:
    """A noise level may be given (25/255), is refused when absurd, and can be estimated."""
    assert kind.model_validate({"sigma": "25/255"}).parameters["sigma"] == pytest.approx(25 / 255)
    for sigma in (0, -0.1, 1.5):
        with pytest.raises(ValidationError):
            kind.model_validate({"sigma": sigma})
    estimated = kind().estimate(noisy)["sigma"]
    assert estimated.shape == (3,)
    assert (estimated > 0).all()
