"""The promise of a classifier: images in, logits out."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from adversity.contracts.kind import Kind
from adversity.contracts.plugin import PluginBase

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.contracts.structure import Structure

__all__ = ["Classifier"]


class Classifier(PluginBase):
    '''Say what is in an image.

    Normalising and resizing happen inside. A classifier that must be fitted also inherits
    from `Fitted`.

    Example::

        from typing import ClassVar
        from adversity import Classifier, hookimpl

        class Brightness(Classifier):
            """Call an image light if its mean is above a threshold."""
            name: ClassVar[str] = "brightness"
            threshold: float = 0.5

            @property
            def class_names(self):
                return ("dark", "light")

            def logits(self, images):
                excess = images.mean((1, 2, 3)) - self.threshold
                return excess[:, None] * excess.new_tensor([-1, 1])

        @hookimpl
        def adversity_classifiers():
            return [Brightness]
    '''

    describes: ClassVar[Kind] = Kind(
        name="classifier",
        hook="adversity_classifiers",
        noun="a classifier",
        role="predict",
        makes="predictions",
        leaves="predictions",
        takes=("data", "images", "adversarial"),
        keys=("classes",),
        order=30,
        stage="adversity.engine.stages.predict_stage:PredictRun",
        call="adversity.engine.calls.classifier_call:ClassifierCall",
        public="adversity.engine.public.create:ClassifierCall",
        kit="adversity.testing.kinds.classifier",
    )
    differentiable: ClassVar[bool] = True
    gives: ClassVar[Literal["logits", "probs", "labels"]] = "logits"
    image_channels: ClassVar[tuple[int, ...] | None] = (1, 3)
    block_rows: ClassVar[int | None] = 16  # type: ignore[assignment]
    """None, for a network that never enlarges its images, lets the engine choose by their
    size: 64 rows up to 64 x 64, else 16."""

    @property
    @abstractmethod
    def class_names(self) -> tuple[str, ...]:
        """The K classes in the order of the logits; available after `setup` or `load`."""

    @property
    def synsets(self) -> tuple[str, ...] | None:
        """WordNet ids of the classes, in the same order, where they are known."""
        return None

    @property
    def without_gradient(self) -> str | None:
        """Why this one, as it is set up, has no gradient though its class is `differentiable`.

        None: it has one. For what only a file decides, such as a graph that cannot be
        differentiated; an attack that needs gradients is refused with these words.
        """
        return None

    @abstractmethod
    def logits(self, images: Tensor) -> Tensor:
        """Return `[N, K]` float32: logits, or what `gives` says.

        Args:
            images: `[N, C, H, W]` float32 in [0, 1].
        """

    def features(self, images: Tensor) -> Tensor | None:
        """Return `[N, D]` features before the last layer, where the network has such."""
        return None

    def head(self, features: Tensor) -> Tensor | None:
        """Return what `logits` gives for images with these features, differentiable in them.

        None where the network is no function of its features, as where they are means over
        positions of what the last layer gets.

        Args:
            features: `[N, D]` float32, what `features` gives.
        """
        return None

    def member_probs(self, images: Tensor) -> Tensor | None:
        """Return what each of its members says, `[M, N, K]` probabilities, where it has such.

        For scores that go by how members disagree; the same M for all images. Rows are about their
        images alone.

        Args:
            images: `[N, C, H, W]` float32 in [0, 1].
        """
        return None

    def structure(self) -> Structure | None:
        """Return what it is made of, for exact attacks; None where there are no such."""
        return None

    def describe(self) -> dict[str, Any]:
        """Return facts for the report (where weights come from, their SHA-256), JSON values."""
        return {}
