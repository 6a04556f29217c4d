"""The metric plugins: which measures they make from which table."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import brier_score_loss, log_loss

from adversity import CellMetric, ImageMetric, Measure, Metric, Table, metrics
from adversity.contracts import table as tables
from adversity_plugins.metric import adversity_metrics
from adversity_plugins.metric.accuracy import Accuracy
from adversity_plugins.metric.brier import Brier
from adversity_plugins.metric.ece import ECE
from adversity_plugins.metric.nll import NLL
from adversity_plugins.metric.psnr import PSNR
from adversity_plugins.metric.robust_accuracy import RobustAccuracy
from adversity_plugins.metric.ssim import SSIM

TABLE_METRICS = (Accuracy(), NLL(), Brier(), ECE(), RobustAccuracy())


def predictions(n: int = 60, classes: int = 10, **columns: Any) -> Table:
    rng = np.random.default_rng(0)
    logits = (3 * rng.standard_normal((n, classes))).astype(np.float32)
    target = np.where(rng.random(n) < 0.7, logits.argmax(axis=1), rng.integers(0, classes, n))
    own = {
        "id": np.array([str(i) for i in range(n)]),
        "target": target.astype(np.int64),
        "prediction": logits.argmax(axis=1),
        "correct": logits.argmax(axis=1) == target,
        "logits": logits,
    }
    return Table(own | columns, tuple(str(k) for k in range(classes)))


def attacked() -> Table:
    return Table(
        {
            "id": np.array(list("abcd")),
            "target": np.array([0, 1, 1, 0]),
            "prediction": np.array([1, 1, 0, 0]),
            "correct": np.array([False, True, False, True]),
            "start_correct": np.array([True, True, False, True]),
            "fooled": np.array([True, False, False, False]),
            "distance": np.array([0.03, 0.02, 0.0, 0.01]),
        },
        ("cat", "dog"),
    )


def everything(table: Table) -> dict[str, Measure]:
    found: dict[str, Measure] = {}
    for metric in TABLE_METRICS:
        if metric.takes(table):
            found |= metric.compute(table)
    return found


def test_a_table_of_logits_gets_all_classification_measures() -> None:
    """The measures are those of the public functions on the table's columns, in float64."""
    table = predictions()
    found = everything(table)
    assert set(found) == {"accuracy", "accuracy_top5", "nll", "brier", "ece", "confidence_gap"}
    logits, labels = table["logits"], table["target"]
    assert found["accuracy"].value == table["correct"].mean()
    assert found["accuracy_top5"] == metrics.accuracy(logits=logits, labels=labels, top=5)
    for name in ("nll", "brier", "confidence_gap"):
        assert found[name] == getattr(metrics, name)(logits=logits, labels=labels)
    assert found["ece"].value == metrics.ece(logits=logits, labels=labels).value


def test_calibrated_probabilities_come_before_logits() -> None:
    """A table with both is judged by its probabilities."""
    probs = softmax(predictions()["logits"] / 3, axis=1)
    found = everything(predictions(probs=probs))
    expected = metrics.nll(probs, predictions()["target"])
    assert found["nll"] == expected
    assert found["nll"].value != everything(predictions())["nll"].value


@pytest.mark.parametrize(("classes", "given"), [(2, False), (5, False), (6, True)])
def test_top_5_needs_more_than_five_classes(classes: int, given: bool) -> None:
    """With five classes or fewer top-5 accuracy would always be 1, and is left out."""
    assert ("accuracy_top5" in Accuracy().compute(predictions(classes=classes))) is given


def test_a_table_without_scores_gets_accuracy_alone() -> None:
    """A classifier that gives labels only has no likelihood and no calibration."""
    table = predictions()
    columns = {k: v for k, v in table.columns.items() if k != "logits"}
    assert set(everything(Table(columns, table.class_names))) == {"accuracy"}


@pytest.mark.parametrize("target", [np.linspace(0, 1, 60), np.zeros((60, 2)), np.full(60, None)])
def test_targets_that_are_no_classes_get_nothing(target: np.ndarray) -> None:
    """Regression targets, vectors and missing labels make no classification measure."""
    assert everything(predictions(target=target)) == {}


def test_an_infinite_likelihood_is_replaced_by_its_count() -> None:
    """A true class with probability 0: no `nll`, but the share of such images."""
    probs = np.eye(3)[[0, 1, 2, 0]]
    table = Table({"id": np.arange(4), "target": np.array([0, 1, 2, 1]), "probs": probs})
    found = NLL().compute(table)
    assert set(found) == {"zero_probability_truths"}
    assert found["zero_probability_truths"].value == 0.25


@pytest.mark.parametrize("form", ["logits", "probs"])
def test_likelihood_and_brier_score_pair_by_what_each_row_scores_alone(form: str) -> None:
    """The value of a row is scikit-learn's score of that row alone (1e-12: float64 rounding)."""
    table = predictions(classes=4)
    probs = softmax(table["logits"].astype(np.float64), axis=1)
    if form == "probs":
        table = predictions(classes=4, probs=probs)
    for metric, name, score in ((NLL(), "nll", log_loss), (Brier(), "brier", brier_score_loss)):
        alone = [
            score([label], [row], labels=range(4))
            for label, row in zip(table["target"], probs, strict=True)
        ]
        values = metric.per_sample(table)
        assert list(values) == [name]
        np.testing.assert_allclose(values[name], alone, rtol=0, atol=1e-12)


def test_ranks_are_computed_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The accuracy of rows reads no scores; among the first five they are what `ranks` says."""
    asked: list[int] = []

    whole = metrics.ranks

    def ranks(*given: Any, top: int, **more: Any) -> Any:
        asked.append(top)
        return whole(*given, top=top, **more)

    monkeypatch.setattr(metrics, "ranks", ranks)
    table = predictions(classes=7)
    values = Accuracy().per_sample(table)
    assert list(values) == ["accuracy", "accuracy_top5"]
    assert "accuracy_top5" in values
    np.testing.assert_array_equal(values["accuracy"], table["correct"])
    assert asked == []
    firsts = np.argsort(-table["logits"], axis=1, kind="stable")[:, :5]
    expected = (firsts == table["target"][:, None]).any(axis=1)
    np.testing.assert_array_equal(values["accuracy_top5"], expected)
    assert asked == [5]


def test_where_a_truth_got_nothing_the_count_is_paired_and_no_likelihood() -> None:
    """One of four truths has the probability 0: it is marked, and the finite rows are no `nll`."""
    probs = np.eye(3)[[0, 1, 2, 0]]
    table = Table({"id": np.arange(4), "target": np.array([0, 1, 2, 1]), "probs": probs})
    values = NLL().per_sample(table)
    assert list(values) == ["zero_probability_truths"]
    assert values["zero_probability_truths"].tolist() == [False, False, False, True]


@pytest.mark.parametrize("metric", [NLL(), Brier()])
def test_what_cannot_be_scored_pairs_nothing(metric: Metric) -> None:
    """Without an answer by class, or with other targets than classes, there is no value a row."""
    table = predictions()
    bare = Table({k: v for k, v in table.columns.items() if k != "logits"})
    assert metric.per_sample(bare) == {}
    assert metric.per_sample(predictions(target=np.linspace(0, 1, 60))) == {}


def test_attacked_images_get_robust_measures_only() -> None:
    """By hand: 2 of 4 stand, 1 of 3 fell, by 0.03; their plain accuracy is not reported."""
    found = everything(attacked())
    assert not any(metric.takes(attacked()) for metric in (Accuracy, NLL, Brier, ECE))
    assert set(found) == {"robust_accuracy", "attack_success", "perturbation"}
    assert found["robust_accuracy"].value == 0.5
    assert found["attack_success"].value == pytest.approx(1 / 3)
    assert (found["perturbation"].value, found["perturbation"].n) == (0.03, 1)


def test_an_attack_on_wrong_images_has_no_success_rate() -> None:
    """Where nothing was right at first, robust accuracy is 0 and success is left out."""
    columns = dict(attacked().columns) | {
        "start_correct": np.zeros(4, bool),
        "fooled": np.zeros(4, bool),
    }
    found = RobustAccuracy().compute(Table(columns))
    assert {name: m.value for name, m in found.items()} == {"robust_accuracy": 0.0}


def test_details_of_ece_feed_the_diagram() -> None:
    """Both kinds of bins hold all rows, and the consistency test stands beside them."""
    details = ECE(bins=10).compute(predictions())["ece"].details
    for name in ("bins", "plot_bins"):
        assert sum(record["n"] for record in details[name]) == 60
    assert 0 < details["consistency"]["p_value"] <= 1


@pytest.mark.parametrize("table", [predictions(), attacked()], ids=["predictions", "attacked"])
def test_measures_are_declared_finite_and_json(table: Table) -> None:
    """Every measure is one that its plugin announces, and its record is strict JSON."""
    for metric in TABLE_METRICS:
        if metric.takes(table):
            found = metric.compute(table)
            assert set(found) <= set(metric.produces)
            for measure in found.values():
                text = json.dumps(measure.as_json(), allow_nan=False)
                assert Measure.from_json(json.loads(text)) == measure


def test_image_metrics_measure_rows_and_say_how() -> None:
    """Columns are those of the public functions; unit, direction and convention go with them."""
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.rand(2, 3, 16, 16, generator=generator) for _ in range(2))
    assert torch.equal(PSNR().measure(a, b), metrics.psnr(a, b))
    assert torch.equal(SSIM().measure(a, b), metrics.ssim(a, b))
    for metric, column, unit in ((PSNR(), "psnr_db", "dB"), (SSIM(), "ssim", "")):
        assert tuple(metric.produces) == (column,)
        info = metric.declared()[column]
        assert (info.unit, info.better) == (unit, "higher")
        assert metric.convention()
        json.dumps(metric.convention(), allow_nan=False)


def test_the_catalogue_is_light() -> None:
    """Listing the metrics imports no heavy library; no two have one name."""
    code = (
        "import sys, adversity_plugins.metric as m; list(m.adversity_metrics());"
        "print([x for x in ('torch', 'scipy', 'sklearn', 'skimage') if x in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    found = list(adversity_metrics())
    assert len({metric.name for metric in found}) == len(found)
    assert all(issubclass(metric, Metric | ImageMetric | CellMetric) for metric in found)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(1, 40),
    classes=st.sampled_from([2, 3, 7, 129, 1000]),
    part=st.integers(1, 41),
    scale=st.sampled_from([0.01, 3.0, 200.0]),
    form=st.sampled_from(["logits", "probs"]),
)
def test_parts_of_a_table_give_the_bits_of_the_whole(
    rows: int, classes: int, part: int, scale: float, form: str
) -> None:
    """However long the parts are, each measure is that of the function on the whole arrays."""
    rng = np.random.default_rng(rows)
    logits = (scale * rng.standard_normal((rows, classes))).astype(np.float32)
    labels = rng.integers(0, classes, rows)
    answer = logits if form == "logits" else softmax(logits.astype(np.float64), axis=1)
    columns = {"id": np.arange(rows).astype(str), "target": labels, form: answer}
    table = Table(columns | {"correct": logits.argmax(1) == labels})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "PART_ROWS", part)
        found = everything(table)
    whole = {form: answer}
    expected = {
        "brier": metrics.brier(labels=labels, **whole),
        "confidence_gap": metrics.confidence_gap(labels=labels, **whole),
    }
    nll = metrics.nll(labels=labels, **whole)
    expected |= {"nll": nll} if np.isfinite(nll.value) else {}
    if classes > 5:
        expected["accuracy_top5"] = metrics.accuracy(labels=labels, top=5, **whole)
    for name, measure in expected.items():
        assert found[name].as_json() == measure.as_json(), name
    ece = metrics.ece(labels=labels, **whole)
    assert (found["ece"].value, found["ece"].low, found["ece"].high) == (
        ece.value,
        ece.low,
        ece.high,
    )
