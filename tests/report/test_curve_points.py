"""Points of a curve: the line stays where it is, and straight stretches are two points."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adversity.report.charts.curve_points import rounded, seen_points

_HEIGHT = 2.0


@given(st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=60))
def test_the_line_through_what_is_left_passes_all_points(values: list[float]) -> None:
    """Nowhere further than a thousandth of the height, and with both ends."""
    places = [float(at) ** 1.5 for at in range(len(values))]
    seen = seen_points(places, values, height=_HEIGHT)
    drawn = np.interp(places, [places[at] for at in seen], [values[at] for at in seen])
    assert np.abs(drawn - values).max() <= _HEIGHT / 1000 + 1e-12  # the rounding of interp
    assert (seen[0], seen[-1]) == (0, len(values) - 1)
    assert seen == sorted({*seen})


def test_a_straight_curve_is_its_ends_and_a_bend_is_kept() -> None:
    """Two hundred points on a line are two."""
    x = [at / 199 for at in range(200)]
    assert seen_points(x, x, height=1.0) == [0, 199]
    bent = [min(place, 0.5) for place in x]
    kept = seen_points(x, bent, height=1.0)
    assert len(kept) <= 4
    assert {0, 199} < {*kept}


def test_a_flat_curve_has_no_height() -> None:
    """All values the same: the ends are left, and nothing is divided by 0."""
    assert seen_points([0.0, 1.0, 2.0], [3.0, 3.0, 3.0], height=0.0) == [0, 2]


def test_five_digits_are_kept() -> None:
    """Small numbers keep theirs."""
    assert (rounded(1 / 3), rounded(1.23456789e-7)) == (0.33333, 1.2346e-7)
