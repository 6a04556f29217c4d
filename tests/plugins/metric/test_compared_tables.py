"""The metrics that compare two tables: the area under a curve, and agreement."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from adversity import Plot, Table, metrics
from adversity.errors import DataError, InputError
from adversity_plugins.metric.agreement import Agreement
from adversity_plugins.metric.auroc import AUROC
from adversity_plugins.metric.open_set import OpenSet


def table(classes: tuple[str, ...] = ("cat", "dog"), **columns: Any) -> Table:
    count = len(next(iter(columns.values())))
    return Table({"id": np.array([f"s{i}" for i in range(count)])} | columns, classes)


def scored(column: str, *, seed: int = 0) -> tuple[Table, Table, float]:
    """Return a table of known and of unknown samples, and the truth by scikit-learn."""
    rng = np.random.default_rng(seed)
    known, unknown = rng.beta(2, 4, 90), rng.beta(4, 2, 60)
    truth = roc_auc_score(np.repeat([0, 1], [90, 60]), np.concatenate([known, unknown]))
    return table(**{column: known}), table(**{column: unknown}), float(truth)


def test_a_score_is_larger_where_the_model_is_less_sure() -> None:
    """Of an entropy the unknown have more: scikit-learn's area with unknown as the positives."""
    known, unknown, truth = scored("entropy")
    found = AUROC(score="entropy").compute(known, unknown)
    assert found["auroc"].value == pytest.approx(truth, abs=1e-12)
    assert truth > 0.8
    assert found["auroc"].n == 150
    assert found.keys() == set(AUROC.produces)
    Plot.from_json(found["auroc"].details["plot"])


def test_confidence_is_smaller_where_the_model_is_less_sure() -> None:
    """The same numbers as confidences rank the other way, which the convention says."""
    known, unknown, truth = scored("confidence")
    found = AUROC().compute(known, unknown)
    assert found["auroc"].value == pytest.approx(1 - truth, abs=1e-12)
    swapped = AUROC().compute(unknown, known)["auroc"]
    assert swapped.value == pytest.approx(truth, abs=1e-12)
    said = found["auroc"].convention["score"]
    assert said == "confidence, small where the model is less sure"
    expected = metrics.fpr_at_95_tpr(-known["confidence"], -unknown["confidence"])
    assert found["fpr95_unknown_positive"].value == expected.value
    drawn = found["fpr95_unknown_positive"].details["plot"]
    assert [sum(drawn["y"][side]) for side in ("known", "unknown")] == pytest.approx([1, 1])
    assert len(drawn["x"]) == len(drawn["y"]["known"]) + 1


def test_a_score_that_is_not_there_is_refused_with_those_that_are() -> None:
    """The message has the step, the columns, and the one that was meant."""
    known, unknown, _ = scored("entropy")
    with pytest.raises(
        InputError, match=r"'entropi' in the table that from: names, got id, entr.*"
    ):
        AUROC(score="entropi").compute(known, unknown)
    with pytest.raises(InputError, match=r"against: names.* did you mean entropy"):
        AUROC(score="entrop").compute(table(entrop=np.ones(3)), unknown)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (np.array([0.1, np.nan]), "none for 1 of 2, s1 among them"),
        (np.array(["dark", "bright"], dtype=object), "'dark'"),
        (np.array([True, False]), "yes and no"),
        (np.ones((2, 3)), "3 for each"),
    ],
)
def test_what_is_no_score_is_refused(values: Any, what: str) -> None:
    """The message has the column, the key that names its table, and what is there."""
    known, _, _ = scored("entropy")
    message = f"the column 'entropy' of the table that against: names, got {what}; name another"
    with pytest.raises(DataError, match=message):
        AUROC(score="entropy").compute(known, table(entropy=values))


def test_samples_in_both_tables_are_told_by_their_ids() -> None:
    """Rows of one id are one sample, whatever their place; the interval is that of the function."""
    rng = np.random.default_rng(0)
    known = table(entropy=rng.normal(0, 1, 60))
    order = rng.permutation(60)
    scores = (known["entropy"] + rng.normal(1, 0.3, 60))[order]
    unknown = Table({"id": known["id"][order], "entropy": scores}, known.class_names)
    found = AUROC(score="entropy").compute(known, unknown)["auroc"]
    expected = metrics.auroc(known["entropy"], scores, ids=(known["id"], unknown["id"]))
    assert (found.low, found.high) == (expected.low, expected.high)
    assert found.details["in_both"] == 60
    assert found.low != metrics.auroc(known["entropy"], scores).low


def test_an_empty_table_has_no_area() -> None:
    """Without samples on one side nothing is measured, rather than NaN."""
    known, _, _ = scored("entropy")
    assert AUROC(score="entropy").compute(known, table(entropy=np.array([]))) == {}


def test_agreement_of_two_steps() -> None:
    """Share and kappa are scikit-learn's, and pairs are what the share is the mean of."""
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 3, 50), rng.integers(0, 3, 50)
    second[:30] = first[:30]
    classes = ("a", "b", "c")
    ours, theirs = table(classes, prediction=first), table(classes, prediction=second)
    found = Agreement().compute(ours, theirs)
    assert found["agreement"].value == (first == second).mean()
    assert found["kappa"].value == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
    pairs = Agreement().per_pair(ours, theirs)["agreement"]
    assert pairs.dtype == bool
    assert pairs.tolist() == (first == second).tolist()


def test_kappa_is_left_out_where_chance_leaves_nothing() -> None:
    """Both say one and the same class throughout: they agree, and there is no kappa."""
    same = table(prediction=np.zeros(5, dtype=np.int64))
    found = Agreement().compute(same, same)
    assert found.keys() == {"agreement"}
    assert found["agreement"].value == 1


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (("cat", "wolf"), "from: has dog, which the other lacks and against: has wolf, which"),
        (("dog", "cat"), "another order: class 0 is cat and dog"),
        (("cat", "dog", "emu"), "but against: has emu, which the other lacks; compare"),
        ((), "from: has cat, dog, which the other lacks"),
    ],
)
def test_other_classes_are_refused(classes: tuple[str, ...], message: str) -> None:
    """Equal indices would mean something else: how the classes differ is said."""
    answers = np.array([0, 1, 0])
    with pytest.raises(InputError, match=message):
        Agreement().compute(table(prediction=answers), table(classes, prediction=answers))


def test_groups_count_once_on_either_side() -> None:
    """Four images of each scene say no more than one: wider, and of one scene's in both tables."""
    rng = np.random.default_rng(0)
    scenes = np.repeat([f"scene {i}" for i in range(30)], 4).astype(object)
    ids = np.array([f"s{i}" for i in range(120)], dtype=object)
    scores = np.repeat(rng.random(30), 4)
    targets = np.where(np.arange(120) < 60, 0, -1)
    bare = {"id": ids, "target": targets, "doubt": scores}
    told = {**bare, "group": scenes}
    metric = OpenSet(score="doubt")
    plain, own = (metric.compute(Table(columns)) for columns in (bare, told))
    for name in ("auroc", "fpr95_unknown_positive"):
        assert own[name].value == plain[name].value
        assert str(own[name].method).endswith("grouped")
        wide, narrow = ((m.high or 0) - (m.low or 0) for m in (own[name], plain[name]))
        assert wide > narrow
    both = [Table({**told, "target": np.zeros(120, int), "doubt": scores + i}) for i in (0, 0.6)]
    found = AUROC(score="doubt").compute(*both)["auroc"]
    assert found.method == "chernoff, half of the fewer groups, grouped"
