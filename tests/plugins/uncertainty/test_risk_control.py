"""Accepted answers keep their risk as often as is promised, which a plug-in threshold does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

import adversity
from adversity import Block
from adversity.errors import DataError, ParameterError
from adversity_plugins.uncertainty.decision._risk_tests import (
    candidates,
    first_count,
    last_proved,
    p_value,
)

RISK, DELTA = 0.1, 0.1
SLOPE = 0.4
"""An answer of score s is wrong with a chance of SLOPE s: up to t the risk is SLOPE t / 2."""


def made(**parameters: Any) -> Any:
    return adversity.create("uncertainty", "risk_control", **{"score": "max_softmax", **parameters})


def logits_of(scores: Any) -> torch.Tensor:
    """Return logits of two classes whose largest probability is 1 - score / 2."""
    first = 1 - torch.as_tensor(scores).double() / 2
    return torch.stack([first, 1 - first], 1).log()


def drawn(rng: np.random.Generator, n: int) -> tuple[np.ndarray[Any, Any], torch.Tensor]:
    """Draw scores from 0 to 1, and labels: 0 where the answer, always the first class, is right."""
    scores = rng.random(n)
    return scores, torch.from_numpy((rng.random(n) < SLOPE * scores).astype(np.int64))


def test_the_risk_is_kept_in_all_but_delta_of_1000_draws() -> None:
    """And the plug-in threshold, the largest with so few errors held out, breaks it half the time."""
    plugin = made(risk=RISK, delta=DELTA).ready.plugin
    broken = plugged = refused = 0
    accepts = []
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        scores, labels = drawn(rng, 500)
        probs = logits_of(scores).softmax(1)
        block = Block(tuple(map(str, range(500))), targets=labels, probs=probs)
        order = np.argsort(scores)
        errors = labels.numpy()[order].cumsum()
        kept = np.flatnonzero(errors <= RISK * np.arange(1, 501))
        plugged += bool(len(kept) and SLOPE * scores[order][kept[-1]] / 2 > RISK)
        try:
            state = plugin.fit([block], rng)
        except DataError:
            refused += 1
            continue
        largest = 2 * float(state.arrays["threshold"][0])  # max_softmax is half of the score
        broken += SLOPE * largest / 2 > RISK
        accepts.append(largest)
    # One that is broken in 10 % of draws is broken in 126 or more of 1000 once in 200 tries.
    assert broken <= stats.binom.ppf(0.995, 1000, DELTA)
    assert plugged > 400
    # It is no empty promise: half of the answers have the risk, and most draws prove some of them.
    assert refused < 500
    assert np.mean(accepts) > 0.25


def test_without_tests_in_a_fixed_order_the_promise_breaks() -> None:
    """The twin: the laxest of 50 thresholds that pass a test each, whichever, breaks it too often.

    All answers are wrong with a chance that is just above the risk, so that no threshold keeps it.
    """
    in_order = laxest = 0
    for seed in range(500):
        rng = np.random.default_rng(seed)
        scores, wrong = rng.random(1000), rng.random(1000) < RISK + 1e-6
        found = candidates(rng.random(100), 0.1, 50)
        proved, _ = last_proved(found, scores, wrong, risk=RISK, delta=DELTA)
        in_order += proved is not None
        laxest += any(
            p_value(int(wrong[scores <= t].sum()), int((scores <= t).sum()), RISK) <= DELTA
            for t in found
        )
    assert in_order <= stats.binom.ppf(0.995, 500, DELTA)
    assert laxest > stats.binom.ppf(0.9999, 500, DELTA)


def test_p_values_are_exact() -> None:
    """Those of Clopper and Pearson: the upper end of their interval is the risk where p is delta."""
    for wrong, accepted in ((0, 29), (3, 80), (40, 500)):
        upper = stats.beta.ppf(1 - DELTA, wrong + 1, accepted - wrong)
        assert p_value(wrong, accepted, upper) == pytest.approx(DELTA, abs=1e-12)
    assert p_value(0, 0, 0.1) == 1
    count = first_count(0.1, 0.05)
    assert stats.binom.cdf(int(count * 0.05), count, 0.1) <= 0.05


def test_thresholds_stop_at_the_first_that_is_not_proved() -> None:
    """By hand: 40 right answers, 20 wrong ones, then 1000 right: what comes later counts nothing."""
    scores = np.repeat([0.1, 0.2, 0.3], [40, 20, 1000])
    wrong = scores == 0.2
    proved, last = last_proved([0.1, 0.2, 0.3], scores, wrong, risk=0.1, delta=0.05)
    assert proved is not None
    assert (proved.threshold, proved.accepted, proved.wrong) == (0.1, 40, 0)
    assert proved.p == pytest.approx(0.9**40)
    assert (last.threshold, last.accepted, last.wrong) == (0.2, 60, 20)
    assert p_value(20, 1060, 0.1) < 0.05, "the third alone would pass"
    assert last_proved([0.2], scores, wrong, risk=0.1, delta=0.05)[0] is None
    assert candidates(np.arange(1.0, 11.0), 0.3, 3) == [3.0, 7.0, 10.0]
    assert candidates(np.ones(10), 0.3, 3) == [1.0]
    assert candidates(np.arange(1.0, 11.0), 2.0, 3) == [10.0]


def test_what_is_accepted_is_what_the_state_says() -> None:
    """The note, the counts, the decision, and the margin that attacks go by."""
    scores, labels = drawn(np.random.default_rng(3), 2000)
    logits = logits_of(scores).float()
    method = made(risk=RISK, delta=DELTA).fit(logits, labels)
    info = method.ready.state.info
    assert info["n"] == 2000
    assert info["n_tested"] == 1600
    assert info["p"] == pytest.approx(stats.binom.cdf(info["wrong"], info["accepted"], RISK))
    assert info["p"] <= DELTA
    assert info["note"].startswith(f"accepts {info['accepted']:,} of 1,600 held-out answers")
    accepted = method(logits)
    threshold = 2 * float(method.ready.state.arrays["threshold"][0])
    assert accepted.tolist() == (scores <= threshold + 1e-6).tolist()
    assert float(accepted.double().mean()) == pytest.approx(info["accepted"] / 1600, abs=0.05)


def test_where_nothing_is_proved_it_refuses_in_one_sentence() -> None:
    """Too many errors, too few rows, and bad input."""
    logits = logits_of(np.linspace(0, 1, 400)).float()
    with pytest.raises(
        DataError, match=r"risk of at most 0.05 with certainty 0.95, got none: of 320"
    ):
        made().fit(logits, torch.arange(400) % 2)
    with pytest.raises(DataError, match="got none: of 16 held-out answers that test, 0 of the"):
        made().fit(logits[:20], torch.zeros(20).long())
    with pytest.raises(ParameterError, match="delta"):
        made(delta=0)
    with pytest.raises(ParameterError, match="expected a score of one answer"):
        made(score="mutual_information")
    with pytest.raises(DataError, match="got no targets"):
        made().ready.plugin.fit([Block(("a",), probs=torch.ones(1, 1))], np.random.default_rng(0))
