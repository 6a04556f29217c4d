"""For each check of plugins that learn, one that fails exactly that one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from kit_subjects import Darkest
from pydantic import PrivateAttr

from adversity import MeasureInfo, State
from adversity.testing import check_plugin
from adversity.testing.common import fitted

if TYPE_CHECKING:
    from collections.abc import Callable


class AnswersUnfitted(Darkest):
    """Takes 0 where nothing was learnt."""

    def degrade(self, images: Any, rng: Any) -> Any:
        return images.clone() if self._black is None else super().degrade(images, rng)


class FitsByChance(Darkest):
    """Learns a number from the global generator."""

    def fit(self, data: Any, rng: Any) -> State:
        import torch

        return State({"black": 0.1 * torch.rand(1).numpy()}, super().fit(data, rng).info)


class KeepsWhatItLearns(Darkest):
    """Can be used after `fit` without `load`."""

    def fit(self, data: Any, rng: Any) -> State:
        state = super().fit(data, rng)
        self.load(state)
        return state


class NumbersAsKeys(Darkest):
    """Writes numbers as keys, which JSON turns into texts."""

    def fit(self, data: Any, rng: Any) -> State:
        return State(super().fit(data, rng).arrays, {"divisors": {2: 2}})

    def load(self, state: State) -> None:
        self._black = float(state.arrays["black"][0]) / state.info["divisors"][2]


class MayLook(Darkest):
    """May look at held-out images, and does."""

    may_take: ClassVar[tuple[str, ...]] = ("validate", "more")

    def fit(self, data: Any, rng: Any) -> State:
        for source in data.sources.values():
            assert len(list(source))
        return super().fit(data, rng)


class OnlySaysSo(MayLook):
    """Says that it takes what it does not expect."""

    def fit(self, data: Any, rng: Any) -> State:
        if set(data.sources) - {"train", "validate"}:
            raise RuntimeError(f"no idea of {sorted(data.sources)}")
        return super().fit(data, rng)


class Epochs(Darkest):
    """Comes closer to what it learns, a step an epoch, each with a draw; says so, and keeps it."""

    history: ClassVar[Any] = {"black": MeasureInfo(0.0, 1.0)}

    def fit(self, data: Any, rng: Any) -> State:
        found = super().fit(data, rng)
        black, speed, done = 0.0, rng.random(), 0
        if (kept := self.resumed(data)) is not None:
            black, speed = kept.arrays["now"].tolist()
            done = kept.info["done"]
        for epoch in range(done + 1, 6):
            speed = 0.5 * speed + 0.1 * rng.random()
            black += speed * (float(found.arrays["black"][0]) - black)
            data.watch.row(epoch, black=black)
            data.watch.save(partial(self.so_far, np.array([black, speed]), epoch))
        return State({"black": np.array([black])}, found.info)

    def so_far(self, now: Any, epoch: int) -> State:
        return State({"now": now}, {"done": epoch})

    def resumed(self, data: Any) -> State | None:
        return data.watch.resume()


class ForgetsItsSpeed(Epochs):
    """Does not keep all that the next epoch hangs on."""

    def so_far(self, now: Any, epoch: int) -> State:
        return super().so_far(now * [1, 0], epoch)


class NeverAsks(Epochs):
    """Keeps a fit and never looks at what was kept."""

    def resumed(self, data: Any) -> State | None:
        return None


class BeginsAnew(Epochs):
    """Looks at what was kept and begins anew, with the right bytes in the end."""

    history: ClassVar[Any] = {}

    def fit(self, data: Any, rng: Any) -> State:
        data.watch.resume()
        for _ in range(4):
            data.watch.save(lambda: State({"nothing": np.zeros(1)}))
        return Darkest.fit(self, data, rng)


class Disturbed(Epochs):
    """Is another one where it was kept: what it saves draws from the generator."""

    def fit(self, data: Any, rng: Any) -> State:
        self._rng = rng
        return super().fit(data, rng)

    _rng: Any = PrivateAttr(default=None)

    def so_far(self, now: Any, epoch: int) -> State:
        self._rng.random()
        return super().so_far(now, epoch)


class NeedsNobody(Darkest):
    """Declares a number that needs a source which it does not take."""

    history: ClassVar[Any] = {"validation_black": MeasureInfo(0.0, 1.0)}


class Weighted(Darkest):
    """Learns a weighted mean of how dark images are."""

    takes_weights: ClassVar[bool] = True

    def fit(self, data: Any, rng: Any) -> State:
        blocks = list(data)
        dark = np.concatenate([block.images.amin((1, 2, 3)).double().numpy() for block in blocks])
        return State({"black": np.array([self.mean(dark, blocks)])}, {"divisors": {"2": 2}})

    def mean(self, dark: Any, blocks: Any) -> Any:
        given = [block.weights for block in blocks if block.weights is not None]
        return np.average(dark, weights=np.concatenate(given) if given else None)


class IgnoresWeights(Weighted):
    """Says that it goes by weights, and does not."""

    def mean(self, dark: Any, blocks: Any) -> Any:
        return dark.mean()


class DividesByWeights(Weighted):
    """Takes weights for what they are not: the less one weighs, the more it counts."""

    def mean(self, dark: Any, blocks: Any) -> Any:
        given = [block.weights for block in blocks if block.weights is not None]
        return np.average(dark, weights=1 / np.concatenate(given) if given else None)


class MinusWeights(Weighted):
    """Changes where all weights are 1."""

    def mean(self, dark: Any, blocks: Any) -> Any:
        found = super().mean(dark, blocks)
        return found / 2 if blocks[0].weights is not None else found


UNWEIGHTED = {
    IgnoresWeights: "rows that weigh next to nothing",
    DividesByWeights: "rows that weigh next to nothing",
    MinusWeights: "weights of 1",
}
"""What is wrong with fits that do not go by weights, and how it is said."""


@pytest.mark.parametrize("twin", UNWEIGHTED)
def test_weights_that_do_not_count(twin: Any, failed: Callable[..., dict[str, str]]) -> None:
    """Each way is seen, and only by that check."""
    found = failed(twin)
    assert found.keys() == {"weights_count"}
    assert UNWEIGHTED[twin] in found["weights_count"]


UNEQUAL = {
    ForgetsItsSpeed: "black, its history differ",
    NeverAsks: "never does",
    BeginsAnew: "it saved 4 times more",
    Disturbed: "differ",
}
"""What is wrong with fits that do not end as undisturbed ones, and how it is said."""


@pytest.mark.parametrize("twin", UNEQUAL)
def test_a_killed_fit_ends_otherwise(twin: Any, failed: Callable[..., dict[str, str]]) -> None:
    """Each way in which one that goes on is another is seen, and only by that check."""
    found = failed(twin)
    assert found.keys() == {"ends_as_undisturbed"}
    assert UNEQUAL[twin] in found["ends_as_undisturbed"]


TWINS = {
    "unfitted_refuses": AnswersUnfitted,
    "same_fit": FitsByChance,
    "fit_keeps_nothing": KeepsWhatItLearns,
    "state_is_stored": NumbersAsKeys,
    "takes_its_sources": OnlySaysSo,
    "history_can_be_had": NeedsNobody,
    "ends_as_undisturbed": ForgetsItsSpeed,
    "weights_count": IgnoresWeights,
}


@pytest.mark.parametrize("plugin", [Darkest, MayLook, Epochs, Weighted])
def test_sound_fitted_plugin_passes(plugin: Any) -> None:
    """A plugin that learns and keeps its promises fails nothing."""
    assert check_plugin(plugin).passed


@pytest.mark.parametrize("name", TWINS)
def test_twin_fails_exactly_one_check(name: str, failed: Callable[..., dict[str, str]]) -> None:
    """Breaking one promise fails the check of that promise and no other."""
    assert failed(TWINS[name]).keys() == {name}


def test_no_check_lacks_a_twin() -> None:
    """Each check of what learns has a twin that fails it."""
    assert {check.name for check in fitted.CHECKS} == set(TWINS)
