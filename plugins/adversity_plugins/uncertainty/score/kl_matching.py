"""How far an answer is from what is typically answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from adversity import Fitted, Score, State
from adversity.errors import DataError, NotFittedError
from adversity_plugins.uncertainty.score._probabilities import entropy_of, score_of_probabilities

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData, Predictive

__all__ = ["KLMatching"]


class KLMatching(Score, Fitted):
    """Least Kullback-Leibler divergence of the answer from a typical answer, in nats.

    The typical answer of a class is the mean of the fitted probabilities of the samples that are
    predicted as that class; labels are not used. A class that nothing is predicted as has none, and
    `State.info["note"]` says so. An answer that is surer than is typical is as unlike it as one that
    is less sure. A typical probability that is 0 counts as `floor`, since the divergence would be
    infinite.
    """

    name = "kl_matching"
    reference = (
        "D. Hendrycks, S. Basart, M. Mazeika, A. Zou, J. Kwon, M. Mostajabi, J. Steinhardt, D. Song, "
        "Scaling out-of-distribution detection for real-world settings, 2022"
    )
    fits_on: ClassVar[Literal["images", "logits", "features"]] = "logits"
    expected_failures: ClassVar[Mapping[str, str]] = {
        "easy_below_hard": "an answer that is surer than is typical is unlike it, too",
        "class_order": "typical answers are those of the classes that they were fitted on",
    }

    floor: float = Field(
        2.0**-126,
        gt=0,
        lt=1,
        description="What a typical probability below it counts as; the smallest normal float32.",
    )

    _logs: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the typical answer of each class that is predicted.

        Args:
            data: Blocks with `probs` `[N, K]`; gone through once.
            rng: Not used; the fit has no randomness.

        Returns:
            The array `typical` `[C, K]` float64, of the C classes that are predicted, in their
            order; as information `n`, `predicted` C and `note`.

        Raises:
            DataError: There are no rows.
        """
        import numpy as np

        classes = len(data.class_names)
        sums, counts = np.zeros((classes, classes)), np.zeros(classes, np.int64)
        for block in data:
            probs = _probs(block.probs, block.logits).numpy()
            predicted = probs.argmax(1)
            np.add.at(sums, predicted, probs)
            counts += np.bincount(predicted, minlength=classes)
        if not counts.any():
            raise DataError("kl_matching expects rows to fit on, got none")
        there = counts > 0
        never = classes - int(there.sum())
        note = (
            f"{never} of {classes} classes are predicted of none of the {counts.sum()} rows to fit"
        )
        return State(
            {"typical": sums[there] / counts[there][:, None]},
            {
                "n": int(counts.sum()),
                "predicted": int(there.sum()),
                "note": f"{note} on, and have no typical answer" if never else "",
            },
        )

    def load(self, state: State) -> None:
        """Take the typical answers.

        Raises:
            DataError: There are none.
        """
        import torch

        typical = state.arrays.get("typical")
        if typical is None or typical.ndim != 2 or not len(typical):
            raise DataError(
                f"kl_matching expects stored typical answers [C, K], got {sorted(state.arrays)}: fit "
                "it again"
            )
        kept = torch.from_numpy(typical.copy()).to(self._device)
        self._logs = kept.clamp_min(self.floor).log()

    def score(self, predictive: Predictive) -> Tensor:
        """Return `[N]` float64, not below 0; rounding may leave -1e-15.

        Raises:
            NotFittedError: There is no typical answer yet.
            DataError: There are neither probabilities nor logits, or of another number of classes.
        """
        if self._logs is None:
            raise NotFittedError(
                "kl_matching expects fitted typical answers, got none: add fit_on: to the step, or "
                "call .fit(logits, labels) first"
            )
        return score_of_probabilities(self._least, predictive, self.name)

    def _least(self, probs: Tensor) -> Tensor:
        if probs.shape[1] != self._logs.shape[1]:
            raise DataError(
                f"kl_matching was fitted on {self._logs.shape[1]} classes, got {probs.shape[1]}: fit "
                "it on predictions of the same classifier"
            )
        # One product for each typical answer, and not one of matrices, whose last bits go by how
        # many rows there are.
        alike: Tensor = (probs * self._logs[0]).sum(1)
        for logs in self._logs[1:]:
            alike = alike.maximum((probs * logs).sum(1))
        return -entropy_of(probs) - alike


def _probs(probs: Tensor | None, logits: Tensor | None) -> Tensor:
    """Return the probabilities `[N, K]` of a block, float64."""
    if probs is not None:
        return probs.double()
    if logits is None:
        raise DataError(
            "kl_matching expects probabilities to fit on, got none: fit on the predictions of a "
            "classifier"
        )
    return logits.double().softmax(1)
