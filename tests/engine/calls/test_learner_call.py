"""A plugin that another one fits: the rows it sees, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch

import adversity
from adversity.engine.calls.learner_call import ChosenRows, LearnerCall
from adversity.engine.calls.set_up import set_up
from adversity.engine.public.in_memory import TensorRows
from adversity.errors import InputError
from adversity_plugins.classifier.ensemble.bagging import Bagging
from adversity_plugins.classifier.pixels.decision_tree import DecisionTree
from adversity_plugins.classifier.pixels.logistic_regression import LogisticRegression

COUNT = 150
IMAGES = torch.rand(COUNT, 1, 4, 4, generator=torch.Generator().manual_seed(0))
DATA = TensorRows(torch.arange(COUNT) % 2, ("a", "b"), images=IMAGES)


def ready(plugin: Any) -> Any:
    """Set it up."""
    return set_up(plugin, f'classifier "{plugin.name}"', "cpu")


def learner(plugin: Any) -> LearnerCall:
    """Return its call, as the outer plugin gets it."""
    return LearnerCall(lambda state=None: set_up(plugin, "inner", "cpu", state=state))


def test_rows_come_in_their_order_and_as_often_as_they_are_named() -> None:
    """Over blocks of 64, of which one has none of them; ids and weights come along."""
    rows = np.array([0, 3, 3, 140, 149])
    weights = np.zeros(COUNT)
    weights[[0, 3, 149]] = 1, 2, 0.5
    for given, places in ((None, rows), (weights, rows[[0, 1, 2, 4]])):
        chosen = ChosenRows(DATA, rows, given, ready(LogisticRegression()))
        for blocks in (list(chosen), list(chosen.epoch(2))):
            images = torch.cat([block.images for block in blocks if block.images is not None])
            targets = torch.cat([block.targets for block in blocks if block.targets is not None])
            assert torch.equal(images, IMAGES[places])
            assert torch.equal(targets, torch.from_numpy(places) % 2)
            assert [i for block in blocks for i in block.ids] == [str(i) for i in places]
            got = [block.weights for block in blocks]
            if given is None:
                assert got == [None] * len(blocks)
            else:
                assert torch.cat([w for w in got if w is not None]).tolist() == [1, 2, 2, 0.5]
        assert len(chosen) == len(places)
        assert chosen.class_names == ("a", "b")
        assert tuple(chosen.sources) == ("train",)


def test_groups_come_along() -> None:
    """Each row has the group of its place; without groups there are none."""
    groups = [f"patient {i // 2}" if i < 100 else None for i in range(COUNT)]
    data = TensorRows(torch.arange(COUNT) % 2, ("a", "b"), images=IMAGES, groups=groups)
    rows = [0, 3, 3, 140, 149]
    chosen = ChosenRows(data, rows, None, ready(LogisticRegression()))
    found = [group for block in chosen for group in block.groups or ()]
    assert found == ["patient 0", "patient 1", "patient 1", None, None]
    assert all(b.groups is None for b in ChosenRows(DATA, rows, None, ready(LogisticRegression())))


def test_it_learns_the_same_as_alone_and_answers_by_its_state() -> None:
    """All rows, no weights: the state of a fit of its own, and the final call with it."""
    call = learner(LogisticRegression())
    state = call.learn(DATA, np.random.default_rng(0))
    alone = adversity.create("classifier", "logistic_regression").fit(
        IMAGES, torch.arange(COUNT) % 2, class_names=["a", "b"]
    )
    assert np.array_equal(state.arrays["weights"], alone.ready.state.arrays["weights"])
    assert torch.equal(call.fitted(state).logits(IMAGES), alone(IMAGES))


def test_rows_and_weights_that_are_none_are_refused() -> None:
    """With what was expected; and weights of what does not go by them."""
    rng, lines = np.random.default_rng(0), learner(LogisticRegression())
    for rows in ([], [3, 1], [-1, 2], [0, COUNT]):
        with pytest.raises(InputError, match="expected ascending places among 150 rows"):
            lines.learn(DATA, rng, rows=rows)
    for weights in (np.ones(3), np.full(COUNT, -1.0), np.full(COUNT, np.nan)):
        with pytest.raises(InputError, match=r"expected weights \[150\] of 0 and more"):
            lines.learn(DATA, rng, weights=weights)
    with pytest.raises(InputError, match="does not go by weights while it is fitted"):
        learner(DecisionTree()).learn(DATA, rng, weights=np.ones(COUNT))


def test_a_field_of_such_a_plugin_is_a_value_like_any_other() -> None:
    """Equal, hashed, pickled and written by kind, name and parameters; another one is another."""
    one, same, other = (Bagging(member=DecisionTree(max_depth=d)) for d in (3, 3, 4))
    assert one == same
    assert hash(one.member) == hash(same.member)
    assert one != other
    assert one.fingerprint != other.fingerprint
    back = pickle.loads(pickle.dumps(one))
    assert type(back.member) is adversity.Learner
    assert back.member == one.member
    assert type(one.member.varied(max_depth=5)) is adversity.Learner
    assert one.parameters["member"]["with"]["max_depth"] == 3
