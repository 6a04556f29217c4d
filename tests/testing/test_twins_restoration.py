"""For each check of restorations, one that fails exactly that one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from pydantic import Field

from adversity import Restoration, Restored, clip
from adversity.contracts.side import AXES, side_fault
from adversity.testing import check_plugin
from adversity.testing.inputs.side import side_of, side_value
from adversity.testing.kinds.restoration import RestorationBench

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def message_of(plugin: Any, name: str) -> str:
    """Return what one check says of a plugin."""
    (outcome,) = check_plugin(plugin, only=[name], raises=False).outcomes
    return outcome.message


class Smooth(Restoration):
    """Mix every pixel with the mean around it, more where the noise is stronger."""

    name: ClassVar[str] = "smooth"
    differentiable: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("sigma",)
    restores: ClassVar[tuple[str, ...]] = ("gaussian_noise",)

    sigma: float | None = Field(default=None, gt=0, le=1)

    def restore(self, images: Any, **needs: Any) -> Any:
        from torch.nn.functional import avg_pool2d, pad

        around = avg_pool2d(pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        share = (4 * needs["sigma"]).clamp(0, 1).reshape(-1, 1, 1, 1).to(images)
        return clip((1 - share) * images + share * around)

    def estimate(self, images: Any) -> Mapping[str, Any]:
        return {"sigma": images.detach().diff(dim=3).abs().mean(dim=(1, 2, 3))}


class Rounding(Smooth):
    """Rounds to 256 levels, so that no gradient is claimed."""

    differentiable: ClassVar[bool] = False

    def restore(self, images: Any, **needs: Any) -> Any:
        return (super().restore(images, **needs) * 255).round() / 255

    def surrogate(self, images: Any) -> Any:
        return images * 0.8 + 0.1


class Doubled(Restoration):
    """Twice as high and wide, by repeating pixels; nothing is needed or named."""

    name: ClassVar[str] = "doubled"
    scale: ClassVar[int] = 2

    def restore(self, images: Any, **needs: Any) -> Any:
        return images.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


class Harmful(Smooth):
    """Darkens what it claims to restore."""

    def restore(self, images: Any, **needs: Any) -> Any:
        return 0.3 * super().restore(images, **needs)


class Ignores(Smooth):
    """Asks for the noise level and does not look at it."""

    def restore(self, images: Any, **needs: Any) -> Any:
        return super().restore(images, sigma=images.new_full((len(images),), 0.2))


class Detached(Smooth):
    """Loses most of the gradient on the way."""

    def restore(self, images: Any, **needs: Any) -> Any:
        return super().restore(0.9 * images.detach() + 0.1 * images, **needs)


class OtherSlope(Rounding):
    """Hands on a gradient that is not that of its surrogate."""

    def surrogate(self, images: Any) -> Any:
        return 0.5 * images.detach() + 0.5 * images


class ClampedSmooth(Smooth):
    """Limits its input with torch.clamp, which has no derivative at 0 and 1."""

    def restore(self, images: Any, **needs: Any) -> Any:
        return super().restore(images.clamp(0, 1), **needs)


class ClampedSurrogate(Rounding):
    """Offers a surrogate with a clamp."""

    def surrogate(self, images: Any) -> Any:
        return super().surrogate(images.clamp(0, 1))


class Sharpens(Restoration):
    """Add what the blur took away, once: x + (x - k * x), mirrored beyond the border."""

    name: ClassVar[str] = "sharpens"
    differentiable: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("kernel",)
    restores: ClassVar[tuple[str, ...]] = ("gaussian_blur",)

    def restore(self, images: Any, **needs: Any) -> Any:
        from torch.nn.functional import conv2d, pad

        kernel = needs["kernel"][0].expand(images.shape[1], -1, -1, -1).to(images)
        around = [kernel.shape[-1] // 2] * 4
        blurred = conv2d(pad(images, around, mode="reflect"), kernel, groups=images.shape[1])
        return clip(2 * images - blurred)


class OnlyFive(Sharpens):
    """Takes kernels of 5 x 5, as the kit's are otherwise, and no others."""

    restores: ClassVar[tuple[str, ...]] = ()

    def restore(self, images: Any, **needs: Any) -> Any:
        return super().restore(images, kernel=needs["kernel"].reshape(len(images), 1, 5, 5))


class Finds(Smooth):
    """Says which noise level it took."""

    def restore(self, images: Any, **needs: Any) -> Any:
        return Restored(super().restore(images, **needs), {"sigma": needs["sigma"]})


class FindsInColour(Finds):
    """Says it for colour images alone."""

    def restore(self, images: Any, **needs: Any) -> Any:
        restored = super().restore(images, **needs)
        return restored if images.shape[1] == 3 else restored.images


TWINS = {
    "helps": Harmful,
    "needs": Ignores,
    "kernel_sizes": OnlyFive,
    "found_names": FindsInColour,
    "gradient_is_right": Detached,
    "bounds_are_felt": ClampedSmooth,
    "stand_in_is_right": OtherSlope,
}


@pytest.mark.parametrize("plugin", [Smooth, Rounding, Doubled, Sharpens, Finds])
def test_sound_restoration_passes(plugin: Any) -> None:
    """A restoration that keeps its promises fails nothing, with and without a gradient."""
    assert check_plugin(plugin).passed


@pytest.mark.parametrize("name", TWINS)
def test_twin_fails_exactly_one_check(name: str, failed: Callable[..., dict[str, str]]) -> None:
    """Breaking one promise fails the check of that promise and no other."""
    assert failed(TWINS[name]).keys() == {name}


def test_no_check_lacks_a_twin() -> None:
    """Each check of restorations has a twin that fails it."""
    assert {check.name for check in RestorationBench.checks} == set(TWINS)


def test_a_surrogate_keeps_the_bounds_too(failed: Callable[..., dict[str, str]]) -> None:
    """What stands in for a missing gradient must not hide the pixels at 0 and 1 either."""
    assert "adversity.clip" in failed(ClampedSurrogate)["stand_in_is_right"]


def test_a_parameter_fills_the_need() -> None:
    """With the need given as a parameter nothing is estimated, and all checks pass."""
    assert check_plugin(Smooth, parameters={"sigma": 0.2}).passed


def test_need_that_nothing_fills_is_refused_by_name() -> None:
    """Without an estimate the kit sees the engine's refusal, which names the need."""

    class Blind(Smooth):
        """Estimate nothing."""

        estimate = Restoration.estimate

    assert "sigma is refused if nothing fills it" in message_of(Blind, "needs")


def test_need_that_the_kit_cannot_make_is_named() -> None:
    """A need of an unknown name without a parameter leaves no case answered, and says so."""

    class Exotic(Smooth):
        """Ask for what nobody knows."""

        needs: ClassVar[tuple[str, ...]] = ("psf_tilt",)
        estimate = Restoration.estimate

    found = check_plugin(Exotic, raises=False)
    assert [outcome.check for outcome in found.failures] == ["answers"]
    assert "psf_tilt" in found.failures[0].message


def test_absent_degradation_is_told() -> None:
    """A restoration for something that is not installed is not judged, and the reason is told."""

    class ForRain(Smooth):
        """Claim to help against rain of another package."""

        restores: ClassVar[tuple[str, ...]] = ("acme_rain",)

    (outcome,) = check_plugin(ForRain, only=["helps"], raises=False).outcomes
    assert (outcome.status, "acme_rain" in outcome.message) == ("skipped", True)


def test_figures_are_told() -> None:
    """The gain is told in dB before and after, with SSIM and what becomes of clean images."""
    text = message_of(Smooth, "helps")
    assert text.count("dB") == 3
    assert "SSIM" in text
    assert "clean images come back" in text


@pytest.mark.parametrize("need", AXES)
def test_made_side_information(need: str) -> None:
    """What the kit makes has a row for each image, is finite, and comes in two values."""
    import torch

    images = torch.rand(3, 1, 20, 24)
    first, second = side_value(need, images), side_value(need, images, 1)
    assert first is not None
    assert second is not None
    assert first.shape == second.shape
    assert len(first) == 3
    assert not torch.equal(first, second)
    assert bool(first.isfinite().all())
    assert side_fault(need, first, images) is None
    assert side_fault(need, second, images) is None


def test_unknown_side_information_is_left_out() -> None:
    """A need that the kit cannot make is not invented."""
    import torch

    assert set(side_of(("sigma", "psf_tilt"), torch.rand(2, 3, 8, 8))) == {"sigma"}
