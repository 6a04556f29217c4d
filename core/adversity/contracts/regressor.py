"""The promise of a regressor: images in, numbers out, and how sure it is of them."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from adversity.contracts.kind import Kind
from adversity.contracts.plugin import PluginBase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from adversity.contracts.values import Predictive

__all__ = ["Regressor"]


class Regressor(PluginBase):
    '''Estimate numbers from an image: an angle, an age, the place of a landmark.

    Normalising and resizing happen inside. A regressor that must be fitted also inherits from
    `Fitted`; the targets of its blocks are then `[N, D]` float64.

    Example::

        from typing import ClassVar
        from adversity import Predictive, Regressor, hookimpl

        class Brightness(Regressor):
            """Estimate the mean of an image's values."""
            name: ClassVar[str] = "brightness"

            @property
            def target_names(self):
                return ("brightness",)

            def predict(self, images):
                return Predictive(mean=images.double().mean((1, 2, 3))[:, None])

        @hookimpl
        def adversity_regressors():
            return [Brightness]
    '''

    describes: ClassVar[Kind] = Kind(
        name="regressor",
        hook="adversity_regressors",
        noun="a regressor",
        role="regress",
        makes="numbers",
        leaves="numbers",
        takes=("data", "images"),
        order=35,
        stage="adversity.engine.stages.regress_stage:RegressRun",
        call="adversity.engine.calls.regressor_call:RegressorCall",
        public="adversity.engine.public.regressor:RegressorCall",
        kit="adversity.testing.kinds.regressor",
    )
    image_channels: ClassVar[tuple[int, ...] | None] = (1, 3)

    @staticmethod
    def claim_faults(plugin: Any) -> Iterator[str]:
        """Yield what is wrong with the claims of a class: it learns from images alone."""
        if getattr(plugin, "fits_on", "images") != "images":
            yield f'a regressor learns from images: expected fits_on = "images", got {plugin.fits_on!r}'

    @property
    @abstractmethod
    def target_names(self) -> tuple[str, ...]:
        """What each of the D numbers is, in their order; available after `setup` or `load`.

        A data set that the numbers are held against has the same `target_names`.
        """

    @abstractmethod
    def predict(self, images: Tensor) -> Predictive:
        """Return a `Predictive` with `mean` `[N, D]` and, where it is known, `variance` `[N, D]`.

        The variance is that of the target around the mean, its noise included, above 0. It is given
        for all images or for none; whatever else the answer holds is not read.

        Args:
            images: `[N, C, H, W]` float32 in [0, 1].
        """

    def describe(self) -> dict[str, Any]:
        """Return facts for the report (where weights come from, their SHA-256), JSON values."""
        return {}
