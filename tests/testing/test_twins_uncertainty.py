"""For each check of scores and calibrators, a method that fails exactly that one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from pydantic import PrivateAttr
from torch.nn.functional import cross_entropy
from toy_decisions import (
    AlwaysFirst,
    AnyPlace,
    ByPlace,
    Decides,
    Everything,
    HalfCut,
    KnownPlaces,
    NeverFirst,
    NotSoSure,
    Share,
    Silent,
    Sure,
    TakesAll,
    TooSure,
)

from adversity import Combine, Fitted, PostHoc, Score, State
from adversity.errors import InputError, NotFittedError
from adversity.testing import check_plugin
from adversity.testing.kinds.uncertainty import (
    AcceptBench,
    CombineBench,
    DecideBench,
    MembersBench,
    PostHocBench,
    ScoreBench,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class Doubt(Score):
    """One minus the largest probability."""

    name: ClassVar[str] = "doubt"

    def score(self, predictive: Any) -> torch.Tensor:
        return 1 - predictive.probs.amax(1)


class Confidence(Doubt):
    """The largest probability: the wrong way round."""

    def score(self, predictive: Any) -> torch.Tensor:
        return predictive.probs.amax(1)


class FirstClassFirst(Doubt):
    """A little more where the first class is likely."""

    def score(self, predictive: Any) -> torch.Tensor:
        return 1 - predictive.probs.amax(1) + 1e-6 * predictive.probs[:, 0]


class Typical(Fitted, Doubt):
    """The same over what was usual, for the classes it was fitted on and no others."""

    name: ClassVar[str] = "typical"
    fits_on: ClassVar[str] = "logits"
    _usual: torch.Tensor | None = PrivateAttr(default=None)

    def fit(self, data: Any, rng: np.random.Generator) -> State:
        probs = torch.cat([block.logits for block in data]).double().softmax(1)
        return State({"usual": probs.amax(1).mean().repeat(probs.shape[1]).numpy()}, {})

    def load(self, state: State) -> None:
        self._usual = torch.from_numpy(state.arrays["usual"].copy())

    def score(self, predictive: Any) -> torch.Tensor:
        if self._usual is None:
            raise NotFittedError("fit it first")
        return 1 - (predictive.probs / self._usual).amax(1)


class Power(Fitted, PostHoc):
    """Softmax of logits times a number, found by trying."""

    name: ClassVar[str] = "power"
    fits_on: ClassVar[str] = "logits"
    differentiable: ClassVar[bool] = True
    _factor: float | None = PrivateAttr(default=None)

    def fit(self, data: Any, rng: np.random.Generator) -> State:
        logits = torch.cat([block.logits for block in data]).double()
        targets = torch.cat([block.targets for block in data])
        tried = np.geomspace(0.1, 10, 41)
        losses = [cross_entropy(logits * factor, targets) for factor in tried]
        return State({"factor": np.array([tried[int(np.argmin(losses))]])}, {})

    def load(self, state: State) -> None:
        self._factor = float(state.arrays["factor"][0])

    def calibrate(self, logits: torch.Tensor) -> torch.Tensor:
        if self._factor is None:
            raise NotFittedError("fit it first")
        return (logits.double() * self._factor).softmax(1).to(logits.dtype)


class Upside(Power):
    """Sharpens what it should soften."""

    def load(self, state: State) -> None:
        self._factor = 4 * float(state.arrays["factor"][0])


class Cut(Power):
    """Hands on half of the gradient."""

    def calibrate(self, logits: torch.Tensor) -> torch.Tensor:
        return super().calibrate((logits + logits.detach()) / 2)


class Product(Combine):
    """The product of what members say, as shares of its sum."""

    name: ClassVar[str] = "product"

    def combine(self, members: torch.Tensor) -> torch.Tensor:
        return members.log().clamp_min(-1e4).sum(0).softmax(1)


class Contrary(Product):
    """Prefers what the members do not."""

    def combine(self, members: torch.Tensor) -> torch.Tensor:
        return (1 - members.mean(0)) / (members.shape[2] - 1)


class Leaning(Product):
    """Leans to the first class."""

    def combine(self, members: torch.Tensor) -> torch.Tensor:
        lean = torch.ones(members.shape[2]).double()
        lean[0] += 1e-4
        leant = members.mean(0) * lean
        return leant / leant.sum(1, keepdim=True)


class FirstAlone(Product):
    """Hears the first member only."""

    def combine(self, members: torch.Tensor) -> torch.Tensor:
        return members[0]


class Weighted(Fitted, Combine):
    """The members' weighted mean; each weight is how likely the member finds the truth."""

    name: ClassVar[str] = "weighted"
    fits_on: ClassVar[str] = "members"
    _weights: torch.Tensor | None = PrivateAttr(default=None)

    def fit(self, data: Any, rng: np.random.Generator) -> State:
        blocks = [
            block.members.gather(2, block.targets[None, :, None].expand(3, -1, 1)) for block in data
        ]
        truths = torch.cat(blocks, 1)[:, :, 0]
        weights = torch.full((3,), 1 / 3).double()
        for _ in range(200):
            shares = weights[:, None] * truths
            weights = (shares / shares.sum(0)).mean(1)
        return State({"weights": weights.numpy()}, {})

    def load(self, state: State) -> None:
        self._weights = torch.from_numpy(state.arrays["weights"].copy())

    def combine(self, members: torch.Tensor) -> torch.Tensor:
        if self._weights is None:
            raise NotFittedError("fit it first")
        return (self._weights[:, None, None] * members).sum(0)


class Backhanded(Weighted):
    """Trusts most whom it should trust least."""

    def load(self, state: State) -> None:
        self._weights = torch.from_numpy(state.arrays["weights"][[2, 0, 1]].copy())


class Spread(Score):
    """How far apart members are in what they say of a class, at most."""

    name: ClassVar[str] = "spread"
    needs_members: ClassVar[bool] = True

    def score(self, predictive: Any) -> torch.Tensor:
        return (predictive.members.amax(0) - predictive.members.amin(0)).amax(1)


class Unity(Spread):
    """The wrong way round."""

    def score(self, predictive: Any) -> torch.Tensor:
        return -super().score(predictive)


class OfTheMean(Spread):
    """Needs no members: it goes by their mean."""

    def score(self, predictive: Any) -> torch.Tensor:
        return 1 - predictive.members.mean(0).amax(1)


class FirstSpread(Spread):
    """A little more where members are for the first class."""

    def score(self, predictive: Any) -> torch.Tensor:
        return super().score(predictive) + 1e-6 * (1 - predictive.members[:, :, 0].mean(0))


TWINS = {
    "easy_below_hard": Confidence,
    "class_order": FirstClassFirst,
    "agreement_below_doubt": Unity,
    "goes_by_members": OfTheMean,
    "unanimous": Contrary,
    "every_member_counts": FirstAlone,
    "class_order_of_answers": Leaning,
    "weighs": Backhanded,
    "likelier_stays": NotSoSure,
    "truth_is_held": AlwaysFirst,
    "groups_matter": AnyPlace,
    "strange_groups": KnownPlaces,
    "surer_stays": TooSure,
    "class_order_of_accepted": NeverFirst,
    "rejects_the_worse": TakesAll,
    "margin_decides": Decides,
    "margin_gradient": HalfCut,
    "calibrates": Upside,
    "gradient_is_right": Cut,
}


@pytest.mark.parametrize(
    "plugin", [Doubt, Typical, Power, Product, Weighted, Spread, Share, ByPlace, Sure, Silent]
)
def test_sound_method_passes(plugin: Any) -> None:
    """Scores, fitted and of members, a calibrator, combinations and a decision fail nothing."""
    assert check_plugin(plugin).passed


@pytest.mark.parametrize("name", TWINS)
def test_twin_fails_exactly_its_check(name: str, failed: Callable[..., dict[str, str]]) -> None:
    """The broken twin is found, and nothing else is said against it."""
    assert failed(TWINS[name]).keys() == {name}


def test_every_check_has_a_twin() -> None:
    """No check of the kind goes without a plugin that it catches."""
    benches = (ScoreBench, PostHocBench, CombineBench, DecideBench, AcceptBench, MembersBench)
    assert {check.name for bench in benches for check in bench.checks} == set(TWINS)


def test_full_sets_promise_nothing(failed: Callable[..., dict[str, str]]) -> None:
    """Sets of all classes hold every true one, and are no sets."""
    assert failed(Everything).keys() == {"truth_is_held"}


def test_a_score_of_members_is_tried_in_both_ways(failed: Callable[..., dict[str, str]]) -> None:
    """What goes by members is asked to treat classes alike, as other scores are."""
    assert failed(FirstSpread).keys() == {"class_order"}


def test_answers_check_sees_what_is_no_distribution() -> None:
    """Probabilities that do not sum to one are refused by the final call."""

    class Loose(Power):
        """Loses a tenth."""

        def calibrate(self, logits: torch.Tensor) -> torch.Tensor:
            return super().calibrate(logits) * 0.9

    found = check_plugin(Loose, only=["answers"], raises=False)
    assert "sum to 1" in found.failures[0].message


def test_other_shapes_are_refused_in_words() -> None:
    """What inherits from none of the shapes cannot be checked, and is told which there are."""
    from adversity import Uncertainty

    class Shapeless(Uncertainty):
        """Does nothing."""

        name: ClassVar[str] = "shapeless"

    with pytest.raises(InputError, match="or a Detector, got Shapeless: inherit from one of them"):
        check_plugin(Shapeless)
