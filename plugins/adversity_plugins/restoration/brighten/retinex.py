"""Multi-scale Retinex: what a pixel is beside its surround, at several widths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from adversity import Restoration, clip

if TYPE_CHECKING:
    from torch import Tensor

_BLACK = 1 / 255
"""Added before a logarithm: one grey level of 8 bits, as the published code adds 1."""

Scale = Annotated[float, Field(gt=0, le=5000)]


class Retinex(Restoration):
    """Brighten what is dark beside its surround: multi-scale Retinex, colours kept.

    With I the mean of the channels and G_s a Gaussian of s pixels, mirrored at the border,

        R = mean over s of log(I + 1/255) - log(G_s I + 1/255)

    is stretched so that `cut` of the pixels are black and as many white, and all channels of a
    pixel are multiplied alike, by the new I over the old one, but never beyond white. So hues
    stay, where Jobson's own colour restoration shifts them; this form is Petro, Sbert and Morel's
    (their algorithm 2, "with chromaticity preservation"). The scales are Jobson's 15, 80 and 250
    pixels. Noise of dark parts grows with them, and a flat dark image becomes neither.

    The gradient is exact where the stretch's end pixels, and which channel is brightest, stay.

    Reference: Jobson, Rahman, Woodell, "A multiscale Retinex for bridging the gap between color
    images and the human observation of scenes", 1997; Petro, Sbert, Morel, "Multiscale
    Retinex", 2014.
    """

    name: ClassVar[str] = "retinex"
    reference: ClassVar[str] = (
        "Jobson, Rahman, Woodell, A multiscale Retinex for bridging the gap between color images "
        "and the human observation of scenes, 1997; Petro, Sbert, Morel, Multiscale Retinex, 2014"
    )
    differentiable: ClassVar[bool] = True
    restores: ClassVar[tuple[str, ...]] = ("low_light",)

    scales_px: tuple[Scale, ...] = Field(
        default=(15.0, 80.0, 250.0), min_length=1, description="widths of the surrounds in pixels"
    )
    cut: float = Field(
        default=0.01, ge=0, lt=0.5, description="share of the pixels cut off at either end"
    )

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return images with even illumination."""
        import torch

        wide = images.double()
        light = wide.mean(1, keepdim=True)
        raised = _stretched(_retinex(light, self.scales_px), self.cut)
        gain = (raised + _BLACK) / (light + _BLACK)
        # Never so much that the brightest channel exceeds white.
        most = 1 / wide.amax(1, keepdim=True).clamp(min=_BLACK)
        return clip(wide * torch.minimum(gain, most)).to(images.dtype)


def _retinex(light: Tensor, scales_px: tuple[float, ...]) -> Tensor:
    """Return the mean over the scales of log(light) - log(surround), `[N, 1, H, W]`."""
    from adversity_plugins.restoration.brighten._surround import surround

    around = [(clip(surround(light, scale)) + _BLACK).log() for scale in scales_px]
    return (light + _BLACK).log() - sum(around[1:], around[0]) / len(around)


def _stretched(planes: Tensor, cut: float) -> Tensor:
    """Return planes with a share cut off at either end and the rest stretched to [0, 1]."""
    values = planes.flatten(1).sort(1).values
    count = values.shape[1]
    last = count - 1 - int(cut * count)
    low, high = (values[:, place].view(-1, 1, 1, 1) for place in (int(cut * count), last))
    return clip((planes - low) / (high - low).clamp(min=1e-6))
