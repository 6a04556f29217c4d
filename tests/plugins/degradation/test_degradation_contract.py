"""What every built-in degradation does beyond the conformance kit, which runs on each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from adversity import Degradation, Degraded, SampleRng
from adversity.contracts.project_files import bind_files
from adversity.shapes import image_fault
from adversity_plugins.degradation import adversity_degradations

if TYPE_CHECKING:
    from pathlib import Path

Streams = Callable[..., SampleRng]
BUILT_IN = adversity_degradations()
PROFILES: tuple[dict[str, Any], ...] = ({"profile": "fast"}, {"profile": "reference"})
EVERY = pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.name)


def _ready(kind: type[Degradation], folder: Path, **parameters: Any) -> Degradation:
    """Return it set up, on files that it writes itself where its examples name some."""
    if kind.name == "frost":
        if not (folder / "frost").exists():
            kind.write_example_files(folder)
        parameters["textures"] = "frost"
    plugin = kind.model_validate(parameters)
    bind_files(plugin, folder)
    plugin.setup("cpu")
    return plugin


def _degraded(plugin: Degradation, images: Tensor, rng: SampleRng) -> Degraded:
    answer = plugin.degrade(images, rng)
    return answer if isinstance(answer, Degraded) else Degraded(answer)


@pytest.mark.parametrize(
    "kind", [kind for kind in BUILT_IN if kind.levels], ids=lambda kind: kind.name
)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 1, 7), (2, 1, 5, 4), (1, 3, 17, 9)])
@pytest.mark.parametrize("severity", [1, 5])
def test_an_image_smaller_than_any_kernel_is_degraded(
    kind: type[Degradation], shape: tuple[int, ...], severity: int, streams: Streams, tmp_path: Path
) -> None:
    """One pixel is an image too: shape, dtype and range hold, and side has a row for each."""
    if shape[1] not in (kind.image_channels or shape):
        pytest.skip("not its number of channels")
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    for more in PROFILES if "profile" in kind.model_fields else ({},):
        plugin = _ready(kind, tmp_path, severity=severity, **more)
        _check(_degraded(plugin, images, streams(*"ab"[: shape[0]])), shape)


def _check(answer: Degraded, shape: tuple[int, ...]) -> None:
    assert image_fault(answer.images, rows=shape[0]) is None
    assert answer.images.shape == shape
    assert all(len(value) == shape[0] for value in answer.side.values())


@EVERY
def test_severity_off_the_scale_and_negative_parameters_are_refused(
    kind: type[Degradation],
) -> None:
    """Severities are 1 to 5, and nothing physical that a severity sets is below zero."""
    for given in ({"severity": 0}, {"severity": 6}, *({name: -0.1} for name in kind.levels)):
        with pytest.raises(ValidationError):
            kind.model_validate(given)


@pytest.mark.parametrize("name", ["gaussian_noise", "gaussian_blur"])
def test_gradients_of_linear_degradations_are_exact(name: str, streams: Streams) -> None:
    """The derivative along a direction equals the central difference, in float64.

    The kit allows 5 %. Tolerance here: inside (0, 1) both operators are linear in the image, so
    only the rounding of float64 divided by the step remains.
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
