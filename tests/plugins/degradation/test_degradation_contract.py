"""What every built-in degradation owes the engine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from adversity import Degradation, Degraded, SampleRng
from adversity.shapes import image_fault
from adversity_plugins.degradation import adversity_degradations

Streams = Callable[..., SampleRng]
BUILT_IN = adversity_degradations()
EVERY = pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.name)


def _degraded(plugin: Degradation, images: Tensor, rng: SampleRng) -> Degraded:
    answer = plugin.degrade(images, rng)
    assert isinstance(answer, Degraded)
    return answer


def test_importing_the_degradations_loads_no_heavy_library() -> None:
    """The catalogue must answer in under a second, so importing it loads no torch."""
    code = (
        "import sys, adversity_plugins.degradation as d; d.adversity_degradations();"
        "sys.exit(' '.join({'torch', 'skimage', 'scipy', 'sklearn'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@EVERY
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 1, 7), (2, 1, 5, 4), (1, 3, 17, 9)])
@pytest.mark.parametrize("severity", [1, 5])
def test_any_size_grey_or_colour_gives_images_of_the_same_shape(
    kind: type[Degradation], shape: tuple[int, ...], severity: int, streams: Streams
) -> None:
    """One pixel is an image too: shape, dtype, range and side information hold."""
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    rng = streams(*"ab"[: shape[0]])
    answer = _degraded(kind(severity=severity), images, rng)
    assert image_fault(answer.images, rows=shape[0]) is None
    assert answer.images.shape == images.shape
    assert answer.side
    assert all(len(value) == shape[0] for value in answer.side.values())


@EVERY
def test_the_input_is_left_alone(kind: type[Degradation], photos: Tensor, streams: Streams) -> None:
    """Degrading writes nothing into the images it is given."""
    before = photos.clone()
    answer = _degraded(kind(severity=3), photos, streams("a", "b", "c"))
    assert torch.equal(photos, before)
    assert not torch.equal(answer.images, photos)


@EVERY
def test_black_and_white_stay_in_range(kind: type[Degradation], streams: Streams) -> None:
    """The ends of the range are the values that rounding would push out of it."""
    images = torch.stack([torch.zeros(3, 30, 30), torch.ones(3, 30, 30)])
    for severity in (1, 3, 5):
        answer = _degraded(kind(severity=severity), images, streams("black", "white"))
        assert image_fault(answer.images) is None


@EVERY
def test_a_sample_does_not_know_its_neighbours(
    kind: type[Degradation], photos: Tensor, streams: Streams
) -> None:
    """Alone, in another order, or beside its own double, an image degrades alike.

    Tolerance: random numbers are the same to the bit; convolution kernels may round
    differently for other batch sizes (the engine therefore fixes the block size).
    """
    plugin = kind(severity=4)
    whole = _degraded(plugin, photos, streams("a", "b", "c")).images
    order = [2, 0, 1, 2]
    mixed = _degraded(plugin, photos[order], streams("c", "a", "b", "c")).images
    torch.testing.assert_close(mixed, whole[order], atol=1e-6, rtol=0)
    alone = _degraded(plugin, photos[1:2], streams("b")).images
    torch.testing.assert_close(alone, whole[1:2], atol=1e-6, rtol=0)
    again = _degraded(plugin, photos[1:2], streams("b")).images
    assert torch.equal(alone, again)


@EVERY
def test_other_seeds_change_the_result_only_of_stochastic_ones(
    kind: type[Degradation], photos: Tensor, streams: Streams
) -> None:
    """The claim `stochastic` says whether the seed matters."""
    plugin = kind(severity=2)
    one = _degraded(plugin, photos[:1], streams("a", seed=0)).images
    two = _degraded(plugin, photos[:1], streams("a", seed=1)).images
    assert torch.equal(one, two) is not kind.stochastic


@EVERY
def test_severity_is_monotone_in_error(
    kind: type[Degradation], photos: Tensor, streams: Streams
) -> None:
    """Each severity is farther from the clean photo than the one before, for each photo."""
    errors = torch.stack(
        [
            (_degraded(kind(severity=s), photos, streams("a", "b", "c")).images - photos)
            .square()
            .mean((1, 2, 3))
            for s in (1, 2, 3, 4, 5)
        ]
    )
    assert (errors.diff(dim=0) > 0).all()


@EVERY
def test_severity_is_its_physical_parameter(
    kind: type[Degradation], photos: Tensor, streams: Streams
) -> None:
    """Severity 2 and the second level of each parameter it sets are the same operator."""
    physical = kind.model_validate({name: levels[1] for name, levels in kind.levels.items()})
    one = _degraded(physical, photos[:1], streams("a")).images
    two = _degraded(kind(severity=2), photos[:1], streams("a")).images
    assert torch.equal(one, two)


@EVERY
def test_severity_excludes_physical_parameters(kind: type[Degradation]) -> None:
    """Both, neither, or a severity off the scale is refused."""
    values = {name: levels[0] for name, levels in kind.levels.items()}
    with pytest.raises(ValidationError, match="severity excludes"):
        kind.model_validate({"severity": 1, **values})
    with pytest.raises(ValidationError, match="give severity"):
        kind()
    for severity in (0, 6):
        with pytest.raises(ValidationError):
            kind(severity=severity)
    for name in values:
        with pytest.raises(ValidationError):
            kind.model_validate({name: -0.1})


@pytest.mark.parametrize("name", ["gaussian_noise", "gaussian_blur"])
def test_claimed_gradients_agree_with_differences(name: str, streams: Streams) -> None:
    """The derivative along a direction equals the central difference, in float64.

    Tolerance: inside (0, 1) both operators are linear in the image, so only the rounding
    of float64 divided by the step remains.
    """
    kind = next(kind for kind in BUILT_IN if kind.name == name)
    plugin = kind.model_validate({key: levels[0] / 10 for key, levels in kind.levels.items()})
    generator = torch.Generator().manual_seed(0)
    images = 0.4 + 0.2 * torch.rand(1, 3, 8, 8, dtype=torch.float64, generator=generator)
    images.requires_grad_()
    weights = torch.rand(1, 3, 8, 8, dtype=torch.float64, generator=generator)
    direction = torch.randn(1, 3, 8, 8, dtype=torch.float64, generator=generator)

    def value(given: Tensor) -> Tensor:
        return (_degraded(plugin, given, streams("a")).images * weights).sum()

    (gradient,) = torch.autograd.grad(value(images), images)
    step = 1e-4
    with torch.no_grad():
        difference = value(images + step * direction) - value(images - step * direction)
    torch.testing.assert_close(
        (gradient * direction).sum(), difference / (2 * step), rtol=1e-8, atol=0
    )
    assert gradient.abs().max() > 0
