"""ReAct against the energy of a linear layer by hand, and NumPy's quantiles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import adversity
from adversity import Block, State
from adversity.errors import DataError, InputError, NotFittedError
from adversity_plugins.uncertainty.detector._order_statistic import order_statistic
from adversity_plugins.uncertainty.detector.react import ReAct

if TYPE_CHECKING:
    from collections.abc import Sequence


def of(features: np.ndarray[Any, Any]) -> Any:
    """Return a stream of blocks of three rows."""
    rows = torch.from_numpy(features)
    cuts = (slice(start, start + 3) for start in range(0, len(rows), 3))
    return [Block(("",) * len(rows[cut]), features=rows[cut]) for cut in cuts]


def cut_at(threshold: float) -> ReAct:
    """Return a plugin with this threshold."""
    plugin = ReAct()
    plugin.load(State({"threshold": np.array([threshold])}))
    return plugin


def test_energy_by_hand() -> None:
    """Features (1, 5) cut at 2 are (1, 2); the head gives 1 + 2 and 1 - 2: -log(e^3 + e^-1)."""
    plugin = cut_at(2)
    plugin.take_head(lambda f: torch.stack([f[:, 0] + f[:, 1], f[:, 0] - f[:, 1]], 1))
    found = plugin.score(torch.tensor([[1.0, 5.0], [1.0, 2.0], [-3.0, 0.0]]), torch.zeros(3, 2))
    by_hand = [-math.log(math.exp(3) + math.exp(-1))] * 2 + [3 - math.log(2)]
    assert found.tolist() == pytest.approx(by_hand, abs=1e-6)
    assert found.dtype == torch.float64


def test_without_a_cut_it_is_the_energy_of_the_logits() -> None:
    """The largest fitted value cuts nothing of the fitted rows."""
    draw = torch.Generator().manual_seed(0)
    features = torch.rand(40, 6, generator=draw)
    weight, bias = torch.randn(6, 3, generator=draw), torch.randn(3, generator=draw)
    detector = adversity.create("uncertainty", "react", quantile=1)
    logits = features @ weight + bias
    fitted = detector.fit(logits, torch.arange(40) % 3, features=features)
    found = fitted(logits, features=features, head=lambda f: f @ weight + bias)
    expected = -logits.double().logsumexp(1)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)  # float32 sums of six terms
    with pytest.raises(InputError, match=r"expected the head of a classifier.*pass head="):
        fitted(logits, features=features)


@given(
    st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=60),
    st.sampled_from([0.001, 0.1, 0.25, 0.5, 0.7, 0.9, 0.95, 1.0]),
    st.sampled_from([1, 2, 3]),
)
def test_the_threshold_is_an_order_statistic(
    values: Sequence[float], share: float, width: int
) -> None:
    """To the last bit NumPy's, for ties, negative numbers, zeros of both signs and tiny ones."""
    features = np.array(values * width, np.float32).reshape(-1, width)
    found, n, d = order_statistic(of(features), share)
    rank = -(-round(share * 1000) * features.size // 1000)
    assert found == np.sort(features.ravel())[rank - 1]
    assert (n, d) == features.shape


def test_fit_says_what_it_found() -> None:
    """Nine of ten values are not above 0.9."""
    features = np.linspace(0.1, 1, 10, dtype=np.float32).reshape(5, 2)
    state = ReAct().fit(of(features), np.random.default_rng(0))
    assert state.info == {"threshold": float(np.float32(0.9)), "n": 5, "features": 2}
    assert state.arrays["threshold"].tolist() == [float(np.float32(0.9))]


def test_what_is_missing_is_named() -> None:
    """Not fitted, nothing to fit on, no features, no threshold."""
    rng: Any = np.random.default_rng(0)
    nothing: Any = []
    without: Any = [Block(("a",))]
    with pytest.raises(NotFittedError, match="expects a fitted threshold"):
        ReAct().score(torch.ones(1, 1), torch.ones(1, 1))
    with pytest.raises(DataError, match="expected rows to fit on, got none"):
        ReAct().fit(nothing, rng)
    with pytest.raises(DataError, match="expected features to fit on, got none"):
        ReAct().fit(without, rng)
    with pytest.raises(DataError, match="expects a stored threshold, got None"):
        ReAct().load(State())
    with pytest.raises(DataError, match="expects a stored threshold"):
        cut_at(math.nan)
