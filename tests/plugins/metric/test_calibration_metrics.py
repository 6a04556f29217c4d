"""Metrics of calibration: what they read from a table, their parameters, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.special import softmax

from adversity import Table, metrics
from adversity.contracts import table as tables
from adversity.contracts.plot import Plot
from adversity_plugins.metric.brier_parts import BrierParts
from adversity_plugins.metric.ece import ECE
from adversity_plugins.metric.smooth_ece import SmoothECE


def answers(classes: int = 3, count: int = 300, **more: np.ndarray) -> Table:
    """Return a table of answers that are too sure."""
    rng = np.random.default_rng(4)
    logits = 2.0 * rng.standard_normal((count, classes))
    labels = np.minimum(
        (softmax(logits, axis=1).cumsum(1) < rng.random((count, 1))).sum(1), classes - 1
    )
    columns = {
        "id": np.array([str(i) for i in range(count)], dtype=object),
        "target": labels,
        "probs": softmax(1.7 * logits, axis=1),
    }
    return Table({**columns, **more}, tuple(f"class {k}" for k in range(classes)))


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ({"weights": "uniform"}, "ece"),
        ({"norm": "l2"}, "rms_calibration_error"),
        ({"norm": "max", "spacing": "mass"}, "max_calibration_error"),
        ({"norm": "l2", "debias": True}, "squared_calibration_error"),
        ({"classwise": True}, "ece"),
        ({"classwise": True, "spacing": "mass", "bins": 7}, "ece"),
        ({"classwise": True, "norm": "l2", "debias": True}, "squared_calibration_error"),
    ],
)
def test_each_variant_is_that_of_the_mathematics(rule: dict, name: str) -> None:
    """Under the name of its norm, with its convention, a part of the table at a time."""
    table = answers()
    expected = metrics.ece(table["probs"], table["target"], **rule)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "PART_ROWS", 41)
        found = ECE(**rule).compute(table)
    assert set(found) == {name, "confidence_gap"}
    assert found[name].value == expected.value
    assert (found[name].low, found[name].high) == (expected.low, expected.high)
    assert found[name].convention == expected.convention
    assert ECE.produces[name].admits(found[name].value)


@pytest.mark.parametrize("peer", ["torchmetrics", "netcal", "mapie", "hendrycks"])
def test_compat_is_the_peers_number(peer: str) -> None:
    """With two classes, too; hendrycks measures another norm."""
    for classes in (2, 3):
        table = answers(classes)
        name = "rms_calibration_error" if peer == "hendrycks" else "ece"
        found = ECE(compat=peer, bins=10).compute(table)[name]
        expected = metrics.peer_ece(peer, table["probs"], table["target"], bins=10)  # type: ignore[arg-type]
        assert found == expected


def test_rules_that_do_not_go_together_are_refused() -> None:
    """A peer has rules of its own, and only of squares by count is the bias known."""
    with pytest.raises(ValidationError, match="compat 'netcal' without norm, classwise"):
        ECE(compat="netcal", norm="l2", classwise=True)
    with pytest.raises(ValidationError, match="debias with norm l2"):
        ECE(debias=True)


def test_each_class_has_a_bar() -> None:
    """By its name; of more than 50 classes the numbers stand in `per_class` alone."""
    table = answers()
    details = ECE(classwise=True).compute(table)["ece"].details
    plot = Plot.from_json(details["plot"])
    assert (list(plot.x), list(plot.y)) == (list(table.class_names), details["per_class"])
    many = ECE(classwise=True).compute(answers(51))["ece"].details
    assert len(many["per_class"]) == 51
    assert "plot" not in many


def test_groups_are_allowed_for_where_they_can_be() -> None:
    """The mean gap by count has an interval of groups; bins of others do, and no test of rows."""
    groups = np.repeat([f"g{i}" for i in range(30)], 10)
    table = answers(group=groups)
    by_count = ECE().compute(table)["ece"]
    assert str(by_count.method).endswith("grouped")
    for rule in ({"norm": "l2"}, {"weights": "uniform"}):
        (found, _) = ECE(**rule).compute(table).values()
        assert not str(found.method).endswith("grouped")
        assert found.details["bins"] == by_count.details["bins"]
        assert "consistency" not in found.details


def test_the_smooth_error_is_that_of_the_mathematics() -> None:
    """In parts, from logits as well."""
    table = answers()
    logits = Table(
        {"id": table["id"], "target": table["target"], "logits": np.log(table["probs"])},
        table.class_names,
    )
    expected = metrics.smooth_ece(table["probs"], table["target"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "PART_ROWS", 41)
        assert SmoothECE().compute(table)["smooth_ece"] == expected
        of_logits = SmoothECE().compute(logits)["smooth_ece"]
    assert of_logits.value == pytest.approx(expected.value, abs=1e-9)


def test_brier_parts_are_those_of_the_mathematics() -> None:
    """And add up to the score that the details hold and draw."""
    table = answers()
    found = BrierParts(bins=9).compute(table)
    parts = metrics.brier_parts(table["probs"], table["target"], bins=9)
    assert found["brier_reliability"].value == parts.reliability
    assert found["brier_resolution"].value == parts.resolution
    assert found["brier_uncertainty"].value == parts.uncertainty
    details = found["brier_reliability"].details
    assert details["brier"] == metrics.brier(table["probs"], table["target"]).value
    assert Plot.from_json(details["plot"]).y[3] == details["brier"]
    assert found["brier_resolution"].convention["bins"] == 9


@pytest.mark.parametrize("metric", [ECE(compat="netcal"), SmoothECE(), BrierParts()])
def test_what_has_no_classes_is_left_out(metric) -> None:
    """As a table without answers is."""
    table = answers()
    assert metric.compute(Table({"id": table["id"], "target": table["target"]})) == {}
