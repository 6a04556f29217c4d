"""The promise of an uncertainty method, in six shapes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from adversity.contracts.kind import Kind
from adversity.contracts.plugin import PluginBase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from adversity.contracts.values import Predictive
    from adversity.seeding import SampleRng

__all__ = ["Combine", "Decide", "Detector", "PostHoc", "Sampling", "Score", "Uncertainty"]


class Uncertainty(PluginBase):
    '''Say how sure a prediction is. Inherit from one of the six shapes, not from this.

    Example::

        from typing import ClassVar
        from adversity import Score, hookimpl

        class Doubt(Score):
            """One minus the largest probability."""
            name: ClassVar[str] = "doubt"

            def score(self, predictive):
                return 1 - predictive.probs.amax(1)

        @hookimpl
        def adversity_uncertainties():
            return [Doubt]
    '''

    describes: ClassVar[Kind] = Kind(
        name="uncertainty",
        hook="adversity_uncertainties",
        noun="an uncertainty method",
        role="score",
        makes="scores",
        leaves="scores",
        takes=("predictions", "scores"),
        keys=("over",),
        order=40,
        stage="adversity.engine.stages.score_stage:score_run",
        call="adversity.engine.calls.uncertainty_call:uncertainty_call",
        public="adversity.engine.public.create:UncertaintyCall",
        kit="adversity.testing.kinds.uncertainty",
    )


class Score(Uncertainty):
    """A number for each prediction, computed from stored tables."""

    needs_members: ClassVar[bool] = False
    """It goes by what the members of an ensemble say, `Predictive.members`; a step that combines
    members must stand before it."""

    @abstractmethod
    def score(self, predictive: Predictive) -> Tensor:
        """Return `[N]` float, higher = less sure."""


class PostHoc(Uncertainty):
    """Calibrated probabilities, computed from stored logits."""

    @abstractmethod
    def calibrate(self, logits: Tensor) -> Tensor:
        """Return probabilities `[N, K]` from logits `[N, K]`."""


class Combine(Uncertainty):
    """One answer from those of several members, computed from stored predictions: an ensemble."""

    makes: ClassVar[str] = "predictions"

    @abstractmethod
    def combine(self, members: Tensor) -> Tensor:
        """Return probabilities `[N, K]`.

        Args:
            members: `[M, N, K]` float64, the members' probabilities, in the order in which the
                pipeline names them: sources as in `from:`, variables as in the matrix.
        """


class Decide(Uncertainty):
    """Which classes an answer leaves possible, computed from stored predictions."""

    @abstractmethod
    def decide(self, predictive: Predictive) -> Predictive:
        """Return a `Predictive` with `sets` `[N, K]` bool; whatever else it holds is not read.

        Args:
            predictive: `probs` `[N, K]` float64, and `logits` where the classifier gives them.
        """


class Sampling(Uncertainty):
    """Several answers for each image, from draws or members; needs the network."""

    @abstractmethod
    def estimate(
        self,
        models: Sequence[Callable[[Tensor], Tensor]],
        images: Tensor,
        rng: SampleRng,
    ) -> Predictive:
        """Return a `Predictive` with `members` `[M, N, K]`.

        Args:
            models: Functions from images to logits `[N, K]`.
            images: `[N, C, H, W]` float32 in [0, 1].
            rng: Row i for image i.
        """


class Detector(Uncertainty):
    """A score for how unlike the fitting data a sample is, from stored features and logits."""

    @abstractmethod
    def score(self, features: Tensor | None, logits: Tensor) -> Tensor:
        """Return `[N]` float, higher = less like what was fitted on."""
