"""A threshold on a score against the exact law of what it accepts, and against counting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

import adversity
from adversity import State
from adversity.errors import DataError, InputError, NotFittedError, ParameterError


def logits_of(scores: Any) -> torch.Tensor:
    """Return logits of two classes whose largest probability is 1 - score / 2."""
    first = 1 - torch.as_tensor(scores).double() / 2
    return torch.stack([first, 1 - first], 1).log().float()


def made(**parameters: Any) -> Any:
    return adversity.create("uncertainty", "threshold", **{"score": "max_softmax", **parameters})


@pytest.mark.parametrize(("rejects", "n"), [(0.1, 99), (0.25, 30)])
def test_what_is_accepted_has_its_exact_law(rejects: float, n: int) -> None:
    """Over 200 splits the number of accepted answers is beta-binomial, as scores have no ties."""
    rng, tests = np.random.default_rng(5), 200
    accepted = []
    for _ in range(200):
        method = made(rejects=rejects).fit(logits_of(rng.random(n)), [0] * n)
        accepted.append(int(method(logits_of(rng.random(tests))).sum()))
    missing = math.floor((n + 1) * rejects)
    law = stats.betabinom(tests, n + 1 - missing, missing)
    edges = np.unique(law.ppf(np.linspace(0, 1, 11)[1:-1]))
    cells = np.diff(np.concatenate([[0], law.cdf(edges), [1]])) * len(accepted)
    seen = np.bincount(np.searchsorted(edges, accepted), minlength=len(cells))
    # A sample of this law is rejected once in 10 000.
    assert stats.chisquare(seen, cells).pvalue > 1e-4
    assert law.mean() / tests >= 1 - rejects


def test_by_hand() -> None:
    """Of nine scores .1 to .9 and rejects .2 the eighth counts: .8 is accepted, .81 is not."""
    held = logits_of(torch.arange(1, 10) / 10)
    method = made(rejects=0.2).fit(held, [0] * 9)
    assert method(held).tolist() == [True] * 8 + [False]
    assert method(logits_of([0.81])).tolist() == [False]
    assert method(held).dtype == torch.bool


def test_of_right_counts_right_answers_alone() -> None:
    """Wrong ones that are far surer, or less sure, move nothing: a rate of false rejections."""
    held, labels = logits_of(torch.arange(1, 10) / 10), [0] * 9
    more = logits_of([0.001] * 5 + [0.95] * 5)
    some, all_ = (made(rejects=0.2, of=of) for of in ("right", "all"))
    both, marked = torch.cat([held, more]), labels + [1] * 10
    assert some.fit(both, marked)(held).tolist() == [True] * 8 + [False]
    assert all_.fit(both, marked)(held).all()


def test_another_score_gives_another_order() -> None:
    """The same rows by entropy and by the largest probability, against sorting."""
    logits = torch.randn(60, 5, generator=torch.Generator().manual_seed(2)) * 2
    probs = logits.double().softmax(1)
    orders = {"max_softmax": -probs.amax(1), "entropy": -(probs * probs.log()).sum(1)}
    found = {}
    for name, order in orders.items():
        found[name] = made(score=name, rejects=0.5).fit(logits, [0] * 60)(logits)
        rank = math.ceil(61 * 0.5)
        assert torch.equal(found[name].nonzero().flatten(), order.argsort()[:rank].sort().values)
    assert not torch.equal(*found.values())


def test_ties_are_accepted_together() -> None:
    """Where all scores are alike every answer is accepted."""
    logits = torch.tensor([[0.3, 0.0]] * 20)
    assert bool(made(rejects=0.5).fit(logits, [0] * 20)(logits).all())


def test_too_few_rows_accept_all_and_say_so() -> None:
    """rejects = 0.1 needs nine rows."""
    for n, note in ((8, "only 8 answers to fit on, rejects = 0.1 needs at least 9"), (9, "")):
        method = made(rejects=0.1).fit(logits_of([0.1] * n), [0] * n)
        assert method.ready.state.info["note"].startswith(note)
        assert bool(method.ready.state.info["note"]) == bool(note)
        assert bool(method(logits_of([0.9]))[0]) == bool(note)


def test_bad_input_is_refused() -> None:
    """An unfitted one, no rows, a stored nothing, and scores that go by more than one answer."""
    logits = logits_of([0.1, 0.2])
    with pytest.raises(NotFittedError, match="must be fitted first"):
        made()(logits)
    with pytest.raises(DataError, match="expects answers to fit on, got none"):
        made(of="right").fit(logits, [1, 1])
    for wrong in ("mutual_information", "deep_ensemble"):
        with pytest.raises((InputError, ParameterError), match="expected a score of one answer"):
            made(score=wrong)
    with pytest.raises(ParameterError, match="rejects"):
        made(rejects=1)
    with pytest.raises(DataError, match="expects a stored number"):
        made().ready.plugin.load(State())
