"""Bagging and boosting against scikit-learn, on digits."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier

import adversity
from adversity.errors import DataError, InputError, NotFittedError, ParameterError, WeightsError
from adversity_plugins.classifier.ensemble.boosting import Boosting
from adversity_plugins.classifier.pixels.decision_tree import DecisionTree

GREY, LABELS = load_digits(return_X_y=True)
ORDER = np.random.default_rng(0).permutation(len(LABELS))  # they lie in the order of their writers
GREY, LABELS = GREY[ORDER], LABELS[ORDER]
IMAGES = torch.from_numpy(GREY / 16).float().view(-1, 1, 8, 8)
SEEN, NEW = slice(0, 300), slice(300, 700)
TABLE = IMAGES.flatten(1).numpy()


class WeightedTree(DecisionTree):
    """A tree that goes by weights, as scikit-learn's does."""

    name: ClassVar[str] = "weighted_tree"
    takes_weights: ClassVar[bool] = True

    def _learn(self, pixels: Any, labels: Any, weights: Any, rng: Any) -> Any:
        from adversity_plugins.classifier.pixels._tree_scores import packed

        model = DecisionTreeClassifier(max_depth=self.max_depth, random_state=0)
        shares = None if weights is None else weights / weights.sum()  # ties break by rounding
        model.fit(pixels, labels, sample_weight=shares)
        return packed([model.tree_], lambda _, value: value, np.zeros(len(model.classes_))), {}


def fitted(name: str, member: Any, **parameters: Any) -> Any:
    """Fit one on the first digits."""
    call = adversity.create("classifier", name, member=member, **parameters)
    return call.fit(IMAGES[SEEN], LABELS[SEEN])


def test_bagging_is_the_mean_of_what_was_fitted_on_each_draw() -> None:
    """scikit-learn's trees on the same rows; and its out-of-bag accuracy by hand."""
    call = fitted("bagging", WeightedTree(max_depth=4), members=6)
    state = call.ready.state
    trees = [
        DecisionTreeClassifier(max_depth=4, random_state=0).fit(TABLE[draw], LABELS[draw])
        for draw in state.arrays["draws"]
    ]
    expected = np.mean([tree.predict_proba(TABLE[NEW]) for tree in trees], axis=0)
    np.testing.assert_allclose(call(IMAGES[NEW]), expected, atol=1e-6)
    votes = np.zeros((300, 10))
    for tree, draw in zip(trees, state.arrays["draws"], strict=True):
        out = np.setdiff1d(np.arange(300), draw)
        votes[out] += tree.predict_proba(TABLE[out])
    there = votes.sum(1) > 0
    right = (votes[there].argmax(1) == LABELS[SEEN][there]).mean()
    facts = state.info["training"]
    assert facts["out_of_bag_accuracy"] == pytest.approx(right, abs=1e-12)
    assert facts["out_of_bag"] == there.sum()
    assert len({tuple(draw) for draw in state.arrays["draws"].tolist()}) == 6


def test_out_of_bag_tells_what_other_images_will_tell_and_in_bag_does_not() -> None:
    """Within 0.06 of 400 other digits, where the images that it saw say 1."""
    call = fitted("bagging", {"uses": "decision_tree"}, members=25)
    there = float((call(IMAGES[NEW]).argmax(1).numpy() == LABELS[NEW]).mean())
    seen = float((call(IMAGES[SEEN]).argmax(1).numpy() == LABELS[SEEN]).mean())
    told = call.ready.state.info["training"]["out_of_bag_accuracy"]
    assert abs(told - there) < 0.06
    assert seen > there + 0.1
    tree = adversity.create("classifier", "decision_tree").fit(IMAGES[SEEN], LABELS[SEEN])
    assert there > float((tree(IMAGES[NEW]).argmax(1).numpy() == LABELS[NEW]).mean()) + 0.05


@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_boosted_trees_are_those_of_scikit_learn(rate: float) -> None:
    """The same errors, alphas, answers, and probabilities once scaled as it scales them.

    But for two rows in a hundred: weights that were rounded otherwise break ties of leaves otherwise.
    """
    theirs = AdaBoostClassifier(
        DecisionTreeClassifier(max_depth=3, random_state=0), n_estimators=12, learning_rate=rate
    )
    theirs = boosted_by_scikit_learn(theirs)
    ours = fitted("boosting", WeightedTree(max_depth=3), members=12, learning_rate=rate)
    arrays = ours.ready.state.arrays
    np.testing.assert_allclose(arrays["errors"], theirs.estimator_errors_[:12], rtol=1e-9)
    np.testing.assert_allclose(arrays["alphas"], theirs.estimator_weights_[:12], rtol=1e-9)
    logits = ours(IMAGES[NEW]).double()
    scaled = (logits / arrays["alphas"].sum() * 10 / 81).softmax(1).numpy()
    alike = np.isclose(scaled, theirs.predict_proba(TABLE[NEW]), atol=1e-6).all(1)
    assert alike.mean() >= 0.97
    assert (logits.argmax(1).numpy() == theirs.predict(TABLE[NEW]))[alike].all()


def boosted_by_scikit_learn(model: Any) -> Any:
    """Fit scikit-learn's AdaBoost with trees that break ties alike."""
    from unittest import mock

    with mock.patch("sklearn.ensemble._base._set_random_states"):
        return model.fit(TABLE[SEEN], LABELS[SEEN])


def test_the_first_of_boosted_lines_are_the_lines_alone() -> None:
    """Weights have a mean of 1, so that a penalty is worth beside the losses what it was."""
    member = {"uses": "logistic_regression", "with": {"c": 3e-4}}
    ours = fitted("boosting", member, members=2).ready.state.arrays
    plain = adversity.create("classifier", "logistic_regression", c=3e-4)
    plain = plain.fit(IMAGES[SEEN], LABELS[SEEN]).ready.state.arrays
    np.testing.assert_allclose(ours["0.weights"], plain["weights"], atol=1e-9)
    assert not np.allclose(ours["1.weights"], plain["weights"], atol=1e-6)


def test_what_takes_no_weights_is_fitted_on_drawn_rows_and_helps() -> None:
    """Boosted by resampling, trees of depth 3 get better than one of them; the state says how."""
    call = fitted("boosting", {"uses": "decision_tree", "with": {"max_depth": 3}}, members=30)
    assert call.ready.state.info["training"]["by"] == "draws"
    one = adversity.create("classifier", "decision_tree", max_depth=3).fit(
        IMAGES[SEEN], LABELS[SEEN]
    )
    ours, alone = (
        float((each(IMAGES[NEW]).argmax(1).numpy() == LABELS[NEW]).mean()) for each in (call, one)
    )
    assert ours > alone + 0.15


def test_it_ends_where_a_member_is_right_about_all() -> None:
    """One tree of pure leaves is enough."""
    call = fitted("boosting", WeightedTree(), members=9)
    assert call.ready.state.info["training"]["ended"] == "member 1 was right about all"
    assert call.ready.state.arrays["alphas"].tolist() == [1.0]


def test_a_gradient_goes_through_bagged_lines_and_none_through_trees() -> None:
    """An attack on the mean fools it; on trees it is refused with their name."""
    call = fitted("bagging", {"uses": "logistic_regression"}, members=3)
    images = IMAGES[300:330]
    labels = call(images).argmax(1)
    found = adversity.create("attack", "pgd", eps=0.3)(adversity.target(call), images, labels)
    assert found.success.float().mean() > 0.8
    trees = fitted("bagging", {"uses": "decision_tree"}, members=2)
    with pytest.raises(InputError, match="its members, decision_tree, are not differentiable"):
        adversity.create("attack", "pgd", eps=0.3)(adversity.target(trees), images, labels)


def test_what_members_say_is_that_of_trees_on_each_draw() -> None:
    """scikit-learn's, in the order of the draws; their mean is the answer. boosting offers none."""
    call = fitted("bagging", WeightedTree(max_depth=4), members=3)
    said = call.member_probs(IMAGES[NEW])
    for draw, own in zip(call.ready.state.arrays["draws"], said, strict=True):
        tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(TABLE[draw], LABELS[draw])
        np.testing.assert_allclose(own, tree.predict_proba(TABLE[NEW]), atol=1e-6)
    np.testing.assert_allclose(call(IMAGES[NEW]), said.mean(0), atol=1e-6)
    assert (
        fitted("boosting", WeightedTree(max_depth=2), members=2).member_probs(IMAGES[NEW]) is None
    )


def test_what_cannot_be_a_member_is_refused() -> None:
    """What learns nothing, what was fitted, what needs other sources; and a state of another."""
    tree = adversity.create("classifier", "decision_tree").fit(IMAGES[SEEN], LABELS[SEEN])
    with pytest.raises(ParameterError, match="which is fitted here, got a fitted object"):
        adversity.create("classifier", "bagging", member=tree)
    resnet = {"architecture": "resnet18", "weights": "none", "crop": 32}
    given = {"uses": "torchvision", "with": resnet}
    with pytest.raises(ParameterError, match=r"expected a plugin that learns, .* does not"):
        adversity.create("classifier", "bagging", member=given)
    with pytest.raises(NotFittedError, match="has learnt nothing yet"):
        Boosting(member=WeightedTree()).logits(IMAGES[:2])
    call = fitted("boosting", WeightedTree(max_depth=3), members=2)
    other = adversity.create("classifier", "bagging", member=WeightedTree())
    with pytest.raises(WeightsError, match="the state is not one of bagging"):
        other.ready.plugin.load(call.ready.state)
    blank = torch.zeros(40, 1, 8, 8)
    with pytest.raises(DataError, match="the first one is wrong about"):
        adversity.create("classifier", "boosting", member=WeightedTree()).fit(
            blank, np.arange(40) % 2
        )


def test_fits_are_repeated_to_the_bit_and_another_seed_draws_others() -> None:
    """Draws hang on the fit's generator alone."""
    one, again, other = (
        fitted("bagging", {"uses": "decision_tree"}, members=3, seed=seed).ready.state.arrays
        for seed in (0, 0, 1)
    )
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not np.array_equal(one["draws"], other["draws"])
