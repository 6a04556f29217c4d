"""For each check of plugins that learn, one that fails exactly that one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from kit_subjects import Darkest

from adversity import State
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


TWINS = {
    "unfitted_refuses": AnswersUnfitted,
    "same_fit": FitsByChance,
    "fit_keeps_nothing": KeepsWhatItLearns,
    "state_is_stored": NumbersAsKeys,
    "takes_its_sources": OnlySaysSo,
}


@pytest.mark.parametrize("plugin", [Darkest, MayLook])
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
