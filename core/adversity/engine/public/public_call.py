"""What the public calls of all kinds share."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from adversity.contracts import Fitted
from adversity.contracts.fitted import UNLABELLED
from adversity.engine.attack.attack_labels import label_rows
from adversity.engine.calls.set_up import set_up_alike
from adversity.engine.public.in_memory import TensorRows, learnt, with_sources
from adversity.errors import DataError, InputError
from adversity.pipeline.plan.check_fit_rows import NO_WEIGHTS
from adversity.pipeline.plan.fit_sources import source_faults
from adversity.provenance import pixels_sha256
from adversity.shapes import image_fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import ArrayLike
    from torch import Tensor

    from adversity.engine.calls.ready import Ready

__all__ = ["Call", "image_marks", "require_images", "sample_ids"]


class Call:
    """A ready plugin; what all kinds share."""

    def __init__(self, ready: Ready) -> None:
        """Take the plugin, which may have to be fitted first."""
        self.ready = ready
        self.history: tuple[Mapping[str, float], ...] = ()
        """What each epoch of `fit` recorded, where the plugin does."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The plugin's parameters, defaults included."""
        parameters: dict[str, Any] = self.ready.plugin.parameters
        return parameters

    def __repr__(self) -> str:
        """Show the plugin with its parameters."""
        return f"{self.ready.label} {self.parameters}"

    def fit(
        self,
        images: Tensor,
        labels: ArrayLike | Tensor | None = None,
        *,
        references: Tensor | None = None,
        side: Mapping[str, Tensor] | None = None,
        class_names: Sequence[str] | None = None,
        weights: ArrayLike | Tensor | None = None,
        sources: Mapping[str, Mapping[str, Any]] | None = None,
        seed: int = 0,
    ) -> Self:
        """Fit on images; return a new object that carries what was learnt.

        Args:
            images: `[N, C, H, W]` float32 in [0, 1].
            labels: `[N]` whole numbers, where the plugin needs them.
            references: The clean images, row by row, where it needs them.
            side: What is known of how the images were degraded, such as `.side` of a degradation.
            class_names: What the labels index; their numbers if not given.
            weights: `[N]` finite, 0 or more: what each image counts, for plugins that take weights.
            sources: Further sources by name, each with the arguments above:
                `{"validate": {"images": ..., "labels": ...}}`; `unlabelled` has no labels.
            seed: Of the fit.

        Raises:
            InputError: If the plugin is none that is fitted.
            DataError: If the tensors do not fit each other.
            PluginError: If it cannot be set up or fitted.
        """
        require_images(images, self.ready)
        names = tuple(class_names or ())
        known = None if labels is None else label_rows(labels, len(images), len(names) or None)
        if known is not None and not names:
            names = tuple(map(str, range(int(known.max()) + 1)))
        data, seen = self._rows(
            names, images=images, labels=known, references=references, side=side, weights=weights
        )
        if getattr(self.ready.plugin, "fit_sources", ("",))[0] == UNLABELLED:
            seen = frozenset()  # they may judge it
        others: dict[str, TensorRows] = {}
        for name, arguments in (sources or {}).items():
            with self._naming(name):
                others[name], marks = self._rows(names, **arguments)
                seen |= frozenset() if name == UNLABELLED else marks
        return self._learnt(data, seed, seen, others)

    def _rows(
        self,
        names: tuple[str, ...],
        *,
        images: Tensor,
        labels: ArrayLike | Tensor | None = None,
        references: Tensor | None = None,
        side: Mapping[str, Tensor] | None = None,
        weights: ArrayLike | Tensor | None = None,
    ) -> tuple[TensorRows, frozenset[str]]:
        """Return a source of a fit, and what its images are known by."""
        for value in (images, *(() if references is None else (references,))):
            require_images(value, self.ready)
        data = TensorRows(
            labels, names, images=images, references=references, side=side, weights=weights
        )
        marks = image_marks(images)
        return data, marks if references is None else marks | image_marks(references)

    @contextmanager
    def _naming(self, source: str) -> Iterator[None]:
        """Name the source of a fit in what is wrong with it.

        Raises:
            DataError: If its tensors do not fit each other.
            InputError: If it is no mapping of the arguments of `fit`.
        """
        try:
            yield
        except DataError as error:
            raise DataError(f"source {source}: {error}") from error
        except TypeError as error:
            raise InputError(
                f"{self.ready.label}: source {source}: expected a mapping of what `fit` takes, such "
                f"as {{'images': ..., 'labels': ...}}: {error}"
            ) from error

    def _learnt(
        self,
        data: TensorRows,
        seed: int,
        seen: frozenset[str],
        others: Mapping[str, TensorRows] | None = None,
    ) -> Self:
        """Return a new object of this class that has learnt from the rows."""
        given, others = self.ready.plugin, others or {}
        if not issubclass(type(given), Fitted):
            raise InputError(f"{self.ready.label} has nothing to fit; call it as it is")
        first: str = given.fit_sources[0]
        blind = {first: data, **others}.get(UNLABELLED)
        if blind is not None and blind.labelled:
            raise DataError(
                f"{self.ready.label}: source {UNLABELLED}: expected it without labels and references, "
                "which the fit must not see, got some: leave them out"
            )
        if data.weighted and not given.takes_weights:
            raise InputError(f"{self.ready.label} {NO_WEIGHTS}; leave weights= out")
        if any(each.weighted for each in others.values()):
            raise InputError(f"{self.ready.label}: weights are of the first source, {first}, alone")
        faults = [
            fault for _, fault in source_faults(type(given), (first, *others), self.ready.label)
        ]
        if faults:
            raise InputError(faults[0])
        state = learnt(set_up_alike(self.ready, given), with_sources(data, first, others), seed)
        ready = set_up_alike(self.ready, given, state=state)
        fitted = type(self)(replace(ready, seen=seen))
        fitted.history = tuple(data.watch.rows)
        return fitted


def image_marks(images: Tensor) -> frozenset[str]:
    """Return what images are known by, whatever their ids."""
    pixels = images.detach().cpu().permute(0, 2, 3, 1).numpy()
    return frozenset(map(pixels_sha256, pixels))


def require_images(images: Any, ready: Ready) -> None:
    """Refuse what are no images, or not of the channels that the plugin claims, under its name."""
    fault = image_fault(images, channels=ready.plugin.takes_channels())
    if fault is not None:
        raise DataError(f"{ready.label}: {fault}")


def sample_ids(ids: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """Return the ids given, all different, or the samples' positions."""
    names = tuple(map(str, range(count))) if ids is None else tuple(ids)
    if len(names) != count or len(set(names)) != count:
        raise DataError(f"expected {count} different ids, got {len(names)}")
    return names
