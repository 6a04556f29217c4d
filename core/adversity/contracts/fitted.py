"""The promise of a plugin that learns from data before it is used."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping  # noqa: TC003  (claims are checked by their annotations)
from typing import TYPE_CHECKING, ClassVar, Literal

from adversity.contracts.measure_info import MeasureInfo  # noqa: TC001  (likewise)

if TYPE_CHECKING:
    import numpy as np

    from adversity.contracts.values import FitData, State

__all__ = ["UNLABELLED", "VALIDATE", "VALIDATION", "Fitted"]

UNLABELLED = "unlabelled"
"""The name of a source of which a fit sees neither targets nor references nor ids."""
VALIDATE = "validate"
"""The name of a source that judges while a plugin is fitted."""
VALIDATION = "validation_"
"""How the numbers of a history begin that need such a source."""


class Fitted(ABC):
    """Mix in beside a kind's contract. The plugin never changes: the core saves the state."""

    fits_on: ClassVar[Literal["images", "logits", "features", "members"]] = "images"
    """What fitting streams: `images`; or `logits` of stored predictions (log p where a classifier
    gives probabilities) beside their `probs`; or `features` of stored predictions beside both; or `members`, what those of
    an ensemble say in stored predictions that combine them, and nothing beside."""

    fit_sources: ClassVar[tuple[str, ...]] = ("train",)
    """Names of the sources that it needs. `data` itself goes through the first, which is what
    `fit_on: NAME` names; the others are in `data.sources`."""

    may_take: ClassVar[tuple[str, ...]] = ()
    """Names of the sources that it takes where they are given. What `validate` holds judges while
    it is fitted: the core refuses images that it shares with another source. What `unlabelled` holds
    comes without targets, references and ids, so that it may be what is judged."""

    takes_weights: ClassVar[bool] = False
    """Whether a fit goes by `Block.weights` of its first source: a sample of weight 2 counts as two
    equal ones do. Where it does not, `weights:` on its step is refused."""

    history: ClassVar[Mapping[str, MeasureInfo]] = {}
    """What each epoch of its fit records with `data.watch.row`. A `scale="share"` is a share of the
    samples of its source: `validate` for names that begin with `validation_`, else the first."""

    @abstractmethod
    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Learn from the stream; return the state, do not keep it. Called after `setup`."""

    @abstractmethod
    def load(self, state: State) -> None:
        """Take the state on underscore attributes; called after `setup`."""
