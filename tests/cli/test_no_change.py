"""What is no change since the accepted run, though the tables have numbers: and why."""

from __future__ import annotations

import json

import pytest

from adversity.errors import StorageError
from two_runs import NOW, THEN, changes, says, table

INF = float("inf")


def test_another_convention_makes_no_change(tmp_path):
    """Luma is several dB better than RGB: the images got no better, and the gate says why."""
    table(tmp_path / NOW, [True] * 2, psnr_db=[34.0, 36.0])
    table(tmp_path / THEN, [True] * 2, psnr_db=[30.0, 31.0])
    now = {"psnr_db": {"value": 35.0, "n": 2, "convention": {"channels": "luma"}}}
    (tmp_path / NOW).with_name("measures.json").write_text(json.dumps({"cells": {"": now}}))
    says(tmp_path, {"psnr_db": {"channels": "rgb"}})
    change = changes(tmp_path, "psnr_db")["predictions", "", "psnr_db"]
    assert change.startswith('it was measured otherwise then: channels was "rgb" and is "luma";')
    (tmp_path / THEN).parents[1].joinpath("result.json").write_text("{}")
    with pytest.raises(StorageError, match=r"result\.json is damaged"):
        changes(tmp_path, "psnr_db")


@pytest.mark.parametrize("there", ["now", "then"])
def test_a_value_that_is_infinite_in_one_run_is_not_left_out(tmp_path, there):
    """Three images left, or reached, the clean ones: the rest did not change, but the mean would."""
    some, none = [INF, INF, INF, 30.0, 31.0], [20.0, 20.0, 20.0, 30.0, 31.0]
    table(tmp_path / NOW, [True] * 5, psnr_db=some if there == "now" else none)
    table(tmp_path / THEN, [True] * 5, psnr_db=none if there == "now" else some)
    change = changes(tmp_path, "psnr_db")["predictions", "", "psnr_db"]
    assert change.startswith("3 of 5 samples are infinite in one of the two runs")


def test_a_value_that_is_infinite_in_both_runs_is_in_neither_mean(tmp_path):
    """The mean is one of finite values, and so is its change: (1 + 2) / 2."""
    table(tmp_path / NOW, [True] * 3, psnr_db=[INF, 31.0, 33.0])
    table(tmp_path / THEN, [True] * 3, psnr_db=[INF, 30.0, 31.0])
    change = changes(tmp_path, "psnr_db")["predictions", "", "psnr_db"]
    assert (change.n, change.value) == (2, 1.5)


@pytest.mark.parametrize(
    ("now", "then", "reason"),
    [
        (
            [30.0, 31.0],
            [30.0, 31.0],
            "no value of 2 samples is: without a spread there is no interval",
        ),
        ([30.0, INF], [20.0, INF], "one sample alone has a finite value in both runs"),
        ([INF, INF], [INF, INF], "no sample has a finite value in both runs"),
    ],
)
def test_a_change_that_is_no_evidence_is_none(tmp_path, now, then, reason):
    """Other answers, and no spread to tell chance from change: undecided, with the reason."""
    table(tmp_path / NOW, [True] * 2, psnr_db=now, confidence=[0.5, 0.5])
    table(tmp_path / THEN, [True] * 2, psnr_db=then, confidence=[0.5, 0.6])
    assert reason in changes(tmp_path, "psnr_db")["predictions", "", "psnr_db"]


def test_a_verdict_that_became_a_number_is_compared_as_numbers(tmp_path):
    """1, 0.5 and 0 of what was yes, yes and no: the mean change is -0.5 / 3, by Student."""
    table(tmp_path / NOW, [True] * 3, agreement=[1.0, 0.5, 0.0])
    table(tmp_path / THEN, [True] * 3, agreement=[True, True, False])
    measure = changes(tmp_path, "agreement", role="measure")["predictions", "", "agreement"]
    assert measure.value == pytest.approx(-0.5 / 3, abs=1e-15)
    assert measure.method == "student t, paired"


@pytest.mark.parametrize(
    ("now", "then", "same"),
    [
        ({"psnr_db": [1.0, 2.0]}, {}, True),
        ({}, {"psnr_db": [1.0, 2.0]}, True),
        ({"psnr_db": [1.0, 2.0]}, {"psnr_db": [1.0, 3.0]}, True),
        ({"margin": [1.0, 2.0]}, {}, False),
        ({}, {"margin": [1.0, 2.0]}, False),
    ],
)
def test_another_metric_of_images_changes_no_answer(tmp_path, now, then, same):
    """Its column may come, go or be another; any other column is a part of the answer."""
    table(tmp_path / NOW, [True, False], confidence=[0.5, 0.6], **now)
    table(tmp_path / THEN, [True, False], confidence=[0.5, 0.6], **then)
    says(tmp_path, {"accuracy": {}, "psnr_db": {}} if "psnr_db" in then else {"accuracy": {}})
    measure = changes(tmp_path)["predictions", "", "accuracy"]
    assert (measure.low == measure.high == 0.0) is same
