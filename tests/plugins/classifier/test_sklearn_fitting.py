"""What the pixel classifiers refuse, store and lay open, and their gradients."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from adversity.contracts import Block, State
from adversity.data.arrays import read_arrays, write_arrays
from adversity.errors import DataError, NotFittedError, WeightsError
from adversity_plugins.classifier.pixels._pixel_table import rounded
from adversity_plugins.classifier.pixels.decision_tree import DecisionTree
from adversity_plugins.classifier.pixels.gradient_boosting import GradientBoosting
from adversity_plugins.classifier.pixels.linear_svm import LinearSVM
from adversity_plugins.classifier.pixels.logistic_regression import LogisticRegression
from adversity_plugins.classifier.pixels.nearest_neighbours import NearestNeighbours
from adversity_plugins.classifier.pixels.random_forest import RandomForest
from adversity_plugins.classifier.pixels.rbf_svm import RbfSVM

SMOOTH = (LogisticRegression, LinearSVM, RbfSVM)
QUICK = {RandomForest: {"trees": 4}, GradientBoosting: {"rounds": 3}}
ALL = (*SMOOTH, NearestNeighbours, DecisionTree, RandomForest, GradientBoosting)

everyone = pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.name)


def fitted(cls, stream, **parameters):
    classifier = cls(**{**QUICK.get(cls, {}), **parameters})
    classifier.setup("cpu")
    state = classifier.fit(stream, np.random.default_rng(0))
    classifier.load(state)
    return classifier, state


@pytest.fixture
def toy(stream_of, noise):
    """Thirty noisy images of three classes."""
    return stream_of(noise(30, 1, 4, 4), torch.arange(30) % 3, "abc")


@pytest.mark.parametrize("cls", SMOOTH, ids=lambda cls: cls.name)
def test_gradients_are_those_of_finite_differences(cls, toy):
    """In float64, before the rounding, the gradient agrees with central differences to 1e-6."""
    classifier, _ = fitted(cls, toy)
    rows = toy.images[:3].double().flatten(1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: classifier._scores(x)[0], rows, eps=1e-6, atol=1e-6)
    images = toy.images[:3].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(classifier.logits(images).sum(), images)
    assert gradient.dtype == torch.float32
    slopes = torch.autograd.grad(classifier._scores(rows)[0].sum(), rows)[0]
    assert torch.allclose(gradient.flatten(1).double(), slopes, rtol=1e-5, atol=1e-6)


@everyone
def test_what_cannot_be_fitted(cls, stream_of, noise):
    """One class, a class without images, no labels and several sizes each have a message."""
    images = noise(6, 1, 4, 4)
    half = torch.tensor([0, 1, 0, 1, 0, 1])
    with pytest.raises(DataError, match="at least two classes"):
        fitted(cls, stream_of(images, torch.zeros(6, dtype=torch.int64), "a"))
    with pytest.raises(DataError, match="each of 3 classes, got none of c among 6"):
        fitted(cls, stream_of(images, half, "abc"))
    with pytest.raises(DataError, match=r"got labels -1 \.\. -1"):
        fitted(cls, stream_of(images, torch.full((6,), -1), "ab"))
    with pytest.raises(DataError, match="labelled images"):
        fitted(cls, _Unlabelled(images))
    with pytest.raises(DataError, match="finite pixels"):
        fitted(cls, stream_of(images * float("nan"), half, "ab"))
    with pytest.raises(DataError, match="one size"):
        fitted(cls, _Mixed(images, noise(6, 1, 5, 5), half))


class _Unlabelled:
    class_names = ("a", "b")

    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __iter__(self):
        yield Block(ids=tuple("012345"), images=self.images)


class _Mixed(_Unlabelled):
    def __init__(self, images, others, labels):
        super().__init__(images)
        self.others, self.labels = others, labels

    def __iter__(self):
        for images in (self.images, self.others):
            yield Block(ids=tuple("012345"), images=images, targets=self.labels)


def test_more_neighbours_than_points(toy):
    """Asking more neighbours than there are images is refused with both numbers."""
    with pytest.raises(DataError, match="takes 31 neighbours, and there are 30"):
        fitted(NearestNeighbours, toy, neighbours=31)


@pytest.mark.parametrize("cls", [LogisticRegression, LinearSVM], ids=lambda cls: cls.name)
def test_a_fit_that_was_cut_short_is_refused(cls, toy):
    """Where the iterations do not suffice it is an error, not another model."""
    with pytest.raises(DataError, match="did not converge in 1 iterations"):
        fitted(cls, toy, max_iter=1, c=1000.0)


def test_equal_pixels_have_no_scale(stream_of):
    """gamma: scale divides by the pixels' variance; where it is 0 the message says so."""
    stream = stream_of(torch.full((4, 1, 2, 2), 0.25), torch.tensor([0, 1, 0, 1]), "ab")
    with pytest.raises(DataError, match=r"pixels that differ, all are 0\.25"):
        fitted(RbfSVM, stream)
    classifier, _ = fitted(RbfSVM, stream, gamma=1.0)
    assert bool(classifier.logits(stream.images).isfinite().all())


@everyone
def test_the_state_is_arrays_and_json(cls, toy, tmp_path):
    """Stored as safetensors and read back it gives the same bytes; nothing is pickled."""
    classifier, state = fitted(cls, toy)
    write_arrays(tmp_path / "state", dict(state.arrays), dict(state.info))
    other = cls(**QUICK.get(cls, {}))
    other.setup("cpu")
    other.load(State(*read_arrays(tmp_path / "state")))
    with torch.no_grad():
        assert torch.equal(other.logits(toy.images), classifier.logits(toy.images))
    assert other.describe() == classifier.describe()


@everyone
def test_a_foreign_state_is_refused(cls, toy):
    """A state of another classifier, or with arrays missing, is a WeightsError."""
    _, state = fitted(cls, toy)
    fresh = cls(**QUICK.get(cls, {}))
    fresh.setup("cpu")
    with pytest.raises(NotFittedError, match="fit_on"):
        fresh.logits(toy.images)
    with pytest.raises(NotFittedError):
        fresh.structure() if cls is not RbfSVM else fresh.class_names
    for arrays, info in (({}, state.info), (state.arrays, {**state.info, "classifier": "other"})):
        with pytest.raises(WeightsError, match=f"not one of {cls.name}"):
            fresh.load(State(arrays, info))


def test_a_tree_that_never_ends_is_refused(toy):
    """A node that is its own child would be walked for ever; the state is refused."""
    _, state = fitted(DecisionTree, toy)
    left = state.arrays["left"].copy()
    left[0] = 0
    tree = DecisionTree()
    tree.setup("cpu")
    with pytest.raises(WeightsError, match="does not come after it"):
        tree.load(State({**state.arrays, "left": left}, state.info))


@everyone
def test_fitting_keeps_global_state_and_is_repeatable(cls, toy):
    """The same generator gives the same bytes, and NumPy's global state is left alone."""
    before = np.random.get_state()[1].copy()  # noqa: NPY002  (the old global state)
    first, again = fitted(cls, toy)[1], fitted(cls, toy)[1]
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert {k: v.tobytes() for k, v in first.arrays.items()} == {
        k: v.tobytes() for k, v in again.arrays.items()
    }


@pytest.mark.parametrize("cls", [RandomForest, DecisionTree], ids=lambda cls: cls.name)
def test_the_seed_counts(cls, toy):
    """Another generator grows another forest."""
    states = []
    for seed in range(4):
        classifier = cls(**QUICK.get(cls, {}))
        states.append(classifier.fit(toy, np.random.default_rng(seed)))
    assert len({state.arrays["feature"].tobytes() for state in states}) > 1


@pytest.mark.parametrize("classes", ["ab", "abc"])
@everyone
def test_the_structure_decides_as_the_classifier(cls, stream_of, noise, classes):
    """Linear scores, trees and points, evaluated by a plain loop, give the same classes."""
    images, labels = noise(40, 1, 3, 3), torch.arange(40) % len(classes)
    classifier, _ = fitted(cls, stream_of(images, labels, classes))
    structure = classifier.structure()
    if cls is RbfSVM:
        assert structure is None
        return
    fresh = noise(90, 1, 3, 3)[40:]
    with torch.no_grad():
        answers = classifier.logits(fresh).argmax(1).tolist()
    assert [_decide(structure, row) for row in fresh.flatten(1).numpy()] == answers


def _decide(structure, row):
    if hasattr(structure, "weights"):
        return int((structure.weights @ row.astype(np.float64) + structure.bias).argmax())
    if hasattr(structure, "points"):
        squares = ((structure.points - row) ** 2).sum(1)
        return int(structure.labels[squares.argmin()])
    scores = structure.base.copy()
    for tree in structure.trees:
        node = 0
        while tree.feature[node] >= 0:
            below = float(row[tree.feature[node]]) <= float(tree.threshold[node])
            node = (tree.left if below else tree.right)[node]
        scores = scores + tree.value[node]
    return int(scores.argmax())


def test_rounding_keeps_the_winner_and_the_gradient():
    """Scores closer than float32 can tell keep their order; the plain rounding loses it."""
    scores = torch.tensor([[5.0, 5.0 + 1e-13, 1.0], [2.0, 1.0, 2.0]], dtype=torch.float64)
    scores.requires_grad_()
    found = rounded(scores, scores)
    assert found.argmax(1).tolist() == [1, 0]
    assert scores.float().argmax(1).tolist() == [0, 0]
    assert float((found.detach().double() - scores.detach()).abs().max()) < 1e-6
    (gradient,) = torch.autograd.grad(found.sum(), scores)
    assert torch.equal(gradient, torch.ones_like(scores))


def test_sizes_and_channels(toy, noise, stream_of):
    """Other sizes are resized, grey is repeated for colour, colour is refused by grey."""
    grey, _ = fitted(LogisticRegression, toy)
    with torch.no_grad():
        assert grey.logits(noise(2, 1, 9, 7)).shape == (2, 3)
        with pytest.raises(DataError, match="fitted on grey images, got 3 channels"):
            grey.logits(noise(2, 3, 4, 4))
        colour, _ = fitted(
            LogisticRegression, stream_of(noise(4, 3, 4, 4), torch.tensor([0, 1, 0, 1]), "ab")
        )
        plain = noise(1, 1, 4, 4)
        assert torch.equal(colour.logits(plain), colour.logits(plain.repeat(1, 3, 1, 1)))


def test_listing_classifiers_imports_no_scientific_library():
    """The catalogue of classifiers and the attack's file import no torch, sklearn or scipy."""
    code = (
        "import sys, adversity_plugins.classifier as kind, adversity_plugins.attack.exact.exact;"
        "kind.adversity_classifiers();"
        "print(sorted({'torch', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
