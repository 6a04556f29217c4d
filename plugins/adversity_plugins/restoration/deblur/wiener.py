"""Wiener deconvolution: as much of each frequency as is no noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity_plugins.restoration.deblur._known_blur import KnownBlur

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_plugins.restoration.deblur._blurring import Blurring

_ROUNDS = 15
"""How often what lies beyond the border is found anew; with little balance more would help."""


class Wiener(KnownBlur):
    """Deblur by the linear filter of least squared error.

        x = F^-1[ conj(K) F(y) / (|K|^2 + balance |D|^2) ]

    in each channel, with F the Fourier transform, K that of the blur and D that of the differences
    of neighbours. It is argmin |k * x - y|^2 + balance |grad x|^2: white noise over images whose
    power falls as one over the square of the frequency, as that of photos does. More balance
    gives less noise and less detail. It rings beside strong edges.

    Exact in one step where the image is circular. Else what lies beyond the border is not known:
    y is continued by the blur of the last result, 15 times.

    Reference: Wiener, "Extrapolation, interpolation, and smoothing of stationary time series",
    1949; Hunt, "The application of constrained least squares estimation to image restoration by
    digital computer", 1973.
    """

    name: ClassVar[str] = "wiener"
    reference: ClassVar[str] = (
        "Wiener, Extrapolation, interpolation, and smoothing of stationary time series, 1949"
    )
    differentiable: ClassVar[bool] = True

    balance: float = Field(
        default=3e-3, gt=0, le=10, description="weight of the squared differences of neighbours"
    )

    def _sharpened(self, image: Tensor, blur: Blurring) -> Tensor:
        inverse = blur.spectrum.conj() / (blur.spectrum.abs() ** 2 + self.balance * blur.roughness)
        whole = blur.continued(image)
        sharp = blur.back(blur.transform(whole) * inverse)
        if image.shape[1:] == blur.size:
            return sharp
        for _ in range(_ROUNDS):
            whole = blur.completed(image, blur.spread(sharp))
            sharp = blur.back(blur.transform(whole) * inverse)
        return sharp
