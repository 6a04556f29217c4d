"""How far two answers are apart, which most checks go by."""

from __future__ import annotations

import pytest

from adversity.testing.bench.checks import Failed, apart, furthest, json_text


def test_distance_of_tensors() -> None:
    """Infinities of one sign are equal, shapes and NaN are infinitely far."""
    import torch

    infinite = torch.tensor([1.0, float("inf")])
    assert apart(infinite, infinite.clone()) == 0
    assert apart(infinite, -infinite) == float("inf")
    assert apart(torch.zeros(2), torch.zeros(3)) == float("inf")
    assert apart(torch.tensor([float("nan")]), torch.zeros(1)) == float("inf")
    assert apart(torch.tensor([True, False]), torch.tensor([True, True])) == 1
    assert apart(torch.zeros(0), torch.zeros(0)) == 0


def test_distance_as_a_share_of_large_values() -> None:
    """Above 1 a difference counts as a share of the value; NaN and other infinities stay far."""
    import torch

    large = torch.tensor([1e4, 0.5, float("inf")])
    assert apart(large, large + torch.tensor([1.0, 0.0, 0.0]), relative=True) == 1e-4
    assert apart(large, large + torch.tensor([0.0, 0.25, 0.0]), relative=True) == 0.25
    assert apart(large, torch.tensor([1e4, 0.5, 7.0]), relative=True) == float("inf")
    assert apart(large, large.clone(), relative=True) == 0


def test_furthest_of_two_answers() -> None:
    """The pair that is furthest apart is named; what only one answer has is infinitely far."""
    import torch

    first = {"images": torch.zeros(2), "side": torch.ones(2)}
    assert furthest(first, {"images": torch.zeros(2), "side": torch.full((2,), 3.0)}) == ("side", 2)
    assert furthest(first, {"images": torch.zeros(2)}) == ("side", float("inf"))
    assert furthest({}, first) == ("images", float("inf"))
    assert furthest({}, {}) == ("", 0)


def test_what_is_no_json_is_refused_by_name() -> None:
    """Texts and finite numbers pass as they are; NaN and objects fail, and the place is told."""
    assert json_text({"a": [1, 2.5, None]}, "describe()") == '{"a": [1, 2.5, null]}'
    for wrong in (float("nan"), {1, 2}):
        with pytest.raises(Failed, match=r"expected JSON values from describe\(\), got"):
            json_text({"a": wrong}, "describe()")
