"""What the pixel classifiers answer is what scikit-learn answers, on digits and on noise.

Tolerance 1e-6: float32 rounding of values up to about 10. Predictions are equal, all of them.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression as SkLogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from adversity_plugins.classifier.pixels._pixel_table import seed_of
from adversity_plugins.classifier.pixels.decision_tree import DecisionTree
from adversity_plugins.classifier.pixels.gradient_boosting import GradientBoosting
from adversity_plugins.classifier.pixels.linear_svm import LinearSVM
from adversity_plugins.classifier.pixels.logistic_regression import LogisticRegression
from adversity_plugins.classifier.pixels.nearest_neighbours import NearestNeighbours
from adversity_plugins.classifier.pixels.random_forest import RandomForest
from adversity_plugins.classifier.pixels.rbf_svm import RbfSVM

ROUNDING = 1e-6


def _fitted(cls, stream, **parameters):
    classifier = cls(**parameters)
    classifier.setup("cpu")
    classifier.load(classifier.fit(stream, np.random.default_rng(3)))
    return classifier


def _table(images):
    return images.flatten(1).numpy().astype(np.float64)


def _answers(classifier, images):
    with torch.no_grad():
        return classifier.logits(images).numpy()


@pytest.fixture(params=["digits", "two digits", "noise", "three levels"])
def streams(request, digits, stream_of):
    """Training and test rows: ten and two classes, noise, and pixels of three values (ties)."""
    if "digits" in request.param:
        train, test = digits("train", 150), digits("test", 150)
        if request.param == "digits":
            return train, test
        return tuple(
            stream_of(s.images[s.targets < 2], s.targets[s.targets < 2], "01")
            for s in (train, test)
        )
    draw = np.random.default_rng(5)
    images = draw.random((160, 1, 4, 4), dtype=np.float32)
    if request.param == "three levels":
        images = np.floor(3 * images) / 2
    labels = torch.from_numpy(np.arange(160) % 3)
    images = torch.from_numpy(images)
    return stream_of(images[:80], labels[:80], "abc"), stream_of(images[80:], labels[80:], "abc")


def _same_predictions(answers, model, images):
    assert np.array_equal(answers.argmax(1), model.predict(_table(images)).astype(int))


def test_logistic_regression(streams):
    """Logits are the decision function, their softmax is `predict_proba`."""
    train, test = streams
    model = SkLogisticRegression(max_iter=10_000).fit(_table(train.images), train.targets.numpy())
    answers = _answers(_fitted(LogisticRegression, train), test.images)
    scores = model.decision_function(_table(test.images))
    if scores.ndim == 1:
        scores = np.stack([np.zeros_like(scores), scores], 1)
    assert np.abs(answers - scores).max() <= ROUNDING * max(1, np.abs(scores).max())
    probs = torch.from_numpy(answers).double().softmax(1).numpy()
    assert np.abs(probs - model.predict_proba(_table(test.images))).max() <= ROUNDING
    _same_predictions(answers, model, test.images)


def test_linear_svm(streams):
    """Logits are the decision function of one class against the rest."""
    train, test = streams
    model = LinearSVC(max_iter=10_000, dual=False).fit(_table(train.images), train.targets.numpy())
    answers = _answers(_fitted(LinearSVM, train), test.images)
    scores = model.decision_function(_table(test.images))
    if scores.ndim == 1:
        scores = np.stack([-scores, scores], 1)
    assert np.abs(answers - scores).max() <= ROUNDING * max(1, np.abs(scores).max())
    _same_predictions(answers, model, test.images)


@pytest.mark.parametrize("gamma", ["scale", 0.5])
def test_rbf_svm(streams, gamma):
    """Each logit is the decision function of `SVC` for its class against the rest."""
    train, test = streams
    answers = _answers(_fitted(RbfSVM, train, gamma=gamma), test.images)
    for k in range(len(train.class_names)):
        model = SVC(gamma=gamma).fit(_table(train.images), train.targets.numpy() == k)
        scores = model.decision_function(_table(test.images))
        # Two machines of one problem, sides exchanged: LIBSVM stops within 1e-3 of the optimum.
        close = 1e-3 if len(train.class_names) == 2 and k == 0 else ROUNDING
        assert np.abs(answers[:, k] - scores).max() <= close
    if len(train.class_names) == 2:
        _same_predictions(answers, model, test.images)


@pytest.mark.parametrize("neighbours", [1, 4, 7])
def test_nearest_neighbours(streams, neighbours):
    """Shares and predictions are those of brute-force search.

    Where the last voter and the first non-voter are equally far, scikit-learn documents no
    order (its heap keeps either); there the rule is ours: the earlier point votes. One
    neighbour is the first of equals in both.
    """
    train, test = streams
    rows, points, labels = _table(test.images), _table(train.images), train.targets.numpy()
    model = KNeighborsClassifier(neighbours, algorithm="brute").fit(points, labels)
    answers = _answers(_fitted(NearestNeighbours, train, neighbours=neighbours), test.images)
    squares = np.stack([((points - row) ** 2).sum(1) for row in rows])
    ranked = np.sort(squares, axis=1)
    open_to_choice = ranked[:, neighbours - 1] == ranked[:, neighbours]
    decided = ~open_to_choice if neighbours > 1 else np.ones(len(rows), dtype=bool)
    assert np.abs(answers - model.predict_proba(rows))[decided].max() <= ROUNDING
    assert np.array_equal(answers.argmax(1)[decided], model.predict(rows)[decided])
    for k in np.flatnonzero(open_to_choice):
        voters = sorted(range(len(points)), key=lambda n, k=k: (squares[k, n], n))[:neighbours]
        shares = np.bincount(labels[voters], minlength=len(train.class_names)) / neighbours
        assert np.abs(answers[k] - shares).max() <= ROUNDING


@pytest.mark.parametrize("max_depth", [None, 3])
def test_decision_tree(streams, max_depth):
    """Shares of the leaf and predictions are those of the same tree, which has the same seed."""
    train, test = streams
    seed = seed_of(np.random.default_rng(3))
    model = DecisionTreeClassifier(max_depth=max_depth, random_state=seed)
    model.fit(_table(train.images), train.targets.numpy())
    answers = _answers(_fitted(DecisionTree, train, max_depth=max_depth), test.images)
    assert np.abs(answers - model.predict_proba(_table(test.images))).max() <= ROUNDING
    _same_predictions(answers, model, test.images)


@pytest.mark.parametrize("max_depth", [None, 3])
def test_random_forest(streams, max_depth):
    """Mean shares and predictions are those of the same forest; equal shares occur."""
    train, test = streams
    seed = seed_of(np.random.default_rng(3))
    model = RandomForestClassifier(10, max_depth=max_depth, random_state=seed)
    model.fit(_table(train.images), train.targets.numpy())
    answers = _answers(_fitted(RandomForest, train, trees=10, max_depth=max_depth), test.images)
    assert np.abs(answers - model.predict_proba(_table(test.images))).max() <= ROUNDING
    _same_predictions(answers, model, test.images)


def test_gradient_boosting(streams):
    """Probabilities and predictions are those of the same boosting."""
    train, test = streams
    seed = seed_of(np.random.default_rng(3))
    model = GradientBoostingClassifier(n_estimators=4, max_depth=2, random_state=seed)
    model.fit(_table(train.images), train.targets.numpy())
    classifier = _fitted(GradientBoosting, train, rounds=4, max_depth=2)
    answers = _answers(classifier, test.images)
    assert np.abs(answers - model.predict_proba(_table(test.images))).max() <= ROUNDING
    _same_predictions(answers, model, test.images)


def test_thresholds_are_compared_as_scikit_learn_compares_them(stream_of):
    """Float32 values around a float64 threshold go to scikit-learn's side, each of them.

    The two training values are an odd number of float32 steps apart, so that the threshold
    half-way is no float32. The twin, which rounds thresholds to float32, sends values to the
    other side.
    """
    wrong = 0
    for start in (0.26, 0.3, 0.33, 0.41, 0.47):
        steps = np.float32(start) + np.arange(8, dtype=np.float32) * np.spacing(np.float32(start))
        pixels = torch.from_numpy(steps[[1, 6] * 10]).view(-1, 1, 1, 1)
        labels = torch.tensor([0, 1] * 10)
        classifier = _fitted(DecisionTree, stream_of(pixels, labels, "ab"))
        model = DecisionTreeClassifier().fit(pixels.flatten(1).numpy(), labels.numpy())
        expected = model.predict(steps[:, None])
        answers = _answers(classifier, torch.from_numpy(steps).view(-1, 1, 1, 1)).argmax(1)
        assert np.array_equal(answers, expected)
        assert set(expected.tolist()) == {0, 1}
        twin = steps > np.float32(classifier.structure().trees[0].threshold[0])
        wrong += int((twin != expected).sum())
    assert wrong > 0


@pytest.mark.slow
def test_digits_are_learnt(digits):
    """On digits each is right as often as scikit-learn's own model of the kind, within chance.

    Floors five points under what scikit-learn reaches with the same settings (0.91 linear,
    0.79 tree, 0.93 forest, 0.96 one neighbour, 0.97 RBF).
    """
    train, test = digits("train"), digits("test")
    floors = {
        LogisticRegression: 0.86,
        LinearSVM: 0.86,
        DecisionTree: 0.74,
        RandomForest: 0.88,
        NearestNeighbours: 0.91,
        RbfSVM: 0.92,
    }
    for cls, floor in floors.items():
        answers = _answers(_fitted(cls, train), test.images)
        right = (torch.from_numpy(answers).argmax(1) == test.targets).double().mean()
        assert float(right) >= floor, cls.name
