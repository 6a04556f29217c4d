"""The promise of an uncertainty method, in six shapes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from adversity.contracts.kind import Kind
from adversity.contracts.plugin import PluginBase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor, nn

    from adversity.contracts.values import Predictive
    from adversity.seeding import SampleRng

__all__ = [
    "Combine",
    "Decide",
    "Detector",
    "Model",
    "PostHoc",
    "Sampling",
    "Score",
    "Uncertainty",
]


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
        public="adversity.engine.public.uncertainty_call:uncertainty",
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
    """One answer from those of several members, computed from stored predictions: an ensemble.

    One that is `Fitted` says `fits_on = "members"`.
    """

    makes: ClassVar[str] = "predictions"

    @abstractmethod
    def combine(self, members: Tensor) -> Tensor:
        """Return probabilities `[N, K]`.

        Args:
            members: `[M, N, K]` float64, the members' probabilities, in the order in which the
                pipeline names them: sources as in `from:`, variables as in the matrix.
        """


class Decide(Uncertainty):
    """What follows from an answer: the classes it leaves possible, or whether it is accepted."""

    decides: ClassVar[Literal["sets", "accept"]] = "sets"
    """What it gives: prediction sets, or which answers are accepted; others are rejected."""

    @property
    def goes_by(self) -> str | None:
        """What tells the groups of samples apart that it decides for, each in its own way.

        `group`, or the name of an attribute of the samples, as `by:` of a metric takes it; None for
        a method that goes by answers alone. The groups come as `Predictive.groups`, and as
        `Block.groups` where it is fitted.
        """
        return None

    @abstractmethod
    def decide(self, predictive: Predictive) -> Predictive:
        """Return a `Predictive` with `sets` `[N, K]` bool, or with `accept` `[N]` bool.

        It is the one that the class says, `decides`; whatever else it holds is not read.

        Args:
            predictive: `probs` `[N, K]` float64, and `logits` where the classifier gives them;
                `groups` where it `goes_by` such.
        """

    def margin(self, predictive: Predictive) -> Tensor | None:
        """Return by how much each answer is accepted, `[N]`: not below 0 exactly where it is.

        Attacks on the decision itself go by it, through its gradient where the class says
        `differentiable`. None, as here, where there is no such number: it cannot be attacked.
        """
        return None


class Model(Protocol):
    """A classifier, as a method that asks it several times gets it."""

    def __call__(self, images: Tensor) -> Tensor:
        """Return logits `[N, K]` float32, finite; log p where the classifier gives probabilities.

        Args:
            images: `[N, C, H, W]` float32 in [0, 1], any N; the answer is on their device.
        """
        ...

    def networks(self) -> tuple[nn.Module, ...]:
        """Return the networks that the classifier keeps as attributes, perhaps in lists or dicts.

        None where it keeps none. They are in evaluation mode. Whatever is changed in them must be
        put back before the method returns, also when it raises.
        """
        ...


class Sampling(Uncertainty):
    """Several answers of a classifier to each image, such as draws; needs the network."""

    makes: ClassVar[str] = "predictions"

    @property
    def asks_each(self) -> int | None:
        """How often each model is asked for an image, where parameters fix it; None if they do not.

        `adversity validate` counts with it, and a report says it of what is attacked.
        """
        return None

    @abstractmethod
    def estimate(self, models: Sequence[Model], images: Tensor, rng: SampleRng) -> Predictive:
        """Return a `Predictive` with `members` `[M, N, K]`, the probabilities of M answers.

        The one answer is their mean, unless it gives `probs` `[N, K]`; whatever else it holds is
        not read. A row is about its image alone, and draws from its row of `rng` alone. Where the
        class says `differentiable`, attacks go through the answer: the images then require a
        gradient, and the answer must have it.

        Args:
            models: Classifiers of the same classes; a pipeline gives one.
            images: `[N, C, H, W]` float32 in [0, 1].
            rng: Row i for image i.
        """


class Detector(Uncertainty):
    """A score for how unlike the fitting data a sample is, from stored features and logits.

    In a pipeline its steps stand behind those of a classifier, whose tables then hold `features`.
    """

    needs_head: ClassVar[bool] = False
    """It asks the classifier what other features would mean: `take_head` is called before `score`."""

    def take_head(self, head: Callable[[Tensor], Tensor]) -> None:
        """Take the last layer of the classifier, on an underscore attribute, where `needs_head`.

        Args:
            head: From features `[N, D]` float32 to what the classifier gives `[N, K]`, on the CPU,
                differentiable under `torch.enable_grad()`.
        """

    @abstractmethod
    def score(self, features: Tensor, logits: Tensor) -> Tensor:
        """Return `[N]` float, higher = less like what was fitted on.

        Args:
            features: `[N, D]` float32, what `Classifier.features` gives.
            logits: `[N, K]` float32; log p where the classifier gives probabilities.
        """
