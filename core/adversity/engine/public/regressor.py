"""From Python: the public call of a regressor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from adversity.engine.public.in_memory import TensorRows
from adversity.engine.public.public_call import Call, image_marks, require_images
from adversity.errors import DataError
from adversity.seeding import preserve_global_rng

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike
    from torch import Tensor

    from adversity.contracts import Predictive

__all__ = ["RegressorCall"]


class RegressorCall(Call):
    """`predictive = regressor(images)`; first `.fit(images, targets)` where it must be fitted."""

    @property
    def target_names(self) -> tuple[str, ...]:
        """What the D numbers are."""
        self.ready.require_fitted()
        names: tuple[str, ...] = self.ready.call.target_names
        return names

    def __call__(self, images: Tensor) -> Predictive:
        """Return a `Predictive` with `mean` `[N, D]` float64, and `variance` where it has one."""
        self.ready.require_fitted()
        require_images(images, self.ready)
        with preserve_global_rng():
            return self.ready.call(images.detach())  # type: ignore[no-any-return]

    def fit(  # type: ignore[override]  # its targets are numbers, not labels
        self,
        images: Tensor,
        targets: ArrayLike | Tensor,
        *,
        target_names: Sequence[str] | None = None,
        weights: ArrayLike | Tensor | None = None,
        groups: Sequence[str | None] | None = None,
        sources: Mapping[str, Mapping[str, Any]] | None = None,
        seed: int = 0,
    ) -> Self:
        """Fit on images; return a new object that carries what was learnt.

        Args:
            images: `[N, C, H, W]` float32 in [0, 1].
            targets: `[N]` or `[N, D]` finite numbers.
            target_names: What the D numbers are; `target`, or `target_0` and so on, if not given.
            weights: `[N]` finite, 0 or more: what each image counts, for plugins that take weights.
            groups: `[N]`, of which group (a patient, a video) each image is, None for one of none;
                for plugins that leave out groups as a whole.
            sources: Further sources by name, each with `images` and `targets`:
                `{"validate": {"images": ..., "targets": ...}}`.
            seed: Of the fit.

        Raises:
            InputError: If the plugin is none that is fitted.
            DataError: If the tensors do not fit each other.
            PluginError: If it cannot be set up or fitted.
        """
        data = self._numbers(images, targets, target_names, weights, groups)
        seen, others = image_marks(images), {}
        for name, given in (sources or {}).items():
            try:
                others[name] = self._numbers(**given, target_names=data.target_names)
            except (DataError, TypeError) as error:
                raise DataError(
                    f"source {name}: expected a mapping of images and targets: {error}"
                ) from error
            seen |= image_marks(given["images"])
        return self._learnt(data, seed, seen, others)

    def _numbers(
        self,
        images: Tensor,
        targets: ArrayLike | Tensor,
        target_names: Sequence[str] | None,
        weights: ArrayLike | Tensor | None = None,
        groups: Sequence[str | None] | None = None,
    ) -> TensorRows:
        """Return a source of a fit."""
        require_images(images, self.ready)
        if groups is not None and len(groups) != len(images):
            raise DataError(
                f"expected one group for each of {len(images)} images, got {len(groups)}"
            )
        return TensorRows(
            None,
            (),
            images=images,
            numbers=targets,
            target_names=target_names,
            weights=weights,
            groups=groups,
        )
