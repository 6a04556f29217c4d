"""Threats as values: what they measure, admit, compare with each other, and say of themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from adversity import Attack, NearestFailure, Norm, NormBall, OwnDistance, Parametric, Threat
from adversity.contracts.threats import THREATS

if TYPE_CHECKING:
    from collections.abc import Sequence

EIGHT = 8 / 255


@dataclass(frozen=True, kw_only=True)
class Pixels(Threat):
    """At most so many pixels changed, in one corner of the image."""

    word = "pixels"
    knows_space = True

    corner: str

    @property
    def measured(self) -> str:
        """What is counted."""
        return f"changed pixels of the {self.corner} corner"

    def measure(self, images: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        """Count the pixels."""
        return (images != clean).any(1).flatten(1).sum(1).double()

    def whole_space(self, shape: Sequence[int]) -> float:
        """Every pixel."""
        return float(math.prod(shape[1:]))


class Few(Attack):
    """Change nothing: the claims matter."""

    name = "few"
    threat = Pixels
    eps: int = 5
    corner: str = "left"

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        return images


def test_parameters_lie_within_their_bounds_both_ends_included() -> None:
    """NaN, which stands where nothing was attacked, lies in none."""
    turned = Parametric(ranges=(("angle", (-1.0, 1.0)),))
    angles = {"angle": np.array([-1.0, 1.0, 1.01, np.nan])}
    assert turned.admits(np.full(4, 9.0), angles).tolist() == [True, True, False, False]
    wide = turned.widest(Parametric(ranges=(("angle", (0.0, 3.0)), ("shift", (0.0, 0.5)))))
    assert wide.bounds == {"angle": (-1.0, 3.0), "shift": (0.0, 0.5)}


def test_sizes_are_compared_on_one_scale_alone() -> None:
    """A smaller ball and any search in its norm find nothing larger; other norms say nothing."""
    ball = NormBall(norm="l2", eps=0.5)
    smaller, larger = NormBall(norm="l2", eps=0.4), NormBall(norm="l2", eps=0.6)
    assert smaller.no_larger(ball)
    assert ball.no_larger(ball)
    assert not larger.no_larger(ball)
    assert NearestFailure(norm="l2").no_larger(ball)
    assert not NormBall(norm="linf", eps=0.1).no_larger(ball)
    assert not Parametric().no_larger(Parametric())
    few = Pixels(eps=3, corner="left")
    assert few.no_larger(Pixels(eps=5, corner="left"))
    assert not few.no_larger(Pixels(eps=5, corner="right"))
    assert not OwnDistance(eps=3, of_what="a").no_larger(OwnDistance(eps=3, of_what="b"))


def test_scales_of_two_authors_are_two_though_they_say_the_same() -> None:
    """Of two classes of one name and word, and of two methods in the same words."""

    @dataclass(frozen=True, kw_only=True)
    class Pixels(Threat):
        """Of another author: the share of the pixels."""

        word = "pixels"

        corner: str

        @property
        def measured(self) -> str:
            return f"changed pixels of the {self.corner} corner"

    mine, theirs = Few(eps=3).threat_model, Pixels(eps=3, corner="left")
    assert (mine.word, mine.measured) == (theirs.word, theirs.measured)
    assert not mine.no_larger(theirs)

    def own(author: str) -> Threat:
        class Own(Few):
            threat = "distance"

            def distance(self, images: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
                return (images - clean).flatten(1).sum(1)

        Own.distance.__module__ = author
        return Own().threat_model

    assert own("acme").no_larger(own("acme"))
    assert not own("acme").no_larger(own("elsewhere"))


@pytest.mark.parametrize("claim", ["norm", "distance"])
def test_a_budget_of_none_is_refused(claim: str) -> None:
    """Within none everything would be allowed; only a search for the nearest failure has none."""

    class Open(Few):
        threat = claim
        norm: Norm = "l2"
        eps: float | None = None

        def distance(self, images: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
            return (images - clean).flatten(1).sum(1)

    with pytest.raises(ValueError, match=r"expected eps to be a number.*, got None"):
        Open()
    assert Open(eps=1).threat_model.limit >= 1
    assert type("Nearest", (Open,), {"threat": "minimum", "__module__": __name__})()


@pytest.mark.parametrize(
    ("threat", "sizes", "said"),
    [
        (
            NormBall(norm="linf", eps=EIGHT),
            "4/255, 8/255",
            "Budget: L∞ norm of at most 4/255, 8/255, on the [0, 1] scale.",
        ),
        (
            NearestFailure(norm="l2"),
            "",
            (
                "It looks for the nearest failure in the L2 norm, on the [0, 1] scale; any distance "
                "counts."
            ),
        ),
        (
            NearestFailure(norm="l2", eps=0.5),
            "0.5",
            (
                "It looks for the nearest failure in the L2 norm, on the [0, 1] scale; one within 0.5 "
                "counts."
            ),
        ),
        (
            Parametric(ranges=(("angle_deg", (-30.0, 30.0)), ("shift_x", (-0.1, 0.1)))),
            "",
            "Budget{}: angle_deg between -30 and 30, shift_x between -0.1 and 0.1.",
        ),
        (
            Parametric(ranges=(("severity", (1, 5)), ("noise_seed", (0, 4294967295)))),
            "",
            "Budget{}: severity between 1 and 5, which random numbers are drawn (noise_seed).",
        ),
        (
            OwnDistance(eps=0.5, of_what="distance in x"),
            "0.5",
            "Budget{}: distance in x, at most 0.5.",
        ),
        (
            Pixels(eps=5, corner="left"),
            "5",
            "Budget{}: changed pixels of the left corner, at most 5.",
        ),
    ],
    ids=["ball", "nearest", "nearest-within", "parametric", "seed", "distance", "third-party"],
)
def test_each_says_its_budget_in_a_sentence(threat: Threat, sizes: str, said: str) -> None:
    """With its figures; where the subject needs a place, that stands behind it."""
    assert threat.words(sizes) == said.format("")
    if "{}" in said:
        assert threat.words(sizes, ", at the widest") == said.format(", at the widest")


def test_an_attack_is_read_as_its_threat() -> None:
    """By the words of the contract, and by the fields of a class of the author's own."""

    class Ball(Few):
        threat = "norm"
        norm: Norm = "l1"

    class Far(Few):
        threat = "minimum"

    class Turn(Few):
        threat = "parametric"

        @property
        def bounds(self) -> dict[str, tuple[float, float]]:
            return {"angle": (-1.0, 1.0)}

    class Own(Few):
        threat = "distance"

        @property
        def measure(self) -> str:
            return "half the change"

        def distance(self, images: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
            return (images - clean).flatten(1).sum(1) / 2

    assert Few(eps=7).threat_model == Pixels(eps=7, corner="left")
    assert Ball(eps=2).threat_model == NormBall(norm="l1", eps=2)
    assert Far().threat_model == NearestFailure(norm="l2", eps=5)
    assert Turn().threat_model == Parametric(ranges=(("angle", (-1.0, 1.0)),))
    assert Own().threat_model == OwnDistance(eps=5, of_what="half the change")
    ones = torch.ones(2, 1, 2, 2)
    assert Own().threat_model.measure(ones, 0 * ones).tolist() == [2.0, 2.0]


def test_what_the_ledger_keeps_is_json() -> None:
    """Four keys, whatever the threat; a norm only where it is one."""
    assert NormBall(norm="linf", eps=1).as_json() == {
        "threat": "norm",
        "norm": "linf",
        "eps": 1.0,
        "bounds": {},
    }
    turned = Parametric(ranges=(("angle", (-1, 1)),)).as_json()
    assert turned == {
        "threat": "parametric",
        "norm": None,
        "eps": None,
        "bounds": {"angle": [-1.0, 1.0]},
    }
    assert Pixels(eps=3, corner="left").as_json()["threat"] == "pixels"


def test_a_class_that_lacks_what_its_threat_needs_is_told_so() -> None:
    """A parameter, a word of its own, or a word that there is; a sound class has no fault."""

    class Lacks(Attack):
        threat = Pixels

        def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
            return images

    @dataclass(frozen=True, kw_only=True)
    class Taken(NormBall):
        """A class that took over another's word."""

    def faults(**given: Any) -> list[str]:
        return list(Attack.claim_faults(type("Other", (Few,), {"__module__": __name__, **given})))

    assert list(Attack.claim_faults(Few)) == []
    (lacks,) = Attack.claim_faults(Lacks)
    assert lacks == "an attack whose threat is 'pixels' has the parameter corner; add it"
    assert "got 'minimun'; did you mean minimum?" in faults(threat="minimun")[0]
    assert "expected Taken.word in snake_case, and none of norm" in faults(threat=Taken)[0]
    assert "norm and eps, and this one lacks norm" in faults(threat="norm")[0]
    assert "write the method `distance`" in faults(threat="distance")[0]
    assert sorted(THREATS) == ["distance", "minimum", "norm", "parametric"]


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_budget_on_another_scale_is_refused_where_the_size_does_not_matter(norm: str) -> None:
    """8 for 8 / 255 in linf; in l2 it depends on the image, and pixels are counted."""

    class Ball(Few):
        threat = "norm"
        norm: Norm
        eps: float

    if norm == "l2":
        assert Ball(norm="l2", eps=8).eps == 8
        assert Few(eps=8).eps == 8
        return
    with pytest.raises(ValueError, match=r"at most 1 in linf.*got 8; did you mean 8/255\?"):
        Ball(norm="linf", eps=8)
