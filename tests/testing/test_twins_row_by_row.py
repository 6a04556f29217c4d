"""For each check of what is computed row by row, a plugin that fails exactly that one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from kit_subjects import Fade

from adversity import Restoration
from adversity.contracts import Degraded
from adversity.testing import check_plugin
from adversity.testing.bench.checks import NotApplicable
from adversity.testing.common import row_by_row
from adversity.testing.kinds.degradation import DegradationBench

if TYPE_CHECKING:
    from collections.abc import Callable


class Grain(Fade):
    """The same with noise, as stochastic as it says."""

    stochastic: ClassVar[bool] = True

    def degrade(self, images: Any, rng: Any) -> Any:
        faded = super().degrade(images, rng)
        return faded * 0.9 + 0.1 * rng.uniform(images.shape[1:])


class ReadsTheSeed(Fade):
    """Is brighter for odd global seeds."""

    def degrade(self, images: Any, rng: Any) -> Any:
        import torch

        odd = torch.initial_seed() % 2
        return self.raised(images, rng) if odd else super().degrade(images, rng)


class NotStochastic(Fade):
    """Says that it draws random numbers and draws none."""

    stochastic: ClassVar[bool] = True


class SecretlyStochastic(Grain):
    """Draws random numbers and does not say so."""

    stochastic: ClassVar[bool] = False


class BrighterAlone(Fade):
    """Is brighter where all images of a block are one."""

    def degrade(self, images: Any, rng: Any) -> Any:
        one = bool((images == images[:1]).all())
        return self.raised(images, rng) if one else super().degrade(images, rng)


class BrighterBackwards(Fade):
    """Is brighter where the first id of a block comes after the last."""

    def degrade(self, images: Any, rng: Any) -> Any:
        backwards = rng.ids[0] > rng.ids[-1]
        return self.raised(images, rng) if backwards else super().degrade(images, rng)


class BrighterTwice(Fade):
    """Is brighter where the first image comes twice, and others too."""

    def degrade(self, images: Any, rng: Any) -> Any:
        twice = rng.ids[0] == rng.ids[1] and rng.ids[0] != rng.ids[-1]
        return self.raised(images, rng) if twice else super().degrade(images, rng)


class Same(Restoration):
    """Leaves everything as it is."""

    name: ClassVar[str] = "same"

    def restore(self, images: Any, **needs: Any) -> Any:
        return images.clone()


TWINS = {
    "same_seed": ReadsTheSeed,
    "stochastic_claim": NotStochastic,
    "alone": BrighterAlone,
    "order": BrighterBackwards,
    "duplicates": BrighterTwice,
}
"""`cost` has a test of its own: nobody wants to wait."""


def test_sound_stochastic_plugin_passes() -> None:
    """A plugin that draws random numbers, and says so, fails nothing."""
    assert check_plugin(Grain).passed


@pytest.mark.parametrize("name", TWINS)
def test_twin_fails_exactly_one_check(name: str, failed: Callable[..., dict[str, str]]) -> None:
    """Breaking one promise fails the check of that promise and no other."""
    assert failed(TWINS[name]).keys() == {name}


def test_claim_is_wrong_either_way_round(failed: Callable[..., dict[str, str]]) -> None:
    """Drawing random numbers without saying so fails as saying so without drawing does."""
    assert failed(SecretlyStochastic).keys() == {"stochastic_claim"}


def test_a_parameter_may_choose_a_way_that_draws_nothing(
    failed: Callable[..., dict[str, str]],
) -> None:
    """The claim is the class's: one example that draws is enough, none is not."""

    class Perhaps(Grain):
        """Draws, or not."""

        examples: ClassVar[Any] = ({"severity": 2, "draws": False}, {"severity": 2})
        draws: bool = True

        def degrade(self, images: Any, rng: Any) -> Any:
            return super().degrade(images, rng) if self.draws else images * 0.5

    class Never(Perhaps):
        """Says that it draws, and never does."""

        examples: ClassVar[Any] = ({"severity": 2, "draws": False}, {"severity": 3, "draws": False})

    assert failed(Perhaps, only=["stochastic_claim"]) == {}
    (outcome, _) = check_plugin(Perhaps, only=["stochastic_claim"]).outcomes
    assert "but with {'severity': 2}" in outcome.message
    assert failed(Never, only=["stochastic_claim"]).keys() == {"stochastic_claim"}


def test_slow_plugin_is_found(
    monkeypatch: pytest.MonkeyPatch, failed: Callable[..., dict[str, str]]
) -> None:
    """With no patience at all, the cost of a sound plugin is too high and nothing else is."""
    monkeypatch.setattr(row_by_row, "PATIENCE_SECONDS", 0.0)
    assert failed(Fade).keys() == {"cost"}


def test_no_check_lacks_a_twin() -> None:
    """Each check of rows has a twin that fails it."""
    assert {check.name for check in row_by_row.CHECKS} == set(TWINS) | {"cost"}


def test_nothing_to_compare_is_not_agreement() -> None:
    """With one row in each case there are no neighbours, and nothing is said of them."""

    class OneRow(DegradationBench):
        """Feed one image."""

        def cases(self) -> Any:
            return [case.take([0]) for case in super().cases()]

    with pytest.raises(NotApplicable, match="no case of two rows"):
        row_by_row.alone.run(OneRow(Fade, {"severity": 3}, is_example=True))


@pytest.mark.parametrize(("plugin", "said"), [(Fade, "the seed is"), (Same, "two calls agree")])
def test_what_is_said_of_seeds(plugin: Any, said: str) -> None:
    """Only of a kind that is given a seed it is said that the seed is not in the answer."""
    (outcome,) = check_plugin(plugin, only=["stochastic_claim"]).outcomes
    assert said in outcome.message


def test_side_information_is_part_of_the_answer(failed: Callable[..., dict[str, str]]) -> None:
    """A degradation whose side information depends on the batch fails, though its images do not."""

    class Counts(Fade):
        """Tell how many images there are."""

        def degrade(self, images: Any, rng: Any) -> Any:
            distinct = len(set(rng.ids))
            return Degraded(images.clone(), {"count": images.new_full((len(images),), distinct)})

    assert failed(Counts, parameters={"amount": 0.1}, only=["alone"]).keys() == {"alone"}
