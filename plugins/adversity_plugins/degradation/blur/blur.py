"""Blur by a kernel that restorations are told: the operator of deconvolution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from adversity import Degradation, Degraded, ProjectFile, clip
from adversity.errors import ParameterError
from adversity_plugins.degradation._correlated import Padding, correlated
from adversity_plugins.degradation.blur import _point_spread
from adversity_plugins.optics.srgb import linear_to_srgb, srgb_to_linear

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from adversity import SampleRng

_SPREADS = {"gaussian": _point_spread.gaussian, "disk": _point_spread.disk}


class Blur(Degradation):
    """Blur by a stated kernel and border, and tell both: what a deconvolution needs.

    Each pixel becomes the mean of its neighbours, weighted by the kernel, in each channel. Weights
    are not negative and sum to 1, so nothing leaves [0, 1]. The kernel is

    - `gaussian`, `size_px` wide at half its maximum (2.355 sigma), cut at 4 sigma;
    - `disk`, a lens out of focus, of diameter `size_px`;
    - `linear_motion` of length `size_px`, at `angle` or at one drawn for each image;
    - `random_motion`, the path of an unsteady hand drawn for each image, whose larger side is
      `size_px`; the same image has the same path at every size;
    - `file`: `file` shows a point of light as it shall look, as `.npy` (read without pickle) or
      `.png`. It is divided by its sum. Its middle (of an even side the pixel behind it) stays.

    Beyond the border the image goes on by `padding`. A camera blurs light: `light: linear` does so
    (sRGB decoded), `encoded` blurs the image values, which the deconvolutions here undo.

    The severities are ours: 3, 5, 9, 13 and 19 pixels. For ImageNet-C's constants take
    `gaussian_blur`, `defocus_blur` or `motion_blur`.

    Side information: `kernel` `[N, 1, k, k]`, with which the image is correlated (a file's, turned
    by half a turn), and `circular` `[N]`, 1 where `padding` is circular and 0 where not.

    Reference: Boracchi and Foi, "Modeling the performance of image restoration from motion
    blur", 2012 (random motion).
    """

    name: ClassVar[str] = "blur"
    reference: ClassVar[str] = (
        "Boracchi and Foi, Modeling the performance of image restoration from motion blur, 2012"
    )
    image_channels: ClassVar[None] = None
    differentiable: ClassVar[bool] = True
    stochastic: ClassVar[bool] = True
    levels: ClassVar = {"size_px": (3.0, 5.0, 9.0, 13.0, 19.0)}
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"severity": 3, "kernel": "random_motion"},
        {"severity": 3, "kernel": "linear_motion", "light": "linear", "padding": "reflect"},
    )

    size_px: float | None = Field(
        default=None, gt=0, le=300, description="how wide the blur is, in pixels"
    )
    kernel: Literal["gaussian", "disk", "linear_motion", "random_motion", "file"] = Field(
        default="gaussian", description="what becomes of a point"
    )
    angle: float | None = Field(
        default=None,
        ge=-360,
        le=360,
        description="of linear_motion in degrees from the right, anticlockwise; none: drawn",
    )
    file: ProjectFile | None = Field(default=None, description="with the kernel, if it is a file")
    padding: Padding = Field(default="replicate", description="what lies beyond the border")
    light: Literal["encoded", "linear"] = Field(
        default="encoded", description="what is blurred: image values, or linear light"
    )

    _from_file: Any = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _one_way_to_say_how_much(self) -> Self:
        """Take the size from severity or `size_px`, but for a file, which has its own."""
        if self.kernel != "file":
            check: Any = super()._one_way_to_say_how_much
            check()
        elif self.severity is not None or self.size_px is not None:
            raise ValueError("a kernel of a file has its own size; leave severity and size_px out")
        return self

    @model_validator(mode="after")
    def _nothing_is_left_unused(self) -> Self:
        if (self.kernel == "file") != (self.file is not None):
            raise ValueError(f"kernel: file and file: go together, got kernel: {self.kernel}")
        if self.angle is not None and self.kernel != "linear_motion":
            raise ValueError(f"angle is for kernel: linear_motion, got kernel: {self.kernel}")
        return self

    def setup(self, device: str) -> None:
        """Read the kernel's file.

        Raises:
            DataError: If it cannot be read, or is no kernel.
        """
        super().setup(device)
        if self.file is not None:
            self._from_file = _point_spread.kernel_in(self.file.path, self.file.text)

    def degrade(self, images: Tensor, rng: SampleRng) -> Degraded:
        """Return blurred images with `kernel` and `circular`."""
        import torch

        blurred, kernels = [], []
        for row in range(len(images)):
            kernel = torch.from_numpy(self._kernel(rng.rows([row])).copy()).to(images)
            blurred.append(self._blurred(images[row : row + 1], kernel))
            kernels.append(kernel[None, None])
        reach = max(kernel.shape[-1] for kernel in kernels) // 2
        side = {
            "kernel": torch.cat([_widened(kernel, reach) for kernel in kernels]).float(),
            "circular": images.new_full((len(images),), float(self.padding == "circular")).float(),
        }
        # Transforms round: white could become 1.0000001.
        return Degraded(clip(torch.cat(blurred)), side)

    def _blurred(self, image: Tensor, kernel: Tensor) -> Tensor:
        if self.light == "encoded":
            return correlated(image, kernel, self.padding)
        return linear_to_srgb(clip(correlated(srgb_to_linear(image), kernel, self.padding)))

    def _kernel(self, rng: SampleRng) -> NDArray[Any]:
        """Return what the image of one stream is correlated with, `[k, k]` float64."""
        if self.kernel == "file":
            if self._from_file is None:
                raise ParameterError("blur: the file was not read; call setup first")
            kernel: NDArray[Any] = self._from_file[::-1, ::-1]
            return kernel
        size = self.level("size_px")
        if self.kernel == "random_motion":
            return _point_spread.trajectory(size, rng)
        if self.kernel == "linear_motion":
            drawn = 180 * float(rng.uniform()[0])
            return _point_spread.line(size, drawn if self.angle is None else self.angle)
        return _SPREADS[self.kernel](size)


def _widened(kernel: Tensor, reach: int) -> Tensor:
    """Return `[1, 1, k, k]` with a border of zeros, k = 2 reach + 1."""
    from torch.nn.functional import pad

    border = reach - kernel.shape[-1] // 2
    return pad(kernel, (border, border, border, border))
