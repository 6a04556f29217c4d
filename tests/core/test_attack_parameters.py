"""Parameters that attacks share: what a third party's class gets from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pytest
from pydantic import ValidationError

from adversity import NearestBudget, NearestFailure, Norm, NormBall, NormBudget, Targeted
from adversity.registry.claims import claim_faults, field_faults

if TYPE_CHECKING:
    import torch


class Still:
    """Leave the images as they are."""

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> torch.Tensor:
        return images


class Aimed(Still, Targeted, NormBudget):
    """An attack in linf or l2 that can go for a class."""

    name = "aimed"
    norm: Literal["linf", "l2"] = "linf"


class Search(Still, NearestBudget):
    """A search in l1."""

    name = "search"
    norm: ClassVar[Norm] = "l1"


def test_a_class_has_the_parameters_of_what_it_derives_from() -> None:
    """Each is sound for the registry, and stands for the threat that its parameters say."""
    for cls in (Aimed, Search):
        assert [*claim_faults(cls), *field_faults(cls)] == []
    assert list(Aimed.model_fields) == ["norm", "eps", "targeted", "target"]
    assert Aimed(eps=0.1).threat_model == NormBall(norm="linf", eps=0.1)
    assert list(Search.model_fields) == ["eps"]
    assert Search().threat_model == NearestFailure(norm="l1")
    assert (Aimed(eps=0.1).is_targeted, Aimed(eps=0.1, targeted=True).is_targeted) == (False, True)
    assert Search().is_targeted is False


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "eps\n  Field required"),
        ({"eps": 0}, "greater than 0"),
        ({"eps": 8}, "did you mean 8/255"),
        ({"eps": 0.1, "norm": "l1"}, "'linf' or 'l2'"),
        ({"eps": 0.1, "target": "nearest"}, "'next', 'random' or 'least_likely'"),
    ],
    ids=["no budget", "empty", "another scale", "a norm it does not know", "no such class"],
)
def test_what_they_refuse(given: dict[str, Any], said: str) -> None:
    """The message says what is allowed."""
    with pytest.raises(ValidationError, match=said):
        Aimed(**given)
