"""Weights of samples in the plugins that take them: two of a sample count as one of weight two."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

import adversity
from adversity.errors import DataError, InputError


def images(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw grey 4 x 4 images of three classes that overlap."""
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    pixels = draw.normal(0.5, 0.2, (count, 1, 4, 4))
    pixels[np.arange(count), 0, labels] += 0.15
    return torch.from_numpy(pixels.clip(0, 1).astype(np.float32)), torch.from_numpy(labels)


def answers(count: int, *shape: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw logits that are too sure of labels, which go by them half."""
    draw = np.random.default_rng(seed)
    logits = torch.from_numpy(draw.normal(0, 3, (*shape, count, 5)).astype(np.float32))
    shares = (logits.reshape(-1, count, 5).mean(0) / 2).double().softmax(1).numpy()
    return logits, torch.from_numpy((shares.cumsum(1) < draw.random((count, 1))).sum(1).clip(0, 4))


COUNTS = torch.from_numpy(np.random.default_rng(1).integers(0, 4, 240))

CONVEX: dict[str, tuple[str, dict[str, Any], float]] = {
    # The solvers stop at a gradient of 1e-4 of scikit-learn's own scale.
    "logistic_regression": ("classifier", {}, 2e-3),
    "linear_svm": ("classifier", {}, 2e-3),
    # LIBSVM stops at a tolerance of 1e-3; `gamma: scale` goes by the weighted variance.
    "rbf_svm": ("classifier", {}, 3e-3),
    # The order of additions alone differs.
    "temperature_scaling": ("uncertainty", {}, 1e-6),
    # Within 1e-7 of a flat loss, in coordinates of unit variance.
    "vector_scaling": ("uncertainty", {}, 1e-4),
    "matrix_scaling": ("uncertainty", {"off_diagonal": 1, "intercept": 1}, 1e-4),
    "dirichlet": ("uncertainty", {"off_diagonal": 1, "intercept": 1}, 1e-4),
    "beta": ("uncertainty", {}, 1e-6),
    # The order of additions alone differs.
    "histogram_binning": ("uncertainty", {}, 1e-6),
    "isotonic": ("uncertainty", {}, 1e-6),
    "bbq": ("uncertainty", {}, 1e-6),
    # A minimum, not a root, is found to 1e-8 at best.
    "ensemble_temperature": ("uncertainty", {}, 1e-6),
    # Within 1e-8 nats of the best; the weights then within 1e-4.
    "stacking": ("uncertainty", {}, 1e-3),
}


@pytest.mark.parametrize("name", CONVEX)
def test_two_of_a_row_are_one_of_weight_two(name: str) -> None:
    """And a row of weight 0 is as if it were not there: fits that have one best answer."""
    kind, parameters, limit = CONVEX[name]
    made = adversity.create(kind, name, **parameters)
    members = name in ("ensemble_temperature", "stacking")
    rows, labels = images(240) if kind == "classifier" else answers(240, *((3,) if members else ()))
    twice = (
        rows.repeat_interleave(COUNTS, dim=1 if members else 0),
        labels.repeat_interleave(COUNTS),
    )
    weighted = made.fit(rows, labels, weights=COUNTS)(rows)
    repeated = made.fit(*twice)(rows)
    alike = made.fit(rows, labels)(rows)
    assert float((weighted - repeated).abs().max()) < limit
    assert float((weighted - alike).abs().max()) > 5 * limit


def test_logistic_regression_is_that_of_scikit_learn() -> None:
    """With `sample_weight`, on the same table; the penalty stays as it is."""
    rows, labels = images(90)
    weights = np.random.default_rng(3).uniform(0.1, 5, 90)
    ours = adversity.create("classifier", "logistic_regression").fit(rows, labels, weights=weights)
    table = rows.flatten(1).double().numpy()
    theirs = LogisticRegression(max_iter=10_000).fit(table, labels.numpy(), sample_weight=weights)
    expected = torch.from_numpy(theirs.decision_function(table)).float()
    assert float((ours(rows) - expected).abs().max()) < 1e-5


@pytest.mark.parametrize("count", [2, 3], ids=["two classes", "three classes"])
def test_boosting_of_two_of_a_row_is_one_of_weight_two(count: int) -> None:
    """For the images that it learnt from, to the bit: elsewhere a tie of two splits decides.

    Where several splits part the images alike, rounding says which is taken.
    """
    rows, labels = images(240)
    labels, learnt = labels.clamp(max=count - 1), COUNTS > 0
    made = adversity.create("classifier", "gradient_boosting", rounds=20)
    weighted = made.fit(rows, labels, weights=COUNTS)(rows[learnt])
    twice = made.fit(rows.repeat_interleave(COUNTS, 0), labels.repeat_interleave(COUNTS))
    assert float((weighted - twice(rows[learnt])).abs().max()) < 1e-6
    assert float((weighted - made.fit(rows, labels)(rows[learnt])).abs().max()) > 0.05


@pytest.mark.parametrize("count", [2, 3], ids=["two classes", "three classes"])
def test_boosting_is_that_of_scikit_learn(count: int) -> None:
    """With `sample_weight`: also the shares of classes that it starts from are weighted."""
    rows, labels = images(90)
    labels = labels.clamp(max=count - 1)
    weights = np.random.default_rng(3).uniform(0.1, 5, 90)
    made = adversity.create("classifier", "gradient_boosting", rounds=3, max_depth=1)
    ours = made.fit(rows, labels, weights=weights)(rows)
    table = rows.flatten(1).numpy()
    stumps = GradientBoostingClassifier(n_estimators=3, max_depth=1, random_state=0)
    theirs = stumps.fit(table, labels.numpy(), sample_weight=weights).predict_proba(table)
    assert float((ours - torch.from_numpy(theirs)).abs().max()) < 1e-6


def test_equal_weights_are_none_to_trees() -> None:
    """To the bit, though a tenth is no float: a share is what counts."""
    rows, labels = images(90)
    for name in ("gradient_boosting", "random_forest"):
        made = adversity.create("classifier", name, **BRIEF[name])
        tenths = made.fit(rows, labels, weights=torch.full((90,), 0.1))(rows)
        assert torch.equal(made.fit(rows, labels)(rows), tenths)


BRIEF = {"gradient_boosting": {"rounds": 5}, "random_forest": {"trees": 5}}


def test_a_forest_counts_them() -> None:
    """A class of a thousandth of the weight wins nowhere, though a third of the images are of it."""
    rows, labels = images(120)
    weights = torch.where(labels == 2, 1e-3, 1.0)
    forest = adversity.create("classifier", "random_forest", trees=20, min_samples_leaf=8)
    won = forest.fit(rows, labels, weights=weights)(rows).argmax(1)
    assert not (won == 2).any()
    assert (forest.fit(rows, labels)(rows).argmax(1) == 2).sum() > 20


def test_the_temperature_is_that_of_another_search() -> None:
    """The weighted likelihood loss, minimised on a line by another program."""
    logits, labels = answers(400)
    weights = np.random.default_rng(5).uniform(0, 3, 400)

    def loss(log_temperature: float) -> float:
        rows = log_softmax(logits.double().numpy() / np.exp(log_temperature), axis=1)
        return float(-(weights * rows[np.arange(400), labels.numpy()]).sum() / weights.sum())

    found = minimize_scalar(loss, bounds=(-4, 4), method="bounded", options={"xatol": 1e-10})
    scaler = adversity.create("uncertainty", "temperature_scaling")
    probs = scaler.fit(logits, labels, weights=weights)(logits)
    expected = (logits.double() / np.exp(found.x)).softmax(1)
    assert float((probs - expected).abs().max()) < 1e-6


def test_a_network_whose_weights_are_equal_is_the_same_to_the_bit() -> None:
    """Whatever they are: a weight is a share of their mean."""
    rows, labels = images(60)
    made = adversity.create("classifier", "small_cnn", epochs=2, width=4)
    bare, *others = (
        made.fit(rows, labels, **more)(rows)
        for more in ({}, {"weights": torch.ones(60)}, {"weights": torch.full((60,), 0.1)})
    )
    assert all(torch.equal(bare, other) for other in others)


def test_a_network_learns_what_counts() -> None:
    """Each image is there twice, under a wrong label as well, which counts a thousandth."""
    rows, labels = images(90)
    both, said = torch.cat([rows, rows]), torch.cat([labels, (labels + 1) % 3])
    weights = torch.cat([torch.ones(90), torch.full((90,), 1e-3)])
    made = adversity.create("classifier", "small_cnn", epochs=25, width=8)
    right = {
        name: float((made.fit(both, said, weights=given)(rows).argmax(1) == labels).double().mean())
        for name, given in (("first", weights), ("second", weights.flip(0)))
    }
    assert right["first"] > 0.8
    assert right["second"] < 0.2


def test_weights_of_a_batch_are_not_divided_by_their_sum_there() -> None:
    """A batch of one image: divided by itself its weight would be gone."""
    rows, labels = images(12)
    made = adversity.create("classifier", "small_cnn", epochs=1, width=4, batch_size=1)
    weights = torch.linspace(0.1, 2, 12)
    bare, given = (made.fit(rows, labels, **m)(rows) for m in ({}, {"weights": weights}))
    assert not torch.equal(bare, given)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1.0] * 11, r"expected weights \[12\], one for each row, got \[11\]"),
        ([1.0] * 11 + [float("inf")], "got inf of sample '11'"),
        ([1.0] * 11 + [-1.0], "got -1 of sample '11'"),
        ([0.0] * 12, "expected a weight above 0, got 12 of 0"),
    ],
)
def test_what_is_no_weight_is_refused(weights: list[float], words: str) -> None:
    """Of another number, not finite, below 0, or none above."""
    rows, labels = images(12)
    with pytest.raises(DataError, match=words):
        adversity.create("classifier", "logistic_regression").fit(rows, labels, weights=weights)


def test_what_takes_no_weights_refuses_them() -> None:
    """They are never ignored; nor are those of another source than the first."""
    rows, labels = images(12)
    ones = torch.ones(12)
    with pytest.raises(InputError, match=r"nearest.* does not go by weights .* leave weights= out"):
        adversity.create("classifier", "nearest_neighbours").fit(rows, labels, weights=ones)
    held = {"images": rows, "labels": labels, "weights": ones}
    with pytest.raises(InputError, match="weights are of the first source, train, alone"):
        adversity.create("classifier", "small_cnn").fit(rows, labels, sources={"validate": held})
