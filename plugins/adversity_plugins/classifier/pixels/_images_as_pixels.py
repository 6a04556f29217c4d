"""What the classifiers share that see an image as one flat row of numbers.

They are fitted with scikit-learn where there is something to optimise, and stored as named
arrays, never as its objects; what they answer is computed here. It is not for networks.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import PrivateAttr

from adversity import Classifier, Fitted
from adversity.contracts.values import State
from adversity.errors import DataError, NotFittedError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from torch import Tensor

    from adversity.contracts.values import FitData

__all__ = ["PixelClassifier"]


class PixelClassifier(Fitted, Classifier):
    """Fit on flat rows of D = C * H * W values in [0, 1], and answer from named arrays.

    The images it is fitted on must have one size and show every class. Images of another
    size are resized to it when classifying, grey ones repeated where it knows colour.
    """

    block_rows: ClassVar[int | None] = None

    arrays: ClassVar[tuple[str, ...]]
    """The names of what is learnt."""

    _learnt: dict[str, Any] = PrivateAttr(default_factory=dict)
    _info: dict[str, Any] = PrivateAttr(default_factory=dict)
    _shape: tuple[int, ...] = PrivateAttr(default=())

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Learn from all samples of the stream.

        Raises:
            DataError: If there are no labels, a class is missing, or sizes differ.
        """
        from adversity_plugins.classifier.pixels._pixel_table import gather, one_thread

        pixels, labels, weights, shape = gather(data, f"{self.kind} {self.name!r}")
        with one_thread():
            arrays, facts = self._learn(pixels, labels, weights, rng)
        info = {
            "classifier": self.name,
            "class_names": list(data.class_names),
            "shape": list(shape),
            "training": {"n": len(labels), **facts},
        }
        return State(arrays, info)

    @abstractmethod
    def _learn(
        self,
        pixels: np.ndarray[Any, Any],
        labels: np.ndarray[Any, Any],
        weights: np.ndarray[Any, Any] | None,
        rng: np.random.Generator,
    ) -> tuple[Mapping[str, np.ndarray[Any, Any]], dict[str, Any]]:
        """Return the arrays, and facts for the report.

        Args:
            pixels: `[N, D]` float32 in [0, 1].
            labels: `[N]` int64, in which each of the K classes occurs.
            weights: `[N]` float64 above 0, or None; only where the class `takes_weights`.
            rng: For what is drawn.
        """

    @abstractmethod
    def _scores(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return what it gives and what decides, both `[N, K]` float64, for `[N, D]` float32."""

    def _take(self, arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
        """Return what the scores are computed from, where that is not the arrays themselves."""
        return dict(arrays)

    def load(self, state: State) -> None:
        """Take what was learnt.

        Raises:
            WeightsError: If the state is not one of this plugin.
        """
        try:
            if state.info["classifier"] != self.name:
                raise KeyError(state.info["classifier"])
            shape = tuple(int(size) for size in state.info["shape"])
            names = list(state.info["class_names"])
            learnt = self._take({name: state.arrays[name].copy() for name in self.arrays})
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise WeightsError(
                f"the state is not one of {self.name} ({error!r}); run the step that fits it again"
            ) from error
        self._shape, self._learnt = shape, learnt
        self._info = {**state.info, "class_names": names}

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of the data set it was fitted on."""
        self._fitted()
        return tuple(self._info["class_names"])

    def logits(self, images: Tensor) -> Tensor:
        """Return `[N, K]` float32; the highest of float64 stays the highest."""
        from adversity_plugins.classifier.pixels._pixel_table import rounded

        self._fitted()
        return rounded(*self._scores(self._flat(images)))

    def describe(self) -> dict[str, Any]:
        """Return how the fitting went."""
        return dict(self._info.get("training", {}))

    def _fitted(self) -> dict[str, Any]:
        """Return what was learnt."""
        if not self._info:
            raise NotFittedError(
                f"classifier {self.name!r} has learnt nothing yet; give its step `fit_on:` a data "
                "set, or call `.fit(images, labels)` in Python"
            )
        return self._learnt

    def _flat(self, images: Tensor) -> Tensor:
        """Return `[N, D]` rows of the size it was fitted on, differentiably."""
        from adversity_plugins.classifier._inputs import stretch, to_rgb

        channels, height, width = self._shape
        if channels == 3:
            images = to_rgb(images)
        if images.shape[1] != channels:
            raise DataError(
                f"classifier {self.name!r} was fitted on grey images, got {images.shape[1]} "
                "channels; fit it on images of the same kind"
            )
        return stretch(images, height, width).flatten(1)
