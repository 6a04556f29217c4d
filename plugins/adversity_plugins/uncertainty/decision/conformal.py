"""Prediction sets that hold the true class as often as they promise: split conformal prediction."""

from __future__ import annotations

import math
from collections.abc import Mapping  # noqa: TC003  (pydantic reads the claims)
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from adversity import Decide, Fitted, Predictive, State
from adversity.errors import DataError, NotFittedError
from adversity_plugins.uncertainty.decision._class_scores import Scoring  # noqa: TC001  (pydantic reads it)
from adversity_plugins.uncertainty.decision._conformal_rank import (
    classes_note,
    groups_note,
    rank_of,
    threshold_of,
    whole_note,
)

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData

__all__ = ["Conformal"]


class Conformal(Decide, Fitted):
    """Sets of classes that hold the true one with a chance of at least 1 - alpha (split).

    A set holds every class whose score is not above a threshold, and the threshold is the score
    that the true classes of held-out images keep as often as promised. `thr` scores a class by
    1 - p, which gives the smallest sets on average; it may be empty, where no class is as likely as
    the true one mostly is. `aps` scores it by the probability of all likelier classes, so that sets
    grow until they hold so much of it, and `raps` adds a penalty for each further class, which keeps
    them short; theirs hold the likeliest class. Nothing is drawn at random, unlike in the
    publications: where the likeliest class is right as often as promised, it alone is the set.

    The promise is for images that are drawn as the held-out ones were, over both draws; it says
    nothing of one kind of weather, and it breaks where the images change. With `by_class` it holds
    for the images of each class by itself, each with a threshold of its own. With too few held-out
    images, of a class, it is in every set, and `State.info["note"]` says so.

    With `by` it holds for the images of each group by itself (Mondrian), such as those of each
    camera. Where a group has too few held-out images or none, or an image is in no group, the set
    holds all classes: the only one that is sure to keep the promise.
    """

    name = "conformal"
    reference = (
        "M. Sadinle, J. Lei, L. Wasserman, Least ambiguous set-valued classifiers with bounded "
        "error levels, 2019 (thr, and by class); Y. Romano, M. Sesia, E. J. Candes, Classification "
        "with valid and adaptive coverage, 2020 (aps); A. Angelopoulos, S. Bates, J. Malik, M. I. "
        "Jordan, Uncertainty sets for image classifiers using conformal prediction, 2021 (raps); H. "
        "Papadopoulos, K. Proedrou, V. Vovk, A. Gammerman, Inductive confidence machines for "
        "regression, 2002 (the split); V. Vovk, D. Lindsay, I. Nouretdinov, A. Gammerman, Mondrian "
        "confidence machine, 2003 (by groups)"
    )
    fits_on: ClassVar[Literal["images", "logits"]] = "logits"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {},
        {"score": "aps"},
        {"score": "raps", "penalty": 0.1, "free": 1},
        {"by_class": True},
        {"by": "camera"},
    )

    alpha: float = Field(
        0.1, gt=0, lt=1, description="The share of images whose set may miss the true class."
    )
    score: Scoring = Field(
        "thr",
        description="How badly a class fits: 1 - p; or the sum over likelier ones, penalised.",
    )
    penalty: float = Field(
        0.01, ge=0, description="Of `raps`: what each class more than `free` adds to the score."
    )
    free: int = Field(5, ge=0, description="Of `raps`: how many classes add nothing.")
    by_class: bool = Field(
        default=False,
        description="A threshold for each class: the promise holds for each by itself.",
    )
    by: str | None = Field(
        None,
        min_length=1,
        description="A threshold for each group of images: `group`, or an attribute of the data.",
    )

    _threshold: Any = PrivateAttr(default=None)
    _groups: Any = PrivateAttr(default=())

    @model_validator(mode="after")
    def _promises_one_thing(self) -> Self:
        if self.by is not None and self.by_class:
            raise ValueError(
                f"expected by_class, or by, got both (by: {self.by}): the promise is for each class "
                "or for each group; drop one"
            )
        return self

    @property
    def goes_by(self) -> str | None:
        """What tells the groups of images apart, if the promise is for each."""
        return self.by

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the threshold: the score of rank ceil((n + 1)(1 - alpha)) among n true classes.

        Args:
            data: Blocks with `probs` `[N, K]` and `targets` `[N]`, and with `groups` for `by`.
            rng: Not used; the fit has no randomness.

        Returns:
            The array `threshold`, `[1]`, `[K]` by class or `[G]` by group; infinite where the rank
            exceeds n. As information `alpha`, `n`, of all classes together `rank`, by group their
            names `groups`, and `note` (empty if all went well).

        Raises:
            DataError: There are no rows, no probabilities, no targets or, for `by`, no groups.
        """
        import numpy as np

        from adversity_plugins.uncertainty.decision._class_scores import true_scores, with_labels

        scores, classes, groups, count = [], [], [], 0
        for block in data:
            probs, targets = with_labels(block.probs, block.targets, self.name)
            count = probs.shape[1]
            scores.append(true_scores(self._scores(probs), targets).cpu().numpy())
            classes.append(targets.cpu().numpy())
            groups += list(block.groups or [None] * len(targets))
        if not sum(map(len, scores)):
            raise DataError("conformal expects rows to fit on, got none")
        own, labels = np.concatenate(scores), np.concatenate(classes)
        if self.by is not None:
            return self._by_groups(own, np.array(groups, dtype=object))
        record: dict[str, Any] = {"alpha": self.alpha, "n": len(own)}
        if not self.by_class:
            note, rank = whole_note(len(own), self.alpha), rank_of(len(own), self.alpha)
            found = np.array([threshold_of(own, self.alpha)])
            return State({"threshold": found}, {**record, "note": note, "rank": rank})
        parts = {str(k): own[labels == k] for k in range(count)}
        return self._of_parts(parts, {**record, "note": classes_note(_counts(parts), self.alpha)})

    def _by_groups(self, scores: np.ndarray[Any, Any], groups: np.ndarray[Any, Any]) -> State:
        """Find the threshold of each group from scores `[n]` and names `[n]`, None in no group."""
        names = sorted({name for name in groups.tolist() if name is not None})
        if not names:
            raise DataError(
                f"conformal goes by {self.by}: expected rows in groups to fit on, got none; fit it on "
                "data that have them"
            )
        parts = {name: scores[groups == name] for name in names}
        counts = _counts(parts)
        used = sum(counts.values())
        note = groups_note(counts, self.alpha, str(self.by), len(scores) - used)
        return self._of_parts(
            parts, {"alpha": self.alpha, "n": used, "groups": names, "note": note}
        )

    def _of_parts(self, parts: dict[str, np.ndarray[Any, Any]], record: dict[str, Any]) -> State:
        import numpy as np

        found = [threshold_of(part, self.alpha) for part in parts.values()]
        return State({"threshold": np.array(found)}, record)

    def load(self, state: State) -> None:
        """Take the threshold.

        Raises:
            DataError: The stored thresholds are no numbers from 0 on, or infinity, or, by group,
                not as many as names.
        """
        import numpy as np

        stored = state.arrays.get("threshold")
        found = np.array([]) if stored is None else stored.reshape(-1).astype(np.float64)
        if not len(found) or not (found >= 0).all():  # also refuses NaN
            raise DataError(
                f"conformal expects stored thresholds from 0 on, got {stored}: fit it again"
            )
        groups = tuple(state.info.get("groups", ())) if self.by is not None else ()
        if self.by is not None and len(groups) != len(found):
            raise DataError(
                f"conformal expects a stored threshold for each of {len(groups)} groups, got "
                f"{len(found)}: fit it again"
            )
        self._threshold, self._groups = found, groups

    def decide(self, predictive: Predictive) -> Predictive:
        """Return `sets` `[N, K]` bool: the classes whose score is not above the threshold.

        Raises:
            NotFittedError: There is no threshold yet.
            DataError: There are no probabilities, or those of other classes, or, for `by`, no
                groups.
        """
        import torch

        if self._threshold is None:
            raise NotFittedError(
                "conformal expects a fitted threshold, got none: add fit_on: to the step, or call "
                ".fit(logits, labels) first"
            )
        if predictive.probs is None:
            raise DataError("conformal expects class probabilities, got none: use a classifier")
        classes = predictive.probs.shape[1]
        if self.by is not None:
            return Predictive(sets=self._scores(predictive.probs) <= self._limits(predictive))
        if len(self._threshold) not in (1, classes):
            raise DataError(
                f"conformal was fitted on {len(self._threshold)} classes, got {classes}: fit it on "
                "those of the same classifier"
            )
        limit = torch.from_numpy(self._threshold).to(predictive.probs.device)
        return Predictive(sets=self._scores(predictive.probs) <= limit)

    def _limits(self, predictive: Predictive) -> Tensor:
        """Return the threshold of each row's group, `[N, 1]`; infinite where none was found."""
        import torch

        if predictive.groups is None:
            raise DataError(f"conformal goes by {self.by}: expected groups of the rows, got none")
        found = dict(zip(self._groups, self._threshold.tolist(), strict=True))
        limits = [
            math.inf if name is None else found.get(name, math.inf) for name in predictive.groups
        ]
        device = None if predictive.probs is None else predictive.probs.device
        return torch.tensor(limits, dtype=torch.float64, device=device)[:, None]

    def _scores(self, probs: Tensor) -> Tensor:
        from adversity_plugins.uncertainty.decision._class_scores import class_scores

        return class_scores(probs, self.score, penalty=self.penalty, free=self.free)


def _counts(parts: dict[str, np.ndarray[Any, Any]]) -> dict[str, int]:
    return {name: len(part) for name, part in parts.items()}
