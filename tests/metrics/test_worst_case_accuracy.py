"""The point-wise worst case over attacks, against counting by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adversity.errors import DataError
from adversity.metrics import robust_accuracy, worst_case_robust_accuracy

Verdicts = list[tuple[bool, list[bool]]]


@st.composite
def verdicts(draw: st.DrawFn) -> Verdicts:
    """For each of some images: right at the start, and what each of some attacks turned."""
    attacks = draw(st.integers(1, 5))
    image = st.tuples(st.booleans(), st.lists(st.booleans(), min_size=attacks, max_size=attacks))
    return draw(st.lists(image, min_size=1, max_size=30))


def attacks_of(images: Verdicts) -> dict[str, Any]:
    """Return the same by attack, as the metric takes it."""
    right = np.array([start for start, _ in images])
    fell = np.array([hits for _, hits in images])
    return {f"attack {k}": (right, right & fell[:, k]) for k in range(fell.shape[1])}


@given(verdicts())
def test_an_image_is_robust_if_it_was_right_and_nothing_turned_it(images: Verdicts) -> None:
    """Counted image by image in plain Python, the figure is the same."""
    found = worst_case_robust_accuracy(attacks_of(images))
    assert found.value == sum(start and not any(hits) for start, hits in images) / len(images)
    assert found.n == len(images)


@given(verdicts())
def test_3_11_it_is_never_above_any_attack_and_one_more_never_raises_it(images: Verdicts) -> None:
    """Adding the attacks one by one, the figure only falls, and ends below each of them."""
    attacks = attacks_of(images)
    before, so_far = 1.0, {}
    for name, verdict in attacks.items():
        so_far[name] = verdict
        now = worst_case_robust_accuracy(so_far).value
        assert now <= before
        assert now <= robust_accuracy(*verdict).value
        before = now
    turned = worst_case_robust_accuracy(dict(reversed(attacks.items())))
    assert turned.value == before


@given(verdicts())
def test_who_found_what_adds_up(images: Verdicts) -> None:
    """What one attack alone turned is its loss if it were left out."""
    attacks = attacks_of(images)
    found = worst_case_robust_accuracy(attacks)
    for name in attacks:
        others = {other: verdict for other, verdict in attacks.items() if other != name}
        if others:
            lost = worst_case_robust_accuracy(others).value - found.value
            assert found.details["alone"][name] == round(lost * len(images))
    assert found.details["fooled"] <= sum(found.details["by"].values())


def test_3_11_a_mean_over_attacks_is_found_out() -> None:
    """The twin that averages: a weak attack beside a strong one makes the victim look better."""

    def mean(attacks: dict[str, Any]) -> float:
        return float(np.mean([robust_accuracy(*verdict).value for verdict in attacks.values()]))

    right = [True] * 4
    strong = {"strong": (right, [True, True, True, False])}
    both = strong | {"noise": (right, [False] * 4)}
    assert mean(both) > mean(strong)
    assert worst_case_robust_accuracy(both).value == worst_case_robust_accuracy(strong).value


def test_right_from_the_start_means_right_in_every_attack() -> None:
    """Where two machines disagree about an image at the border, it counts as wrong."""
    attacks = {"here": ([True, True], [False, False]), "there": ([True, False], [False, False])}
    assert worst_case_robust_accuracy(attacks).value == 0.5


@pytest.mark.parametrize("attacks", [{}, {"a": ([True], [False]), "b": ([True] * 2, [False] * 2)}])
def test_no_attack_or_other_images_are_refused(attacks: dict[str, Any]) -> None:
    """There is no worst case of nothing, nor over images that cannot be paired."""
    with pytest.raises(DataError, match="same images"):
        worst_case_robust_accuracy(attacks)
