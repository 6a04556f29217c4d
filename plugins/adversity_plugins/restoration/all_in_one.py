"""What an image suffers from is looked for first, then what is chosen for it does its work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity import Plugin, Restoration, Restored, clip, metrics

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["AllInOne"]

_Part = Plugin[Restoration] | None
_SMALLEST = 4
"""Pixels each way, below which no noise level can be estimated."""


class AllInOne(Restoration):
    """Find out what each image suffers from, and restore it by what you chose for that.

    Six faults are looked for, each with a number and a bound: holes, by the `mask` that the
    degradation tells; blocks of JPEG; noise; haze; darkness; blur. For each there is a parameter
    with the restoration that is to be used, and without one that fault stays. Those whose number
    is beyond the bound are used one after another, in this order. The numbers are taken once, behind
    `fill`. So of two faults one may hide another: noise hides blur, blur passes for haze.

    | fault | number | default bound | restoration |
    |---|---|---|---|
    | holes | share of missing pixels | above 0 | `fill` |
    | blocks | how much more pixels differ across borders of 8 x 8 blocks | above 0.3 | `deblock` |
    | noise | sigma by the finest wavelet coefficients | above 0.05 | `denoise` |
    | haze | mean of the dark channel | above 0.37 | `dehaze` |
    | darkness | mean luma | below 0.07 | `brighten` |
    | blur | what a second blur leaves of the differences of neighbours | above 0.42 | `deblur` |

    The bounds lie between nine clear photos of 224 x 224 pixels and the same ones degraded.

    Finds for each image the numbers `missing`, `blockiness`, `noise`, `haziness`, `luminance` and
    `blur`, and with 1 or 0 what was used: `filled`, `deblocked`, `denoised`, `dehazed`,
    `brightened` and `deblurred`. It claims no gradient, for the choice has none.

    Reference: Crete, Dolmiere, Ladret, Nicolas, "The blur effect", 2007; Wang, Bovik, Evans, "Blind
    measurement of blocking artifacts in images", 2000; Donoho, Johnstone, "Ideal spatial adaptation
    by wavelet shrinkage", 1994; He, Sun, Tang, "Single image haze removal using dark channel
    prior", 2011.
    """

    name: ClassVar[str] = "all_in_one"
    reference: ClassVar[str] = (
        "Crete, Dolmiere, Ladret, Nicolas, The blur effect, 2007 (blur; the docstring has the others)"
    )
    needs: ClassVar[tuple[str, ...]] = ("mask",)
    restores: ClassVar[tuple[str, ...]] = ("gaussian_noise", "haze", "low_light", "missing_regions")
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {
            "fill": "inpaint_telea",
            "denoise": "tikhonov",
            "dehaze": "dark_channel_prior",
            "brighten": "gamma_correction",
        },
    )

    fill: _Part = Field(default=None, description="against holes: {uses, with}; none: it stays")
    deblock: _Part = Field(
        default=None, description="against blocks of JPEG: {uses, with}; none: it stays"
    )
    denoise: _Part = Field(default=None, description="against noise: {uses, with}; none: it stays")
    dehaze: _Part = Field(default=None, description="against haze: {uses, with}; none: it stays")
    brighten: _Part = Field(
        default=None, description="against darkness: {uses, with}; none: it stays"
    )
    deblur: _Part = Field(default=None, description="against blur: {uses, with}; none: it stays")
    blocks_above: float = Field(default=0.3, ge=0, le=100, description="bound of `blockiness`")
    noise_above: float = Field(default=0.05, ge=0, le=1, description="bound of `noise`")
    haze_above: float = Field(default=0.37, ge=0, le=1, description="bound of `haziness`")
    dark_below: float = Field(default=0.07, ge=0, le=1, description="bound of `luminance`")
    blur_above: float = Field(default=0.42, ge=0, le=1, description="bound of `blur`")

    def restore(self, images: Tensor, **needs: Tensor) -> Restored:
        """Return restored images, what was measured of each and what was used, `[N]` each."""
        import torch

        rows = [self._one(images[k : k + 1], needs["mask"][k : k + 1]) for k in range(len(images))]
        found = {name: torch.cat([one[name] for _, one in rows]) for name in rows[0][1]}
        return Restored(torch.cat([image for image, _ in rows]), found)

    def estimate(self, images: Tensor) -> Mapping[str, Tensor]:
        """Take all pixels for known where nobody tells a `mask`."""
        return {"mask": images.new_ones(len(images), 1, *images.shape[2:])}

    def _one(self, image: Tensor, mask: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Restore one image; return it with what was found."""
        missing = 1 - mask.flatten(1).mean(1)
        fills = self.fill is not None and bool(missing > 0)
        if self.fill is not None and fills:
            image = self.fill(image, {"mask": mask})
        seen = _measured(image)
        chosen = self._chosen(seen)
        for name, part in self._parts():
            if chosen[name] and part is not None:
                image = part(image)
        done = {"filled": fills} | {_PAST[name]: flag for name, flag in chosen.items()}
        flags = {name: image.new_tensor([float(flag)]) for name, flag in done.items()}
        numbers = {"missing": missing} | seen
        return clip(image), {name: value.float() for name, value in (numbers | flags).items()}

    def _parts(self) -> tuple[tuple[str, Plugin[Restoration] | None], ...]:
        """Return the restorations after `fill`, in the order in which they are used."""
        return (
            ("deblock", self.deblock),
            ("denoise", self.denoise),
            ("dehaze", self.dehaze),
            ("brighten", self.brighten),
            ("deblur", self.deblur),
        )

    def _chosen(self, seen: Mapping[str, Tensor]) -> dict[str, bool]:
        """Say which of them are used."""
        beyond = {
            "deblock": seen["blockiness"] > self.blocks_above,
            "denoise": seen["noise"] > self.noise_above,
            "dehaze": seen["haziness"] > self.haze_above,
            "brighten": seen["luminance"] < self.dark_below,
            "deblur": seen["blur"] > self.blur_above,
        }
        return {name: bool(beyond[name]) and part is not None for name, part in self._parts()}


_PAST = {
    "deblock": "deblocked",
    "denoise": "denoised",
    "dehaze": "dehazed",
    "brighten": "brightened",
    "deblur": "deblurred",
}


def _measured(image: Tensor) -> dict[str, Tensor]:
    """Return the numbers of one image, `[1]` each."""
    from adversity_plugins.restoration import _symptoms as symptoms

    large = min(image.shape[2:]) >= _SMALLEST
    return {
        "blockiness": symptoms.blockiness(image),
        "noise": metrics.noise_level(image) if large else image.new_zeros(1),
        "haziness": symptoms.haziness(image),
        "luminance": symptoms.luminance(image),
        "blur": symptoms.blur(image),
    }
