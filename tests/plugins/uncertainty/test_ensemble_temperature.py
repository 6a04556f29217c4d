"""One temperature of all members: against another search, and its promises."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import softmax

import adversity
from adversity import Block, State
from adversity.errors import DataError, NotFittedError
from adversity_plugins.uncertainty.ensemble.ensemble_temperature import EnsembleTemperature


def drawn(count: int = 400, members: int = 3, sharp: float = 3.0, seed: int = 0):
    """Draw members' logits `[M, N, 4]` that are too sure, each in its own way, and labels."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 4, count)
    logits = draw.normal(0, 1, (members, count, 4))
    logits[:, np.arange(count), labels] += 1
    return torch.from_numpy(np.float32(sharp * logits)), torch.from_numpy(labels)


def fitted(logits: torch.Tensor, labels: torch.Tensor, **more: object):
    return adversity.create("uncertainty", "ensemble_temperature").fit(logits, labels, **more)


@pytest.mark.parametrize("sharp", [0.1, 1.0, 20.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_mean_under_it_is_the_likeliest(sharp: float, weighted: bool) -> None:
    """Brent's search on the loss of the mean of softmax(z / T) finds the same T (1e-4).

    The temperature that is best for members one by one, or behind their mean, is another.
    """
    logits, labels = drawn(sharp=sharp)
    z, y = logits.double().numpy(), labels.numpy()
    weights = np.random.default_rng(1).uniform(0.2, 3, len(y)) if weighted else np.ones(len(y))

    def loss(log_t: float, *, each: bool = False, behind: bool = False) -> float:
        if behind:
            rows = softmax(np.log(softmax(z, axis=2).mean(0)) / np.exp(log_t), axis=1)
        else:
            rows = softmax(z / np.exp(log_t), axis=2)
            if each:
                picked = np.log(rows[:, np.arange(len(y)), y]).mean(0)
                return -float(np.average(picked, weights=weights))
            rows = rows.mean(0)
        return -float(np.average(np.log(rows[np.arange(len(y)), y]), weights=weights))

    def best(**kind: bool) -> float:
        centre = np.log(sharp)
        options = {"xatol": 1e-10}
        bounds = (centre - 3, centre + 3)
        return float(
            np.exp(minimize_scalar(lambda t: loss(t, **kind), bounds=bounds, options=options).x)
        )

    info = fitted(logits, labels, weights=weights if weighted else None).ready.state.info
    # Members' probabilities are float32 in a table, and of 20-fold logits all but 0 or 1.
    assert info["temperature"] == pytest.approx(best(), rel=1e-4)
    assert info["nll_after"] == pytest.approx(loss(np.log(best())), abs=1e-6)
    assert info["nll_after"] <= info["nll_before"]
    for twin in ("each", "behind"):
        assert abs(best(**{twin: True}) / best() - 1) > 0.01


def test_one_member_is_temperature_scaling() -> None:
    """The temperature of one member is that which `temperature_scaling` finds (1e-4)."""
    logits, labels = drawn(members=1)
    single = adversity.create("uncertainty", "temperature_scaling").fit(logits[0], labels)
    expected = single.ready.state.info["temperature"]
    found = fitted(logits, labels)
    assert found.ready.state.info["temperature"] == pytest.approx(expected, rel=1e-4)
    np.testing.assert_allclose(found(logits), single(logits[0]), atol=1e-4)


def test_answers_that_change_are_counted() -> None:
    """Where members disagree the mean under a temperature may be for another class."""
    logits, labels = drawn()
    found = fitted(logits, labels)
    before = logits.double().softmax(2).mean(0).argmax(1)
    moved = float((found(logits).argmax(1) != before).double().mean())
    info = found.ready.state.info
    assert 0 < info["changed"] == pytest.approx(moved, abs=1 / 400)
    assert f"{info['changed']:.2%} of the answers" in info["note"]


def test_what_cannot_be_fitted_is_left_and_said() -> None:
    """Few rows, and rows that every member has right, leave T = 1 with a note."""
    logits, labels = drawn()
    right = 5 * torch.nn.functional.one_hot(labels, 4).float().expand(3, -1, -1)
    cases = {"only 99 rows": (logits[:, :99], labels[:99]), "1/1000 or below": (right, labels)}
    for words, rows in cases.items():
        info = fitted(*rows).ready.state.info
        assert info["temperature"] == 1
        assert words in info["note"]
        assert info["nll_after"] == info["nll_before"]


def test_a_class_that_a_member_excludes_stays_excluded() -> None:
    """p = 0 stays 0, the gradient is finite, and passes a check against differences."""
    plugin = EnsembleTemperature()
    plugin.load(State({"temperature": np.array([50.0])}))
    members = torch.tensor([[[0.0, 0.3, 0.7]], [[0.0, 0.9, 0.1]]], dtype=torch.float64)
    assert plugin.combine(members)[0, 0] == 0
    assert plugin.combine(members).sum() == pytest.approx(1, abs=1e-12)
    inside = torch.rand(2, 3, 4, generator=torch.Generator().manual_seed(0)).double() + 0.1
    assert torch.autograd.gradcheck(plugin.combine, inside.requires_grad_())
    members.requires_grad_()
    plugin.combine(members).square().sum().backward()
    assert members.grad.isfinite().all()


def test_unfitted_refuses_and_bad_states_and_rows_too() -> None:
    """Each gets a message that says what to do."""
    plugin = EnsembleTemperature()
    with pytest.raises(NotFittedError, match="fit_on"):
        plugin.combine(torch.zeros(1, 1, 2))
    for arrays in ({}, {"temperature": np.array([0.0])}, {"temperature": np.array([np.nan])}):
        with pytest.raises(DataError, match="fit it again"):
            plugin.load(State(arrays))
    rng = np.random.default_rng(0)
    never = torch.zeros(2, 3, 2, dtype=torch.float64)
    for data, words in (
        ([], "got none"),
        ([Block(ids=("a",), targets=torch.zeros(1, dtype=torch.int64))], "no members"),
        ([Block(ids=("a",), members=never)], "no targets"),
        (
            [Block(ids=("a",), members=never, targets=torch.zeros(3, dtype=torch.int64))],
            "right labels",
        ),
    ):
        with pytest.raises(DataError, match=words):
            plugin.fit(data, rng)
