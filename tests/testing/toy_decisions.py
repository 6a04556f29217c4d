"""Methods that decide: prediction sets and accepted answers, sound ones and their broken twins."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import PrivateAttr

from adversity import Decide, Fitted, Predictive, State
from adversity.errors import NotFittedError


class Share(Fitted, Decide):
    """The classes whose probability reaches what nine in ten true ones reach."""

    name: ClassVar[str] = "share"
    fits_on: ClassVar[str] = "logits"
    _least: float | None = PrivateAttr(default=None)

    def fit(self, data: Any, rng: np.random.Generator) -> State:
        true = [block.probs.gather(1, block.targets[:, None])[:, 0] for block in data]
        return State({"least": torch.cat(true).quantile(0.1).reshape(1).numpy()}, {})

    def load(self, state: State) -> None:
        self._least = float(state.arrays["least"][0])

    def decide(self, predictive: Any) -> Predictive:
        if self._least is None:
            raise NotFittedError("fit it first")
        return Predictive(sets=predictive.probs >= self._least)


class ByPlace(Share):
    """The same of each place by itself; every class in a place where nothing was seen."""

    _places: dict[str, float] | None = PrivateAttr(default=None)

    @property
    def goes_by(self) -> str | None:
        return "place"

    def fit(self, data: Any, rng: np.random.Generator) -> State:
        true: dict[str, list[float]] = {}
        for block in data:
            own = block.probs.gather(1, block.targets[:, None])[:, 0].tolist()
            for place, p in zip(block.groups, own, strict=True):
                true.setdefault(place, []).append(p)
        return State({}, {place: float(np.quantile(each, 0.1)) for place, each in true.items()})

    def load(self, state: State) -> None:
        self._places = dict(state.info)

    def decide(self, predictive: Any) -> Predictive:
        return Predictive(sets=predictive.probs >= self._limits(predictive.groups))

    def _limits(self, groups: Any) -> torch.Tensor:
        if self._places is None:
            raise NotFittedError("fit it first")
        limits = [self._places.get(place, 0.0) for place in groups]
        return torch.tensor(limits, dtype=torch.float64)[:, None]


class AnyPlace(ByPlace):
    """Says that it goes by places, and does not."""

    def _limits(self, groups: Any) -> torch.Tensor:
        return super()._limits(["left"] * len(groups))


class KnownPlaces(ByPlace):
    """Crashes where nothing was seen."""

    def _limits(self, groups: Any) -> torch.Tensor:
        super()._limits(groups)
        assert self._places is not None
        return torch.tensor([self._places[place] for place in groups]).double()[:, None]


class NotSoSure(Share):
    """Leaves out what is all but certain."""

    def decide(self, predictive: Any) -> Predictive:
        sets = super().decide(predictive).sets
        assert sets is not None
        return Predictive(sets=sets & (predictive.probs < 0.9999))


class Everything(Share):
    """Every class, whatever is said."""

    def decide(self, predictive: Any) -> Predictive:
        super().decide(predictive)
        return Predictive(sets=torch.ones_like(predictive.probs, dtype=torch.bool))


class AlwaysFirst(Share):
    """The first class, whatever is said."""

    def decide(self, predictive: Any) -> Predictive:
        super().decide(predictive)
        sets = torch.zeros_like(predictive.probs, dtype=torch.bool)
        sets[:, 0] = True
        return Predictive(sets=sets)


class Sure(Share):
    """Accepts what is as sure as nine in ten held-out answers."""

    name: ClassVar[str] = "sure"
    decides: ClassVar[str] = "accept"
    differentiable: ClassVar[bool] = True

    def fit(self, data: Any, rng: np.random.Generator) -> State:
        most = torch.cat([block.probs.amax(1) for block in data])
        return State({"least": most.quantile(0.1).reshape(1).numpy()}, {})

    def decide(self, predictive: Any) -> Predictive:
        if self._least is None:
            raise NotFittedError("fit it first")
        return Predictive(accept=predictive.probs.amax(1) >= self._least)

    def margin(self, predictive: Any) -> torch.Tensor | None:
        assert self._least is not None
        return predictive.probs.amax(1) - self._least  # type: ignore[no-any-return]


class Decides(Sure):
    """Accepts by another limit than it says."""

    def margin(self, predictive: Any) -> torch.Tensor | None:
        margin = super().margin(predictive)
        assert margin is not None
        return margin - 0.1


class HalfCut(Sure):
    """Half of its margin has no gradient."""

    def margin(self, predictive: Any) -> torch.Tensor | None:
        margin = super().margin(predictive)
        assert margin is not None
        return (margin + margin.detach()) / 2


class Silent(Sure):
    """Says nothing of a margin: its decision is not attacked."""

    differentiable: ClassVar[bool] = False

    def margin(self, predictive: Any) -> torch.Tensor | None:
        return None


class TooSure(Silent):
    """Rejects what is all but certain."""

    def decide(self, predictive: Any) -> Predictive:
        accept = super().decide(predictive).accept
        return Predictive(accept=accept & (predictive.probs.amax(1) < 0.9999))


class NeverFirst(Silent):
    """Rejects the first class, whatever is said."""

    def decide(self, predictive: Any) -> Predictive:
        accept = super().decide(predictive).accept
        return Predictive(accept=accept & (predictive.probs.argmax(1) > 0))


class TakesAll(Silent):
    """Rejects nothing."""

    def decide(self, predictive: Any) -> Predictive:
        return Predictive(accept=super().decide(predictive).accept | True)
