"""What calibrators that are fitted on held-out logits share: when they leave answers alone."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

import adversity
from adversity import State
from adversity.errors import DataError, NotFittedError
from adversity.metrics import nll

NAMES = (
    "beta",
    "bbq",
    "dirichlet",
    "histogram_binning",
    "isotonic",
    "matrix_scaling",
    "vector_scaling",
)
each = pytest.mark.parametrize("name", NAMES)


def drawn(count: int, classes: int = 5, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw logits that are twice as sure as the truth, and unlike from class to class."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, classes, count)
    logits = draw.normal(0, 1, (count, classes))
    logits[np.arange(count), labels] += 1.5
    logits = 2 * logits * np.linspace(0.6, 1.4, classes) + np.linspace(-1, 1, classes)
    return torch.from_numpy(logits.astype(np.float32)), torch.from_numpy(labels)


def made(name: str, **parameters: object) -> adversity.engine.public.UncertaintyCall:
    return adversity.create("uncertainty", name, **parameters)


@each
@pytest.mark.parametrize(("count", "classes"), [(400, 2), (800, 8)])
def test_other_rows_are_likelier(name: str, count: int, classes: int) -> None:
    """Fitted on some rows, each lowers the loss of others; the numbers of the state are right."""
    calibrator = made(name).fit(*drawn(count, classes))
    logits, labels = drawn(2000, classes, seed=1)
    assert nll(calibrator(logits), labels).value < nll(logits=logits, labels=labels).value
    held, truth = drawn(count, classes)
    info = calibrator.ready.state.info
    assert info["n"] == count
    assert info["nll_before"] == pytest.approx(nll(logits=held, labels=truth).value, abs=1e-9)
    # The answer is float32.
    assert info["nll_after"] == pytest.approx(nll(calibrator(held), truth).value, abs=1e-5)
    moved = float((calibrator(held).argmax(1) != held.argmax(1)).double().mean())
    assert info["changed"] == pytest.approx(moved, abs=2 / count)
    assert (f"{info['changed']:.2%} of the answers" in info["note"]) == (info["changed"] > 0)


@each
def test_a_thousand_classes(name: str) -> None:
    """Rows of 1000 classes, many without a held-out row, sum to 1 and change for the better."""
    logits, labels = drawn(300, 1000)
    few = {"rounds": 3} if name in ("dirichlet", "matrix_scaling", "vector_scaling") else {}
    logits += 6 * torch.nn.functional.one_hot(labels, 1000)
    calibrator = made(name, **few).fit(logits, labels)
    probs = calibrator(logits[:50])
    assert (probs.double().sum(1) - 1).abs().max() < 1e-5
    info = calibrator.ready.state.info
    assert info["nll_after"] <= info["nll_before"]
    assert "classes keep their probability" in info["note"] or "left as they are" in info["note"]


@each
def test_few_rows_or_one_class_leave_the_answers_and_say_so(name: str) -> None:
    """With 99 rows, or labels of one class, the answer is the softmax, and the note says why."""
    logits, labels = drawn(300)
    cases = {
        "only 99 rows to fit on, at least 100": (logits[:99], labels[:99]),
        "all 300 rows are of one class": (logits, torch.full_like(labels, 2)),
    }
    for words, rows in cases.items():
        calibrator = made(name).fit(*rows)
        info = calibrator.ready.state.info
        assert words in info["note"]
        assert "left as they are" in info["note"]
        assert info["nll_after"] == info["nll_before"]
        assert info["changed"] == 0
        expected = logits.double().softmax(1)
        np.testing.assert_allclose(calibrator(logits), expected, atol=1e-7)
    # A hundred are enough: the answer changes.
    assert float((made(name).fit(logits[:100], labels[:100])(logits) - expected).abs().max()) > 1e-3


@each
def test_a_class_without_a_held_out_row_keeps_its_probability(name: str) -> None:
    """Class 3 of 5 has no row: its probability stays, the others share the rest, the note names it."""
    logits, labels = drawn(600)
    seen = labels != 3
    calibrator = made(name).fit(logits[seen], labels[seen])
    other, _ = drawn(200, seed=1)
    plain, probs = other.double().softmax(1), calibrator(other).double()
    np.testing.assert_allclose(probs[:, 3], plain[:, 3], atol=1e-7)
    assert (probs.sum(1) - 1).abs().max() < 1e-6
    assert (probs - plain).abs().max() > 0.01
    assert "1 of 5 classes keep their probability" in calibrator.ready.state.info["note"]
    assert calibrator.ready.state.info["note"].split(";")[0].endswith(": 3")


@each
def test_rows_of_a_class_that_keeps_everything(name: str) -> None:
    """A row that is all but sure of the class without held-out rows stays so, and sums to 1."""
    logits, labels = drawn(600)
    calibrator = made(name).fit(logits[labels != 3], labels[labels != 3])
    sure = torch.zeros(1, 5)
    sure[0, 3] = 300.0
    probs = calibrator(sure)
    assert probs[0, 3] == 1
    assert probs.sum() == 1


def test_a_loss_that_rises_leaves_the_answers() -> None:
    """One bin gives every row the class shares, a worse answer than that of good logits."""
    logits, labels = drawn(600)
    calibrator = made("histogram_binning", bins=1).fit(logits / 2, labels)
    info = calibrator.ready.state.info
    assert "gets worse" in info["note"]
    assert "left as they are" in info["note"]
    assert info["nll_after"] == info["nll_before"]
    np.testing.assert_allclose(calibrator(logits), logits.double().softmax(1), atol=1e-7)
    # What it would have been: the entropy of the labels.
    shares = torch.bincount(labels).double() / len(labels)
    worse = float(-(shares * shares.log()).sum())
    assert f"to {worse:.4f} nats" in info["note"]


@each
def test_the_likelihood_never_gets_worse(name: str) -> None:
    """In 10 draws of 120 rows, right logits and wrong ones, the loss after is at most that before."""
    for seed in range(5):
        logits, labels = drawn(120, seed=seed)
        for sharp in (0.5, 3.0):
            info = made(name).fit(sharp * logits, labels).ready.state.info
            assert info["nll_after"] <= info["nll_before"]


@each
def test_the_order_of_blocks_is_nothing(stream, name: str) -> None:
    """The stream cut into blocks of 1, 7 or 500 rows gives the same state to the last bit."""
    logits, labels = drawn(150)
    plugin = made(name).ready.plugin
    found = [
        plugin.fit(stream(logits.numpy(), labels.numpy(), rows), np.random.default_rng(0))
        for rows in (1, 7, 500)
    ]
    for other in found[1:]:
        assert other.info == found[0].info
        for array in found[0].arrays:
            np.testing.assert_array_equal(other.arrays[array], found[0].arrays[array])


@each
def test_classes_in_another_order_are_calibrated_alike(name: str) -> None:
    """Classes written backwards give the probabilities backwards (1e-4: the searches' ends)."""
    logits, labels = drawn(600)
    forth, back = made(name).fit(logits, labels), made(name).fit(logits.flip(1), 4 - labels)
    np.testing.assert_allclose(back(logits.flip(1)).flip(1), forth(logits), atol=1e-4)


@each
def test_unfitted_refuses_and_a_bad_state_or_other_classes_too(name: str) -> None:
    """Without a fit, with a state that is none, or with other classes it answers nothing."""
    plugin = made(name).ready.plugin
    with pytest.raises(NotFittedError, match="fit_on"):
        plugin.calibrate(torch.zeros(1, 2))
    for arrays in ({}, {"fitted": np.ones(3, np.uint8)}):
        with pytest.raises(DataError, match="fit it again"):
            plugin.load(State(arrays=arrays))
    fitted = made(name).fit(*drawn(200))
    state = fitted.ready.state
    broken = {
        key: np.full_like(value, np.nan) for key, value in state.arrays.items() if key != "fitted"
    }
    with pytest.raises(DataError, match="fit it again"):
        plugin.load(State({**state.arrays, **broken}))
    with pytest.raises(adversity.errors.AdversityError, match="5 classes, got 4"):
        fitted(torch.zeros(1, 4))
    copy = pickle.loads(pickle.dumps(fitted.ready.plugin))
    assert copy == fitted.ready.plugin
    with pytest.raises(NotFittedError):
        copy.calibrate(torch.zeros(1, 5))


@each
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
def test_rows_that_cannot_be_fitted_are_refused(stream, name, logits, targets, message) -> None:
    """No rows, no targets, one class, NaN and foreign labels each get their own message."""
    with pytest.raises(DataError, match=f"{name} expects.*{message}"):
        made(name).ready.plugin.fit(stream(logits, targets), np.random.default_rng(0))


@each
def test_extreme_rows_have_finite_answers(name: str) -> None:
    """Equal logits, one of 300, and all of -1e4 are answered with probabilities that sum to 1."""
    rows = torch.zeros(3, 5)
    rows[1, 2], rows[2] = 300.0, -1e4
    probs = made(name).fit(*drawn(600))(rows)
    assert probs.isfinite().all()
    assert (probs.double().sum(1) - 1).abs().max() < 1e-5
