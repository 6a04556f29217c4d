"""Which pairs a study shows: balanced, reproducible, each sample once a match."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from adversity_flows.studies.draw import drawn_pairs


@given(
    count=st.integers(2, 5),
    samples=st.integers(1, 12),
    most=st.integers(1, 60),
    seed=st.integers(0, 5),
)
def test_contenders_meet_equally_often_on_different_samples(
    count: int, samples: int, most: int, seed: int
) -> None:
    """No two meet twice on a sample; who meets whom differs by one at most, and so do the sides."""
    names = [f"s{at}" for at in range(samples)]
    pairs = [one for one in drawn_pairs(count, names, most, seed) if one.again is None]
    matches = count * (count - 1) // 2
    assert len(pairs) == min(most, matches * samples)
    met = Counter(frozenset((one.left, one.right)) for one in pairs)
    assert max(met.values()) - min(met.values()) <= 1
    assert len({(one.sample, frozenset((one.left, one.right))) for one in pairs}) == len(pairs)
    for match in met:
        low, _ = sorted(match)
        left = sum(one.left == low for one in pairs if frozenset((one.left, one.right)) == match)
        assert abs(2 * left - met[match]) <= 1
    assert drawn_pairs(count, names, most, seed) == drawn_pairs(count, names[::-1], most, seed)


def test_one_pair_in_ten_comes_again_with_its_sides_exchanged() -> None:
    """At the end, and marked: it is no vote of its own."""
    pairs = drawn_pairs(3, [f"s{at}" for at in range(20)], 40, 0)
    again = [one for one in pairs if one.again is not None]
    assert [one.again for one in again] == [0, 10, 20, 30]
    assert pairs[-4:] == tuple(again)
    for one in again:
        assert one.again is not None
        first = pairs[one.again]
        assert (one.sample, one.left, one.right) == (first.sample, first.right, first.left)


def test_another_seed_is_another_order() -> None:
    """And other samples, where not all are shown."""
    names = [f"s{at}" for at in range(30)]
    assert drawn_pairs(2, names, 10, 0) != drawn_pairs(2, names, 10, 1)
