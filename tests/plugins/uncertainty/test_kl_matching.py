"""KL matching against SciPy and pytorch-ood."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from adversity import Block, Predictive, State
from adversity.errors import DataError, NotFittedError
from adversity.metrics import auroc
from adversity_plugins.uncertainty.score.kl_matching import KLMatching


def logits_of(count: int, seed: int, *, sharp: float = 6.0) -> torch.Tensor:
    """Draw logits of four classes, one of them ahead."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(count, 4))
    logits[np.arange(count), np.arange(count) % 4] += sharp
    return torch.from_numpy(logits)


def fitted(logits: torch.Tensor, **parameters: Any) -> tuple[KLMatching, State]:
    """Fit on blocks of 37 rows, and load."""

    class Stream(list):  # type: ignore[type-arg]
        class_names = tuple("abcd")

    blocks = [Block(("",) * len(part), probs=part.softmax(1)) for part in logits.split(37)]
    plugin = KLMatching(**parameters)
    data: Any = Stream(blocks)
    state = plugin.fit(data, np.random.default_rng(0))
    plugin.load(state)
    return plugin, state


def test_as_pytorch_ood() -> None:
    """Recorded of pytorch-ood 0.4.0, KLMatching, float64, on these logits."""
    plugin, _ = fitted(logits_of(200, 0))
    found = plugin.score(Predictive(logits=logits_of(5, 1, sharp=2.0)))
    np.testing.assert_allclose(
        found,
        [0.68644700257447, 0.72744972321615, 0.73319293617362, 0.13947500756192, 0.38613474955416],
        atol=1e-12,
    )


def test_the_nearest_typical_answer_by_scipy() -> None:
    """Means of the probabilities of what is predicted as each class; the least divergence."""
    seen, asked = logits_of(300, 2, sharp=2.0), logits_of(40, 3, sharp=1.0)
    plugin, state = fitted(seen)
    probs, predicted = seen.softmax(1).numpy(), seen.argmax(1).numpy()
    typical = np.stack([probs[predicted == k].mean(0) for k in range(4)])
    np.testing.assert_allclose(state.arrays["typical"], typical, atol=1e-15)
    given = asked.softmax(1)
    apart = np.min([stats.entropy(given, one[None], axis=1) for one in typical], axis=0)
    np.testing.assert_allclose(plugin.score(Predictive(probs=given)), apart, atol=1e-12)
    wrong = np.min([stats.entropy(one[None], given, axis=1) for one in typical], axis=0)
    assert (np.abs(wrong - apart) > 1e-6).all()
    itself = plugin.score(Predictive(probs=torch.from_numpy(typical)))
    np.testing.assert_allclose(itself, 0, atol=1e-14)


def test_what_is_far_is_told_and_what_is_alike_is_not() -> None:
    """AUROC above .95 of answers of no class, .5 within .03 of others of the same kind.

    A typical answer that is the same for all classes tells less: the mean of all answers does not.
    """
    plugin, _ = fitted(logits_of(2000, 4))
    known, alike = (plugin.score(Predictive(logits=logits_of(5000, s))).numpy() for s in (5, 6))
    far = plugin.score(Predictive(logits=logits_of(5000, 7, sharp=0.0))).numpy()
    assert auroc(known, far).value > 0.95
    assert abs(auroc(known, alike).value - 0.5) < 0.03
    plugin.load(State({"typical": np.full((1, 4), 0.25)}))
    known, far = (
        plugin.score(Predictive(logits=logits_of(5000, 8, sharp=s))).numpy() for s in (6.0, 0.0)
    )
    assert auroc(known, far).value < 0.05


def test_classes_that_are_never_predicted() -> None:
    """They have no typical answer, and it is said; an excluded class counts as the floor."""
    sure = torch.tensor([[50.0, 0.0, -2000.0, 0.0], [0.0, 50.0, -2000.0, 0.0]]).double()
    plugin, state = fitted(sure, floor=1e-3)
    assert state.info["note"].startswith(
        "2 of 4 classes are predicted of none of the 2 rows to fit"
    )
    assert (state.info["n"], state.info["predicted"]) == (2, 2)
    found = plugin.score(Predictive(probs=torch.tensor([[0.0, 0.0, 1.0, 0.0]]).double()))
    assert found.item() == pytest.approx(np.log(1e3), rel=1e-12)


def test_what_is_missing_is_named() -> None:
    """Not fitted, no state, no rows, no probabilities, another number of classes."""
    rng = np.random.default_rng(0)
    with pytest.raises(
        NotFittedError, match="kl_matching expects fitted typical answers, got none"
    ):
        KLMatching().score(Predictive(probs=torch.ones(1, 4) / 4))
    with pytest.raises(DataError, match=r"expects stored typical answers \[C, K\]"):
        KLMatching().load(State())
    with pytest.raises(DataError, match="kl_matching expects rows to fit on, got none"):
        fitted(logits_of(0, 0))
    plugin, _ = fitted(logits_of(20, 0))
    with pytest.raises(DataError, match="was fitted on 4 classes, got 3: fit it on predictions"):
        plugin.score(Predictive(probs=torch.ones(1, 3) / 3))

    class Stream(list):  # type: ignore[type-arg]
        class_names = tuple("abcd")

    data: Any = Stream([Block(("a",))])
    with pytest.raises(DataError, match="kl_matching expects probabilities to fit on, got none"):
        KLMatching().fit(data, rng)
