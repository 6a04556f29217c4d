"""The page that answers: what can I extend?

A distribution declares one entry point in the group `adversity` that names a module. The
module has functions marked `@hookimpl`, named as below, each returning plugin classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

from adversity.distributions import GROUP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adversity.contracts.attack import Attack
    from adversity.contracts.classifier import Classifier
    from adversity.contracts.dataset import Dataset
    from adversity.contracts.degradation import Degradation
    from adversity.contracts.metric import MetricBase
    from adversity.contracts.restoration import Restoration
    from adversity.contracts.uncertainty import Uncertainty

__all__ = ["GROUP", "KIND_HOOKS", "hookimpl", "hookspec"]

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)

KIND_HOOKS: dict[str, str] = {
    "adversity_degradations": "degradation",
    "adversity_restorations": "restoration",
    "adversity_classifiers": "classifier",
    "adversity_uncertainties": "uncertainty",
    "adversity_attacks": "attack",
    "adversity_datasets": "dataset",
    "adversity_metrics": "metric",
}
"""Which hook yields which kind."""


@hookspec
def adversity_degradations() -> Iterable[type[Degradation]]:  # type: ignore[empty-body]
    '''Return degradation classes.

    Example::

        from typing import ClassVar
        from adversity import Degradation, hookimpl

        class Darker(Degradation):
            """Multiply by a factor."""
            name: ClassVar[str] = "darker"
            factor: float = 0.5

            def degrade(self, images, rng):
                return images * self.factor

        @hookimpl
        def adversity_degradations():
            return [Darker]
    '''


@hookspec
def adversity_restorations() -> Iterable[type[Restoration]]:  # type: ignore[empty-body]
    '''Return restoration classes.

    Example::

        from typing import ClassVar
        from adversity import Restoration, hookimpl

        class Brighter(Restoration):
            """Multiply by a factor, no further than white."""
            name: ClassVar[str] = "brighter"
            factor: float = 2.0

            def restore(self, images, **needs):
                return (images * self.factor).clamp(0, 1)

        @hookimpl
        def adversity_restorations():
            return [Brighter]
    '''


@hookspec
def adversity_classifiers() -> Iterable[type[Classifier]]:  # type: ignore[empty-body]
    '''Return classifier classes.

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


@hookspec
def adversity_uncertainties() -> Iterable[type[Uncertainty]]:  # type: ignore[empty-body]
    '''Return uncertainty classes.

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


@hookspec
def adversity_attacks() -> Iterable[type[Attack]]:  # type: ignore[empty-body]
    '''Return attack classes.

    Example::

        from typing import ClassVar, Literal
        from pydantic import Field
        from adversity import Attack, hookimpl

        class OneStep(Attack):
            """Go from each image along the sign of the gradient, by the whole budget."""
            name: ClassVar[str] = "one_step"
            stochastic: ClassVar[bool] = False
            norm: Literal["linf"] = "linf"
            eps: float = Field(gt=0, le=1)

            def perturb(self, target, images, labels, rng):
                import torch

                moving = images.clone().requires_grad_()
                logits, label = target.logits(moving), labels[:, None]
                rival = logits.scatter(1, label, -torch.inf).amax(1, keepdim=True)
                lead = logits.gather(1, label) - rival
                (gradient,) = torch.autograd.grad(lead.sum(), moving)
                return (images - self.eps * gradient.sign()).clamp(0, 1)

        @hookimpl
        def adversity_attacks():
            return [OneStep]
    '''


@hookspec
def adversity_datasets() -> Iterable[type[Dataset]]:  # type: ignore[empty-body]
    '''Return data set classes.

    Example::

        from typing import ClassVar
        import numpy as np
        from adversity import Dataset, Sample, hookimpl

        class Greys(Dataset):
            """Even images, dark ones and light ones in turn."""
            name: ClassVar[str] = "greys"
            count: int = 10

            @property
            def class_names(self):
                return ("dark", "light")

            def __len__(self):
                return self.count

            def item(self, index):
                if not 0 <= index < self.count:
                    raise IndexError(index)
                level = np.float32(0.25 + 0.5 * (index % 2))
                return Sample(np.full((8, 8), level), index % 2, f"grey-{index}")

        @hookimpl
        def adversity_datasets():
            return [Greys]
    '''


@hookspec
def adversity_metrics() -> Iterable[type[MetricBase]]:  # type: ignore[empty-body]
    '''Return metric classes.

    Example::

        from typing import ClassVar
        from adversity import Measure, MeasureInfo, Metric, hookimpl

        class MeanConfidence(Metric):
            """The mean of the largest probability."""
            name: ClassVar[str] = "mean_confidence"
            wants: ClassVar[tuple[str, ...]] = ("confidence",)
            produces = {"mean_confidence": MeasureInfo(0.0, 1.0, group="uncertainty")}

            def compute(self, table, reference=None):
                values = table["confidence"]
                return {"mean_confidence": Measure(float(values.mean()), len(values))}

        @hookimpl
        def adversity_metrics():
            return [MeanConfidence]
    '''


@hookspec
def adversity_run_started(run: Mapping[str, Any]) -> None:
    """Hear that a run starts, before anything was read or decided.

    The life-cycle hooks are for trackers and messengers: nothing they return is used, and what
    they raise becomes one warning beside the run. They are called one after the other, from one
    thread, and the run waits. An implementation takes the arguments it needs: `(step)` is
    enough. More keys may come; those listed here stay. Values are copies.

    Args:
        run: What is known of the run:

            - `id`: the run's id, `20261122-141502-smoke`
            - `announced`: the `id` of `adversity_run_started`; it differs from `id` where another
              run took that name meanwhile, so it is what a tracker files a run under
            - `pipeline`: the pipeline's name
            - `folder`: the run's folder; not on disk until a step runs, never if nothing changed
            - `root`: the project's folder; `file`: the pipeline file, relative to it
            - `command`: how the run was called
            - `steps`: ids of the steps that leave an artifact, in order, the report last
            - `parameters`: what the pipeline file says, with defaults, as JSON values
            - `git`: `revision` and `state` (`clean`, `dirty`, `unknown`); empty without a commit
            - `versions`: of Python, of the libraries that compute and of plugin distributions
    """


@hookspec
def adversity_step_finished(run: Mapping[str, Any], step: Mapping[str, Any]) -> None:
    """Hear that a step finished or was found unchanged; not called for one that failed.

    Args:
        run: As in `adversity_run_started`.
        step: What happened:

            - `id`: the step's id; `data:<name>` for a packaged data set
            - `outcome`: `ran` or `cached`; a cached step has its measures all the same
            - `reason`: why, in words
            - `seconds`: wall time; 0 if cached
            - `measures`: cell key (`eps=4/255`, empty without a matrix) to name to
              `adversity.Measure`
            - `notes`: what must be said of the results, sentences
            - `folder`: the step's artifact
    """


@hookspec
def adversity_run_finished(run: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Hear that a run ended, however it ended; not called if the process is killed.

    Args:
        run: As in `adversity_run_started`.
        result: How it ended:

            - `verdict`: `pass`, `fail`, `undecided` or `error`; `line`: the same in a sentence
            - `exit_code`: 0 or 1 as the gates say; 130 if interrupted; else a step failed
            - `seconds`: wall time
            - `gates`: as in `result.json`: `text`, `verdict`, `why`, `step`, `cell`, ...
            - `problems`: what somebody must look at, a sentence each: gates that did not pass, void
              figures, warnings; empty if the run came to no verdict
            - `measures`: step to cell to name to measure, as in `adversity_step_finished`: those of
              the steps, and those that compare attacks, with each other and with the ledger;
              empty if the run came to no verdict
            - `report`: the page, or None if the run came to no verdict
            - `folder`: where report, `result.json` and `manifest.json` lie, or None if there is
              none; an earlier run's if nothing changed
            - `repeats`: the id of that earlier run, or None
            - `error`: what ended the run before its verdict, or None
    """
