"""Paired differences of measures since the accepted run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import ttest_rel
from sklearn.metrics import brier_score_loss, log_loss

from adversity import MeasureInfo, Metric
from adversity.data.tables import write_parts
from adversity.errors import PluginError, StorageError
from adversity_plugins.metric.brier import Brier
from adversity_plugins.metric.nll import NLL
from two_runs import NOW, THEN, changes, table


class Sure(Metric):
    """Share of the images that are answered with more than one half: a third party's."""

    name: ClassVar[str] = "sure"
    wants: ClassVar[tuple[str, ...]] = ("confidence",)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {"sure": MeasureInfo(0, 1, better="higher")}

    def compute(self, table, reference=None):
        """Not asked here."""
        raise NotImplementedError

    def per_sample(self, table):
        """Return which are."""
        return {"sure": table["confidence"] > 0.5}


class Named(Sure):
    """Share of the images of cats: it counts by name, and answers as it is told to."""

    name: ClassVar[str] = "named"
    wants: ClassVar[tuple[str, ...]] = ("target",)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {"cats": MeasureInfo(0, 1)}
    answer: str = "array"

    def per_sample(self, table):
        """Return which are."""
        cats = table["target"] == table.class_names.index("cat")
        return {"array": {"cats": cats}, "list": {"cats": cats.tolist()}, "bare": cats.tolist()}[
            self.answer
        ]


def test_difference_is_paired_by_id_over_what_both_runs_have(tmp_path):
    """Two of three common samples changed, one each way and one worse: (0 - 1) / 3 by hand."""
    table(tmp_path / NOW, [False, True, False, True], ids=["c", "a", "b", "new"])
    table(tmp_path / THEN, [False, True, True, True], ids=["a", "b", "c", "gone"])
    measure = changes(tmp_path)["predictions", "", "accuracy"]
    assert measure.n == 3
    assert measure.value == pytest.approx(-1 / 3, abs=1e-15)  # one division in float64
    assert measure.low < measure.value < measure.high


def test_the_same_rows_differ_by_exactly_nothing(tmp_path):
    """A run that gave every sample the same answer is not worse: the interval is [0, 0]."""
    for place in (NOW, THEN):
        table(tmp_path / place, [True, False, True], confidence=[0.5, float("nan"), 0.25])
    measure = changes(tmp_path)["predictions", "", "accuracy"]
    assert (measure.value, measure.low, measure.high) == (0.0, 0.0, 0.0)


def test_a_step_that_measures_is_paired_by_its_column(tmp_path):
    """What the metric said of each pair stands under the measure's name: 2 of 3, then 1 of 3."""
    table(tmp_path / NOW, [True, True, True], agreement=[True, False, False])
    table(tmp_path / THEN, [True, True, True], agreement=[True, True, False])
    measure = changes(tmp_path, "agreement", role="measure")["predictions", "", "agreement"]
    assert (measure.n, measure.value) == (3, pytest.approx(-1 / 3, abs=1e-15))
    # The pipeline's own metrics do not speak of it, though its table has what they want.
    assert changes(tmp_path, "accuracy", role="measure") == {}


@pytest.mark.parametrize(("confidence", "exact"), [(0.9, True), (0.8, False), (None, False)])
def test_equal_verdicts_of_a_metric_are_no_proof_that_its_tables_are_equal(
    tmp_path, confidence, exact
):
    """Nothing changed only if what it measured is the same, too: not other, nor gone."""
    for place in (NOW, THEN):
        table(tmp_path / place, [True, True, True], agreement=[True, False, True])
        read = tmp_path / place.replace("predictions", "read")
        if confidence is not None or place == NOW:
            said = confidence if place == THEN else 0.9
            table(read, [True, False, True], confidence=[0.9, 0.9, said])
    measure = changes(tmp_path, "agreement", role="measure")["predictions", "", "agreement"]
    assert measure.value == 0.0
    assert (measure.low == measure.high == 0.0) is exact


def test_a_step_that_measures_without_rows_has_no_change(tmp_path):
    """An AUROC is no mean over samples: the gate is undecided, and nothing is missing."""
    table(tmp_path / THEN, [True], agreement=[True])
    (tmp_path / NOW).parent.mkdir(parents=True)
    assert changes(tmp_path, "agreement", role="measure") == {}
    with pytest.raises(StorageError, match=r"table\.parquet is missing"):
        changes(tmp_path, "accuracy")


def test_other_rows_with_equal_verdicts_keep_their_uncertainty(tmp_path):
    """The same verdicts by another model are no proof of equality: the interval has a width."""
    table(tmp_path / NOW, [True, False, True], confidence=[0.5, 0.5, 0.5])
    table(tmp_path / THEN, [True, False, True], confidence=[0.5, 0.5, 0.6])
    measure = changes(tmp_path)["predictions", "", "accuracy"]
    assert measure.value == 0.0
    assert measure.low < 0.0 < measure.high


def test_a_measure_of_a_third_party_is_paired_as_it_says(tmp_path):
    """Two of four became sure and one no longer is: (2 - 1) / 4; a column of images: their mean."""
    more = {"confidence": [0.9, 0.8, 0.2, 0.1], "psnr_db": [21.0, 22.0, 23.0, 24.0]}
    table(tmp_path / NOW, [True] * 4, **more)
    less = {"confidence": [0.3, 0.2, 0.7, 0.1], "psnr_db": [20.0, 20.0, 20.0, 20.0]}
    table(tmp_path / THEN, [True] * 4, **less)
    sure = changes(tmp_path, "sure", [Sure()])["predictions", "", "sure"]
    assert (sure.value, sure.n) == (0.25, 4)
    assert (sure.details["only_a"], sure.details["only_b"]) == (2, 1)
    assert changes(tmp_path, "psnr_db")["predictions", "", "psnr_db"].value == 2.5


@pytest.mark.parametrize(
    ("metric", "score"), [(NLL(), log_loss), (Brier(), brier_score_loss)], ids=["nll", "brier"]
)
def test_likelihood_and_brier_score_are_paired(tmp_path, metric, score):
    """The change and its interval are SciPy's paired ones of scikit-learn's score of each row."""
    rng = np.random.default_rng(0)
    then = rng.normal(0, 2, (40, 3))
    both = {NOW: then + rng.normal(0, 0.1, then.shape), THEN: then}
    for place, logits in both.items():
        table(tmp_path / place, [True] * 40, logits=logits)
    now, before = (
        [score([0], [row], labels=range(3)) for row in softmax(logits, axis=1)]
        for logits in both.values()
    )
    (change,) = changes(tmp_path, metric.name, [metric]).values()
    expected = ttest_rel(now, before)
    interval = expected.confidence_interval(0.95)
    assert change.value == pytest.approx(np.mean(now) - np.mean(before), abs=1e-12)
    assert (change.low, change.high) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_an_infinite_likelihood_is_not_left_out_of_the_change(tmp_path):
    """A truth that got the probability 0 makes the mean infinite: no change of the finite rest."""
    table(tmp_path / NOW, [True] * 2, probs=np.array([[0.0, 1.0], [0.9, 0.1]]))
    table(tmp_path / THEN, [True] * 2, probs=np.array([[0.5, 0.5], [0.5, 0.5]]))
    assert changes(tmp_path, "nll", [NLL()]) == {}


@pytest.mark.parametrize("answer", ["array", "list"])
def test_a_metric_that_counts_by_name_gets_the_classes_of_each_run(tmp_path, answer):
    """The number of a class may differ between two runs: two cats of three now, one then."""
    for place, targets, names in (
        (NOW, [0, 0, 1], ("cat", "dog")),
        (THEN, [1, 0, 0], ("dog", "cat")),
    ):
        ids = np.array(["a", "b", "c"], dtype=object)
        rows = {"cell": [""] * 3, "id": ids, "target": np.array(targets)}
        (tmp_path / place).parent.mkdir(parents=True)
        write_parts(tmp_path / place, [rows], {"": names})
    change = changes(tmp_path, "cats", [Named(answer=answer)])["predictions", "", "cats"]
    assert (change.value, change.n) == (pytest.approx(1 / 3, abs=1e-15), 3)
    with pytest.raises(PluginError, match=r'"named": expected .* by the name .*, got list'):
        changes(tmp_path, "cats", [Named(answer="bare")])


def test_metric_that_is_no_mean_over_samples_has_no_difference(tmp_path):
    """ECE is left out rather than compared by something else."""
    for place in (NOW, THEN):
        table(tmp_path / place, [True, False])
    assert changes(tmp_path, "ece") == {}


def test_accepted_run_without_tables_has_no_difference(tmp_path):
    """Tables that somebody deleted make no error."""
    table(tmp_path / NOW, [True, False])
    assert changes(tmp_path) == {}


@pytest.mark.parametrize("place", [NOW, THEN])
def test_a_damaged_table_is_compared_with_nothing(tmp_path, place):
    """A changed row that still reads, here or in the accepted run, is no change of accuracy."""
    table(tmp_path / NOW, [True, False, True])
    table(tmp_path / THEN, [True, False, True])
    assert changes(tmp_path)["predictions", "", "accuracy"].value == 0.0
    table(tmp_path / place, [True, True, True])
    with pytest.raises(StorageError, match=r"\.parquet is damaged.*delete .*run again"):
        changes(tmp_path)


def test_a_group_is_compared_with_itself(tmp_path):
    """`by: camera`: pairs are the samples of a camera in both runs; d moved, and is in no pair."""
    for place, last, right in ((NOW, "right", [1, 1, 0, 1]), (THEN, "left", [0, 1, 1, 0])):
        cameras = np.array(["left", "left", "right", last], dtype=object)
        values = {"seen": np.array(right, dtype=bool), "attribute_camera": cameras}
        table(tmp_path / place, [True] * 4, ids=["a", "b", "c", "d"], **values)
    record = {"cells": {"camera=left": {}, "camera=right": {}}, "groups": {"": ["left", "right"]}}
    (tmp_path / "artifacts/p/predictions/measures.json").write_text(json.dumps(record))
    found = changes(tmp_path, "seen", role="measure", by="camera")
    assert list(found) == [("predictions", f"camera={name}", "seen") for name in ("left", "right")]
    left, right = found.values()
    assert (left.n, left.value, left.details["only_a"]) == (2, 0.5, 1)
    assert (right.n, right.value, right.details["only_b"]) == (1, -1.0, 1)
