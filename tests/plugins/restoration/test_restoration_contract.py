"""What every built-in restoration owes the engine."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from adversity.errors import DataError
from adversity.shapes import image_fault
from adversity_plugins.restoration import adversity_restorations

if TYPE_CHECKING:
    from adversity import Restoration

BUILT_IN = adversity_restorations()
EVERY = pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.name)
TOLD = [kind for kind in BUILT_IN if kind.needs]


def _ready(kind: type[Restoration]) -> Restoration:
    plugin = kind()
    plugin.setup("cpu")
    return plugin


def _restored(plugin: Restoration, images: Tensor, *levels: float) -> Tensor:
    """Restore with sigma 0.1, or the given one for each image, where it is needed."""
    sigma = torch.tensor(levels or [0.1] * len(images), dtype=torch.float32)
    with torch.no_grad():
        return plugin.restore(images, **dict.fromkeys(plugin.needs, sigma))


def test_importing_the_restorations_loads_no_heavy_library() -> None:
    """The catalogue must answer in under a second, so importing it loads no torch."""
    code = (
        "import sys, adversity_plugins.restoration as r; r.adversity_restorations();"
        "sys.exit(' '.join({'torch', 'skimage', 'scipy', 'sklearn'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@EVERY
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 1), (5, 4), (17, 9)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_gives_images_of_the_same_shape(
    kind: type[Restoration], size: tuple[int, int], channels: int
) -> None:
    """One pixel is an image too; what cannot be done for grey is refused at every size."""
    images = torch.rand((2, channels, *size), generator=torch.Generator().manual_seed(0))
    if kind.name == "ffdnet" and channels == 1:
        with pytest.raises(DataError, match="colour"):
            _restored(_ready(kind), images)
        return
    restored = _restored(_ready(kind), images)
    assert image_fault(restored, rows=2) is None
    assert restored.shape == images.shape


@EVERY
def test_the_input_is_left_alone(kind: type[Restoration], noisy: Tensor) -> None:
    """Restoring writes nothing into the images it is given, and does change the picture."""
    before = noisy.clone()
    restored = _restored(_ready(kind), noisy)
    assert torch.equal(noisy, before)
    assert (restored - noisy).abs().mean() > 0.005


@EVERY
def test_black_and_white_stay_images(kind: type[Restoration]) -> None:
    """Nothing divides by zero in the dark, and white does not overflow."""
    images = torch.stack([torch.zeros(3, 20, 20), torch.ones(3, 20, 20)])
    assert image_fault(_restored(_ready(kind), images)) is None


@EVERY
def test_an_image_does_not_know_its_neighbours(kind: type[Restoration], noisy: Tensor) -> None:
    """Alone, in another order, or beside its double, an image is restored alike.

    Tolerance: convolution kernels may round differently for other batch sizes (the engine
    therefore fixes the block size).
    """
    plugin = _ready(kind)
    whole = _restored(plugin, noisy, 0.05, 0.1, 0.2)
    order = [2, 0, 1, 2]
    mixed = _restored(plugin, noisy[order], 0.2, 0.05, 0.1, 0.2)
    torch.testing.assert_close(mixed, whole[order], atol=1e-5, rtol=0)
    alone = _restored(plugin, noisy[1:2], 0.1)
    torch.testing.assert_close(alone, whole[1:2], atol=1e-5, rtol=0)
    assert torch.equal(alone, _restored(plugin, noisy[1:2], 0.1))


@EVERY
def test_it_restores_what_it_claims_to(
    kind: type[Restoration], photos: Tensor, noisy: Tensor, dark: Tensor
) -> None:
    """Each photo comes closer to the clean one, in mean square error."""
    degraded = {"gaussian_noise": noisy, "low_light": dark}
    assert kind.restores
    for name in kind.restores:
        restored = _restored(_ready(kind), degraded[name])
        before = (degraded[name] - photos).square().mean((1, 2, 3))
        after = (restored - photos).square().mean((1, 2, 3))
        assert (after < 0.5 * before).all()


@pytest.mark.parametrize(
    "kind", [k for k in BUILT_IN if k.differentiable], ids=lambda kind: kind.name
)
def test_claimed_gradients_agree_with_differences(kind: type[Restoration]) -> None:
    """The derivative along three directions equals the central difference, in float64.

    Tolerance: the central difference is off by step^2 times the third derivative.
    """
    plugin = _ready(kind)
    if kind.name == "ffdnet":
        plugin._network.double()  # type: ignore[attr-defined]
    generator = torch.Generator().manual_seed(0)
    images = 0.2 + 0.3 * torch.rand(1, 3, 8, 9, dtype=torch.float64, generator=generator)
    weights = torch.rand(images.shape, dtype=torch.float64, generator=generator)
    needs = {need: torch.tensor([0.1], dtype=torch.float64) for need in kind.needs}

    def value(given: Tensor) -> Tensor:
        return (plugin.restore(given, **needs) * weights).sum()

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
    needs = {need: torch.full((2,), 0.1) for need in kind.needs}
    answer = plugin.restore(images, **needs) if kind.differentiable else plugin.surrogate(images)
    (gradient,) = torch.autograd.grad(answer.sum(), images)
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.name)
def test_sigma_is_a_parameter_or_an_estimate(kind: type[Restoration], noisy: Tensor) -> None:
    """A noise level may be given (25/255), is refused when absurd, and can be estimated."""
    assert kind.model_validate({"sigma": "25/255"}).parameters["sigma"] == pytest.approx(25 / 255)
    for sigma in (0, -0.1, 1.5):
        with pytest.raises(ValidationError):
            kind.model_validate({"sigma": sigma})
    estimated = kind().estimate(noisy)["sigma"]
    assert estimated.shape == (3,)
    assert (estimated > 0).all()


@EVERY
def test_the_methods_need_the_noise_level_or_nothing(kind: type[Restoration]) -> None:
    """A restoration for darkness is blind; one for noise asks for sigma."""
    assert kind.needs == (("sigma",) if "gaussian_noise" in kind.restores else ())
