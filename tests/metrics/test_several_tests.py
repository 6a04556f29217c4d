"""Holm's correction, against the closed test that it is a short cut of, and a published example."""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np
import pytest

from adversity.errors import DataError
from adversity.metrics import holm


def _closed_bonferroni(p_values: list[float]) -> list[float]:
    """Adjust by the closure principle, all subsets: Holm's procedure is its short cut."""
    places = range(len(p_values))
    subsets = list(chain.from_iterable(combinations(places, n + 1) for n in places))
    return [
        max(
            min(1.0, len(chosen) * min(p_values[k] for k in chosen))
            for chosen in subsets
            if one in chosen
        )
        for one in places
    ]


def test_the_example_of_the_textbooks() -> None:
    """At 5 % the first and the last of four are rejected, as in the encyclopaedias."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_the_closed_bonferroni_test(seed: int) -> None:
    """Every p-value is that of the worst intersection hypothesis it is part of."""
    p_values = np.random.default_rng(seed).beta(0.4, 2.0, size=8).round(2).tolist()
    assert holm(p_values) == pytest.approx(_closed_bonferroni(p_values), abs=1e-12)


def test_a_test_without_evidence_counts_and_stays_unknown() -> None:
    """None is no p-value, yet the family is as large as it was."""
    assert holm([0.01, None, 0.02]) == (pytest.approx(0.03), None, pytest.approx(0.04))
    assert holm([]) == ()


def test_what_is_no_p_value_is_refused() -> None:
    """A test statistic given by mistake is named."""
    with pytest.raises(DataError, match=r"p-values in \[0, 1\], got 2.5"):
        holm([0.1, 2.5])
    with pytest.raises(DataError, match="got nan"):
        holm([float("nan")])
