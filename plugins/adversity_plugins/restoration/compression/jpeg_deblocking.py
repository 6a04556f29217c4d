"""JPEG's blocks taken off: JPEG applied again at other places, within what the file says."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Restoration, Restored, clip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class JpegDeblocking(Restoration):
    """Take off the blocks and rings of JPEG: apply it again at all shifts, within its intervals.

    The luma is rounded to the file's quantisation table on the grid of 8 x 8 blocks at each of its
    64 places, and the mean taken: at other places JPEG takes off what it left at its own. The mean
    is then projected onto the quantisation constraint set, the images from which the same file
    comes: each cosine coefficient goes to the nearest value of its interval, of which the middle
    `width` is used. Cb and Cr, at half the resolution as Pillow stores them, are smoothed alike and
    not projected: what enlarged them is not known.

    Needs `quality`, 1 to 100 as Pillow and libjpeg count it: the parameter, the degradation's, or
    an estimate, the lowest whose steps the coefficients lie on; an image that is no JPEG comes back
    within a grey level or two. An image that was moved or resized after JPEG is no JPEG.

    Not differentiable here, since rounding has no gradient; the backward pass sees the identity.

    Reference: Nosratinia, "Enhancement of JPEG-compressed images by re-application of JPEG", 2001;
    Zakhor, "Iterative procedures for reduction of blocking effects in transform image coding",
    1992; Park, Kim, "Theory of projection onto the narrow quantization constraint set and its
    application", 1999.
    """

    name: ClassVar[str] = "jpeg_deblocking"
    reference: ClassVar[str] = (
        "Nosratinia, Enhancement of JPEG-compressed images by re-application of JPEG, 2001"
    )
    needs: ClassVar[tuple[str, ...]] = ("quality",)
    restores: ClassVar[tuple[str, ...]] = ("jpeg_compression",)

    quality: float | None = Field(
        default=None, ge=1, le=100, description="of the JPEG file, as Pillow counts it"
    )
    width: float = Field(
        default=0.6, ge=0, le=1, description="of the intervals, as a share of a quantisation step"
    )

    def restore(self, images: Tensor, **needs: Tensor) -> Restored:
        """Return images without blocks, and the `quality` that was used, `[N]`.

        Raises:
            ValueError: If a quality is not from 1 to 100.
        """
        import torch

        qualities = [round(float(quality)) for quality in needs["quality"]]
        for quality in qualities:
            if not 1 <= quality <= 100:
                raise ValueError(f"expected a quality from 1 to 100, got {quality}")
        with torch.no_grad():
            rows = [
                self._deblocked(image, quality)
                for image, quality in zip(images.detach(), qualities, strict=True)
            ]
        return Restored(clip(torch.stack(rows)), {"quality": needs["quality"]})

    def estimate(self, images: Tensor) -> Mapping[str, Tensor]:
        """Estimate `quality` `[N]` from the steps that coefficients lie on."""
        from adversity_plugins.restoration.compression._jpeg_blocks import likely_quality

        found = [float(likely_quality(image.detach())) for image in images]
        return {"quality": images.new_tensor(found)}

    def _deblocked(self, image: Tensor, quality: int) -> Tensor:
        """Return one image `[C, H, W]`, continued to whole blocks as the encoder does."""
        import torch
        from torch.nn.functional import pad

        from adversity_plugins.restoration.compression import _jpeg_blocks as jpeg

        height, width = image.shape[1:]
        whole = (0, -width % (2 * jpeg.BLOCK), 0, -height % (2 * jpeg.BLOCK))
        planes = jpeg.to_luma(pad(image[None], whole, mode="replicate")[0])
        table = jpeg.table_of(quality, image)
        smooth = jpeg.reapplied(planes[0], table)
        better = [jpeg.projected(smooth, planes[0], table, self.width)]
        for plane in planes[1:]:
            table = jpeg.table_of(quality, image, chroma=True)
            better.append(jpeg.smoothed_colour(plane, table))
        return jpeg.from_luma(torch.stack(better))[:, :height, :width]
