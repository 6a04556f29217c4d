"""The split of a change: exact, fair to what acts alone, and whole where something is missing."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from adversity_flows.why.shapley import orders_asked, shared_out

FACTORS = ("data", "model", "parameters")
SUBSETS = [frozenset(some) for n in range(4) for some in combinations(FACTORS, n)]
numbers = st.floats(-1, 1, allow_nan=False)


def test_every_combination_is_asked_once_the_ends_first() -> None:
    """Eight of three factors; two of one; of none the code alone is left."""
    asked = orders_asked(FACTORS)
    assert asked[:2] == [frozenset(), frozenset(FACTORS)]
    assert len(asked) == 8
    assert set(asked) == set(SUBSETS)
    assert orders_asked(["data"]) == [frozenset(), frozenset({"data"})]
    assert orders_asked([]) == [frozenset()]


@given(st.lists(numbers, min_size=8, max_size=8))
def test_the_parts_are_those_of_the_formula_and_add_up_exactly(given_values: list[float]) -> None:
    """Shapley's weights of three players, written out: 1/3, 1/6, 1/6, 1/3."""
    v = dict(zip(SUBSETS, given_values, strict=True))
    shares = shared_out(FACTORS, v)
    assert shares.total == Fraction(v[frozenset(FACTORS)]) - Fraction(v[frozenset()])
    exact = {key: Fraction(value) for key, value in v.items()}
    for one in FACTORS:
        a, b = (other for other in FACTORS if other != one)
        alone = [frozenset(), frozenset({a}), frozenset({b}), frozenset({a, b})]
        gains = [exact[rest | {one}] - exact[rest] for rest in alone]
        assert shares.parts[one] == sum(
            weight * gain
            for weight, gain in zip(
                (Fraction(1, 3), Fraction(1, 6)) * 2, _order(gains), strict=True
            )
        )


def _order(gains: list[Fraction]) -> list[Fraction]:
    """Put those of weight 1/3, 1/6, 1/3, 1/6 in this order."""
    nothing, first, second, both = gains
    return [nothing, first, both, second]


@given(numbers, numbers, numbers)
def test_what_acts_alone_gets_what_it_does(data: float, model: float, parameters: float) -> None:
    """Of changes that add up, each gets its own; one that does nothing gets nothing."""
    acts = dict(zip(FACTORS, map(Fraction, (data, model, parameters)), strict=True))
    values = {some: float(sum((acts[one] for one in some), Fraction(0))) for some in SUBSETS}
    shares = shared_out(FACTORS, values)
    # The values themselves are rounded to float64, each by at most 2**-53 of at most 3.
    for one in FACTORS:
        assert abs(shares.parts[one] - acts[one]) <= 2**-50
    still = {some: values[some - {"model"}] for some in SUBSETS}
    assert shared_out(FACTORS, still).parts["model"] == 0


@given(st.lists(numbers, min_size=8, max_size=8), st.sets(st.sampled_from(SUBSETS[1:-1])))
def test_orders_that_cannot_be_computed_are_left_out(
    given_values: list[float], missing: set[frozenset[str]]
) -> None:
    """What is left still adds up to the whole change; where no order is whole there are no parts."""
    v = dict(zip(SUBSETS, given_values, strict=True))
    known = {some: value for some, value in v.items() if some not in missing}
    shares = shared_out(FACTORS, known)
    assert shares.of == 6
    assert (shares.orders == 6) == (not missing)
    if shares.orders:
        assert shares.total == Fraction(v[frozenset(FACTORS)]) - Fraction(v[frozenset()])
    else:
        assert not shares.parts
