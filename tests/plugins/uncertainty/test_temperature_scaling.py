"""Temperature scaling against SciPy's Brent search, and its promises."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from adversity import State
from adversity.errors import DataError, NotFittedError
from adversity_plugins.uncertainty.calibration.temperature_scaling import TemperatureScaling

RNG = np.random.default_rng(0)


def answers(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw Z and labels y ~ softmax(Z)."""
    rng = np.random.default_rng(seed)
    z = 2.0 * rng.standard_normal((n, 10))
    y = (softmax(z, axis=1).cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return z, np.minimum(y, 9)


def nll(logits: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    rows = log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels]
    return float(-rows.mean())


def brent(logits: np.ndarray, labels: np.ndarray) -> float:
    """Minimise the loss over log T, as an oracle that shares no line with the product."""
    found = minimize_scalar(
        lambda t: nll(logits, labels, np.exp(t)),
        bounds=(-4, 4),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(np.exp(found.x))


def fitted(stream, logits: np.ndarray, labels: np.ndarray, rows: int = 64):
    plugin = TemperatureScaling()
    state = plugin.fit(stream(logits, labels, rows), RNG)
    plugin.load(state)
    return plugin, state


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_the_temperature_is_the_optimum_at_any_scale(stream, scale: float) -> None:
    """Logits 1.7 Z of 10 000 rows need 1.677908, not 1.7, and scale times it (1e-4 relative)."""
    z, y = answers(10_000)
    _, state = fitted(stream, 1.7 * scale * z, y, rows=1000)
    assert state.info["temperature"] == pytest.approx(1.677908 * scale, rel=1e-4)
    assert state.info["note"] == ""


@pytest.mark.parametrize("needed", [1.49, 1.98, 2.51, 3.23, 3.98, 7.43, 0.3])
def test_far_temperatures_are_reached(stream, needed: float) -> None:
    """Where recipes with a fixed start stop short or run to 0, Brent's optimum is met (1e-4)."""
    z, y = answers(5000, seed=1)
    _, state = fitted(stream, needed * z, y, rows=500)
    expected = brent(needed * z, y)
    assert state.info["temperature"] == pytest.approx(expected, rel=1e-4)
    assert expected == pytest.approx(needed, rel=0.05)  # what the draw leaves
    assert state.info["nll_after"] == pytest.approx(nll(needed * z, y, expected), abs=1e-9)


def test_the_likelihood_never_gets_worse(stream) -> None:
    """Before and after are those of SciPy, and after is at most before, in 20 draws."""
    for seed in range(20):
        z, y = answers(120, seed)
        _, state = fitted(stream, z, y)
        info = state.info
        assert info["nll_before"] == pytest.approx(nll(z, y, 1.0), abs=1e-12)
        assert info["nll_after"] == pytest.approx(nll(z, y, info["temperature"]), abs=1e-12)
        assert info["nll_after"] <= info["nll_before"]
        assert info["n"] == 120


def test_blocks_change_no_byte(stream) -> None:
    """The stream cut into blocks of 1, 7 or 500 rows gives the same temperature exactly."""
    z, y = answers(500)
    found = {fitted(stream, 2 * z, y, rows)[1].info["temperature"] for rows in (1, 7, 500)}
    assert len(found) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("temperature", [0.02, 0.5, 1.7, 50.0])
def test_no_answer_changes(dtype: torch.dtype, temperature: float) -> None:
    """Rows sum to 1 and every argmax stays, ties and neighbouring floats included."""
    plugin = TemperatureScaling()
    plugin.load(State(arrays={"temperature": np.array([temperature])}))
    base = torch.randn(200, 6, generator=torch.Generator().manual_seed(0)).to(dtype) * 5
    # Runner-up and winner one float apart, runner-up first: rounding ties them.
    close = base.clone()
    close[:, 1] = close.amax(dim=1) + 3
    close[:, 4] = torch.nextafter(close[:, 1], torch.full_like(close[:, 1], torch.inf))
    tied = close.clone()
    tied[:, 1] = tied[:, 4]
    logits = torch.cat([base, close, tied, base * 1000])
    probs = plugin.calibrate(logits)
    assert probs.dtype == dtype
    assert torch.equal(probs.argmax(dim=1), logits.argmax(dim=1))
    assert ((probs >= 0) & (probs <= 1)).all()
    # Six roundings and at most one step: a few units of the last place.
    tolerance = 8 * torch.finfo(dtype).eps
    assert (probs.double().sum(dim=1) - 1).abs().max() <= tolerance
    expected = softmax(logits.double().numpy() / temperature, axis=1)
    np.testing.assert_allclose(probs.numpy(), expected, atol=tolerance)


def test_rounding_does_make_ties_that_must_be_undone() -> None:
    """Plain float32 probabilities tie where the logits do not: the case above is real."""
    top = torch.tensor(8.0)
    logits = torch.stack([top, torch.nextafter(top, torch.tensor(9.0))])[None]
    assert (logits.double() / 50).softmax(dim=1).float().argmax() == 0
    plugin = TemperatureScaling()
    plugin.load(State(arrays={"temperature": np.array([50.0])}))
    assert plugin.calibrate(logits).argmax() == 1


def test_gradients_are_those_of_softmax_over_temperature() -> None:
    """Attacks go through it: the gradient passes a finite-difference check in float64."""
    plugin = TemperatureScaling()
    plugin.load(State(arrays={"temperature": np.array([2.5])}))
    logits = torch.randn(4, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert torch.autograd.gradcheck(plugin.calibrate, logits.requires_grad_())


@pytest.mark.parametrize("n", [1, 99])
def test_few_rows_leave_the_confidences_and_say_so(stream, n: int) -> None:
    """With fewer than 100 rows the temperature is 1, and the note gives both numbers."""
    z, y = answers(n)
    plugin, state = fitted(stream, 3 * z, y)
    assert state.info["temperature"] == 1.0
    assert f"only {n} rows" in state.info["note"]
    assert "100" in state.info["note"]
    logits = torch.from_numpy(z)
    np.testing.assert_allclose(plugin.calibrate(logits), softmax(z, axis=1), atol=1e-15)
    assert fitted(stream, *answers(100))[1].info["note"] == ""


def ece(probs: np.ndarray, labels: np.ndarray) -> float:
    """Return the expected calibration error over 15 bins of equal width, straight from its formula."""
    confidence, correct = probs.max(axis=1), probs.argmax(axis=1) == labels
    bins = np.ceil(confidence * 15).astype(int)
    inside = [bins == b for b in range(1, 16) if (bins == b).any()]
    return sum(abs(correct[b].mean() - confidence[b].mean()) * b.mean() for b in inside)


@pytest.mark.parametrize("scale", [1e-9, 0.001, 0.01, 0.0199, 0.02, 1.0, 50.0, 50.1, 100.0, 1e12])
def test_any_scale_of_logits_is_calibrated_alike(stream, scale: float) -> None:
    """Labels drawn from softmax(z / T): the same ECE whatever T is, and T times one temperature."""
    z, y = answers(2000)
    plugin, state = fitted(stream, scale * z, y)
    assert state.info["note"] == ""
    # The root is found to 1e-12 on log T; rounding of the scaled logits adds a few units more.
    assert state.info["temperature"] == pytest.approx(scale * brent(z, y), rel=1e-6)
    probs = plugin.calibrate(torch.from_numpy(scale * z)).numpy()
    assert ece(probs, y) == pytest.approx(ece(softmax(z / brent(z, y), axis=1), y), abs=1e-4)
    assert ece(probs, y) < 0.03 < ece(softmax(100 * z, axis=1), y)


def test_one_wrong_row_is_not_perfect(stream) -> None:
    """With one of 300 rows wrong there is a best temperature, and it is found."""
    z, _ = answers(300)
    y = z.argmax(axis=1)
    y[0] = z[0].argsort()[-2]
    _, state = fitted(stream, z, y)
    assert state.info["note"] == ""
    assert state.info["temperature"] == pytest.approx(brent(z, y), rel=1e-4)
    assert 0 < state.info["temperature"] < 0.5


def test_the_ends_of_the_bracket_leave_the_confidences_and_say_so(stream) -> None:
    """Perfect rows want T = 0, logits against the labels T = infinity, equal ones any T."""
    z, _ = answers(300)
    cases = {
        "classified perfectly": (z, z.argmax(axis=1)),
        "say nothing": (z, z.argmin(axis=1)),
        "does not depend": (np.zeros((300, 10)), np.arange(300) % 10),
    }
    for words, (logits, labels) in cases.items():
        _, state = fitted(stream, logits, labels)
        assert state.info["temperature"] == 1.0
        assert words in state.info["note"]
        assert state.info["nll_after"] == state.info["nll_before"]


def test_huge_logits_do_not_overflow(stream) -> None:
    """Logits around 1e6 are shifted first: a finite likelihood and the same optimum."""
    z, y = answers(1000)
    _, near = fitted(stream, 2 * z, y)
    _, far = fitted(stream, 2 * z + 1e6, y)
    # 1e6 costs ten of float64's sixteen digits.
    assert far.info["temperature"] == pytest.approx(near.info["temperature"], rel=1e-8)


def test_unfitted_refuses_and_a_bad_state_too() -> None:
    """Without a temperature, or with one that is none, it answers nothing."""
    with pytest.raises(NotFittedError, match="fit_on"):
        TemperatureScaling().calibrate(torch.zeros(1, 2))
    for arrays in ({}, {"temperature": np.array([0.0])}, {"temperature": np.array([np.nan])}):
        with pytest.raises(DataError, match="fit it again"):
            TemperatureScaling().load(State(arrays=arrays))


def test_fitting_changes_nothing_and_copies_are_unfitted(stream) -> None:
    """`fit` leaves the plugin unfitted; equality and pickling look at parameters only."""
    plugin = TemperatureScaling()
    state = plugin.fit(stream(*answers(200)), RNG)
    with pytest.raises(NotFittedError):
        plugin.calibrate(torch.zeros(1, 2))
    plugin.load(state)
    copy = pickle.loads(pickle.dumps(plugin))
    assert copy == plugin
    with pytest.raises(NotFittedError):
        copy.calibrate(torch.zeros(1, 2))


@pytest.mark.parametrize(
    ("logits", "targets", "message"),
    [
        (np.zeros((0, 3)), np.zeros(0, int), "got none"),
        (np.zeros((3, 3)), None, "no targets"),
        (np.zeros((3, 1)), np.zeros(3, int), "K >= 2"),
        (np.full((3, 3), np.nan), np.zeros(3, int), "NaN"),
        (np.zeros((3, 3)), np.array([0, 1, 3]), "0 .. 2, got 0 .. 3"),
    ],
)
def test_rows_that_cannot_be_fitted_are_refused(stream, logits, targets, message: str) -> None:
    """No rows, no targets, one class, NaN and foreign labels each get their own message."""
    with pytest.raises(DataError, match=message):
        TemperatureScaling().fit(stream(logits, targets), RNG)
