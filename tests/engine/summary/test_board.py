"""Boards over runs: who stands beside whom, ranks by paired tests, ties, and who is alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from adversity.contracts import MeasureInfo
from adversity.engine.summary.board import boards_of
from recorded_runs import METRICS, recorded, rows, sure_of

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.engine.summary.recorded_run import RecordedRun
    from adversity.report.values.board import Boards

N = 120
KNOWN = {
    name: {key: value for key, value in vars_of.items() if value is not None}
    for name, vars_of in {
        "accuracy": {"headline": 1, "better": "higher", "low": 0.0, "high": 1.0, "scale": "share"},
        "ece": {"headline": 4, "better": "lower", "low": 0.0, "high": 1.0},
    }.items()
}
FILE = """\
steps:
  net: {{uses: classifier/toy, with: {{seed: {seed}}}}}
  noisy: {{uses: degradation/noise, from: photos, with: {{severity: 3}}}}
  answers: {{uses: net, from: photos}}
"""


def run_of(
    folder: Path,
    name: str,
    right: int,
    *,
    seed: int = 0,
    content: str = "ab" * 32,
    samples: int = N,
    pipeline: str = "p",
    gates: tuple[dict[str, Any], ...] = (),
    **step: Any,
) -> RecordedRun:
    """A run of a classifier that is right on the first images of its test set."""
    target = [0] * samples
    answers = [0 if at < right else 1 for at in range(samples)]
    condition = {"data": "photos", "degradation": "none", "attack": "none"}
    method = {"classifier": "toy", "restoration": "none"}
    more = {"source": ["photos"], "path": ["photos", "answers"], "makes": "predictions",
            "method": method, "condition": condition, "over_seeds": []}  # fmt: skip
    run = recorded(
        folder, name, {"answers": [rows(sure_of(answers), target)]},
        text=FILE.format(seed=seed),
        data=[{"id": "photos", "uses": "dataset/folder", "n": samples, "content": content,
               "prepare": {}, "facts": {"split": "test"}}],
        answers={**more, **step},
        facts={"started": f"2026-01-01T00:00:{name[-1]}0Z"},
    )  # fmt: skip
    for one in run.result["steps"]:
        for cell in one["cells"]:
            cell |= {"n": samples, "notes": []}
    run.result.update(
        pipeline=pipeline, file="p.yaml", seed=0, matrix={}, gates=list(gates), caveats=[], sides={},
        compared={"pairs": [], "left_out": []}, measures=KNOWN, verdict="pass", verdict_line="PASS",
    )  # fmt: skip
    return run


def board_of(*runs: RecordedRun) -> Boards:
    """The boards of some runs, all measured by the same metrics."""
    return boards_of("zoo", runs, {run.name: METRICS for run in runs})


def test_measures_here_are_known_as_they_are_declared() -> None:
    """What a report says of a measure is read back as its declaration."""
    assert MeasureInfo(**KNOWN["accuracy"]).better == "higher"


def test_ranks_are_those_that_paired_tests_leave_open(tmp_path: Path) -> None:
    """Of 120 images 110 and 108 right are two flips, no evidence; 60 right is told apart from both."""
    runs = [
        run_of(tmp_path, f"r{seed}", right, seed=seed) for seed, right in enumerate((60, 108, 110))
    ]
    found = board_of(*runs)
    [board] = found.boards
    assert not found.alone
    accuracy = board.rankings[0]
    assert accuracy.measure == "accuracy"
    order = [
        (board.entries[one.entry].run, one.best, one.worst, one.tied) for one in accuracy.order
    ]
    # McNemar, exact: 2 of 2 flips one way, p = 0.5; 48 and 50 of as many, p < 1e-13.
    assert order == [("r2", 1, 2, False), ("r1", 1, 2, True), ("r0", 3, 3, False)]
    assert accuracy.tests == 3
    assert [entry.settings for entry in board.entries] == [
        {"net.with.seed": str(seed)} for seed in range(3)
    ]


def test_equal_answers_are_a_tie(tmp_path: Path) -> None:
    """Nothing varies, so nothing tells them apart."""
    [board] = board_of(*(run_of(tmp_path, f"r{seed}", 90, seed=seed) for seed in (1, 2))).boards
    assert [(one.best, one.worst) for one in board.rankings[0].order] == [(1, 2), (1, 2)]


def test_holm_allows_for_all_pairs(tmp_path: Path) -> None:
    """Six flips one way have p = 0.03 alone, which is none of six tests."""
    flips = (100, 100, 100, 106)
    runs = [run_of(tmp_path, f"r{seed}", right, seed=seed) for seed, right in enumerate(flips)]
    [two] = board_of(runs[0], runs[3]).boards
    [four] = board_of(*runs).boards
    assert [(one.best, one.worst) for one in two.rankings[0].order] == [(1, 1), (2, 2)]
    assert {(one.best, one.worst) for one in four.rankings[0].order} == {(1, 4)}


def test_what_is_no_mean_over_images_has_no_rank(tmp_path: Path) -> None:
    """It is ordered, and said to be untested."""
    [board] = board_of(*(run_of(tmp_path, f"r{k}", 60 + k, seed=k) for k in (1, 2))).boards
    ece = next(one for one in board.rankings if one.measure == "ece")
    assert {(one.best, one.worst) for one in ece.order} == {(None, None)}
    assert "no mean over images" in ece.order[0].why


def test_other_images_are_another_board(tmp_path: Path) -> None:
    """And the lone entry says what is not the same on the nearest one."""
    runs = [
        run_of(tmp_path, "r1", 60, seed=1),
        run_of(tmp_path, "r2", 70, seed=2),
        run_of(tmp_path, "r3", 70, seed=3, content="cd" * 32),
    ]
    found = board_of(*runs)
    assert [len(board.entries) for board in found.boards] == [2]
    [alone] = found.alone
    assert alone.board.entries[0].run == "r3"
    assert alone.nearest == found.boards[0].id
    assert [*alone.differs] == ["data"]


def test_a_threat_with_another_budget_is_another_board(tmp_path: Path) -> None:
    """An attack with more steps, too, since it is a stronger one."""
    threat = {"norm": "linf", "type": "norm", "control": False, "targeted": False, "eps": "8/255"}
    runs = []
    for at, (eps, steps) in enumerate(((8 / 255, 10), (8 / 255, 10), (4 / 255, 10), (8 / 255, 20))):
        run = run_of(
            tmp_path, f"r{at}", 60 + at, seed=at, kind="attack", uses="attack/pgd", threat=threat,
            knowledge="white-box",
        )  # fmt: skip
        run.result["steps"][0]["cells"][0]["parameters"] = {
            "eps": eps,
            "norm": "linf",
            "steps": steps,
        }
        runs.append(run)
    found = board_of(*runs)
    [board] = found.boards
    assert board.fields["threat"] == "linf, eps 8/255, white-box"
    assert board.fields["attack"] == "pgd (steps 10)"
    assert {entry.run for entry in board.entries} == {"r0", "r1"}
    differs = {alone.board.entries[0].run: {*alone.differs} for alone in found.alone}
    assert differs == {"r2": {"threat"}, "r3": {"attack"}}


DEGRADED = """\
matrix: {{corruption: [fog, snow], severity: [1, 3]}}
steps:
  net: {{uses: classifier/toy}}
  set_up: {{uses: degradation/$corruption, with: {{severity: $severity, seed: 3}}}}
  worse: {{uses: set_up, from: photos, with: {{seed: {seed}}}}}
  answers: {{uses: net, from: worse}}
"""


def degraded(folder: Path, name: str, *, seed: int = 0, code: str = "ab" * 32) -> RecordedRun:
    """A run whose images went through a plugin that the matrix names, set up by another step."""
    run = run_of(
        folder, name, 60, path=["photos", "worse", "answers"],
        condition={"data": "photos", "degradation": "$corruption"},
    )  # fmt: skip
    run.result["text"] = DEGRADED.format(seed=seed)
    run.result["steps"][0]["cells"][0]["cell"] = {"corruption": "fog", "severity": "3"}
    more = {"id": "worse", "kind": "degradation", "uses": "degradation/$corruption", "makes": "images",
            "cells": [], "over_seeds": [], "path": ["photos", "worse"], "condition": {}, "method": {},
            "source": ["photos"], "threat": {}, "against": None, "by": None, "plugin": {}}  # fmt: skip
    run.result["steps"].insert(0, more)
    plugins = {
        f"adversity:{one}": {"plugin": f"degradation/{one}", "version": "1", "fingerprint": digest}
        for one, digest in (("snow", "cd" * 32), ("fog", code))
    }
    run.facts["resolved"] = {"steps": {"set_up": {"plugins": plugins}}}
    return run


def test_degradations_are_told_by_plugin_parameters_and_source(tmp_path: Path) -> None:
    """Of the plugin that the cell names, with what the step says over what the definition says."""
    found = board_of(degraded(tmp_path, "r1"), degraded(tmp_path, "r2", code="ef" * 32))
    fields = [alone.board.fields for alone in found.alone]
    assert [one["degraded by"] for one in fields] == ["fog (severity 3, seed 0)"] * 2
    assert [one["code"] for one in fields] == [
        "degradation/fog 1 abababababab", "degradation/fog 1 efefefefefef"
    ]  # fmt: skip
    assert {*found.alone[0].differs} == {"code"}
    other = board_of(degraded(tmp_path, "r1"), degraded(tmp_path, "r3", seed=1))
    assert {*other.alone[0].differs} == {"degraded by"}


def test_what_is_nearest_is_of_another_run(tmp_path: Path) -> None:
    """That noise of two severities is not the same needs no saying."""
    [alone] = board_of(degraded(tmp_path, "r1")).alone
    assert alone.nearest == ""


def test_a_control_is_no_rival(tmp_path: Path) -> None:
    """Random noise shows that an attack is one."""
    threat = {"norm": "linf", "control": True}
    run = run_of(tmp_path, "r1", 60, kind="attack", uses="attack/random_noise", threat=threat)
    found = board_of(run)
    assert not found.boards
    assert not found.alone


def test_of_equal_settings_the_last_run_counts(tmp_path: Path) -> None:
    """The earlier one is history, and no rival of itself."""
    gate = {"text": "answers.accuracy >= 0.4", "limit": 0.4, "op": ">=", "change": False, "verdict": "pass", "why": "", "step": "answers",
            "measure": {"value": 0.5, "n": N, "low": 0.4, "high": 0.6}}  # fmt: skip
    runs = [run_of(tmp_path, f"r{k}", 60 + k, gates=(gate,)) for k in (1, 2)]
    found = board_of(*runs, run_of(tmp_path, "r3", 50, seed=7))
    [board] = found.boards
    assert {entry.run for entry in board.entries} == {"r2", "r3"}
    [history] = found.history
    assert [run.id for run in history.runs] == ["r1", "r2", "r3"]
    [trend] = history.trends
    assert [verdict for _, verdict in trend.points] == ["pass", "pass", ""]
    assert trend.points[2][0] is None


def test_of_a_gate_on_earlier_runs_changes_are_followed(tmp_path: Path) -> None:
    """The first run has nothing to compare with, and its accuracy is no change of one."""
    figure = {"value": 0.8, "n": N, "low": 0.7, "high": 0.9}
    change = {"value": -0.1, "n": N, "low": -0.2, "high": -0.05}
    gate: dict[str, Any] = {
        "text": "answers.accuracy not_worse_than last",
        "limit": None,
        "op": None,
    }
    gate |= {"why": "", "step": "answers"}
    first = {**gate, "verdict": "undecided", "change": False, "measure": figure}
    later = {**gate, "verdict": "fail", "change": True, "measure": change}
    runs = [run_of(tmp_path, f"r{k}", 60, gates=(one,)) for k, one in enumerate((first, later))]
    [trend] = board_of(*runs).history[0].trends
    assert (trend.limit, trend.points[0]) == (0.0, (None, "undecided"))
    measure, verdict = trend.points[1]
    assert measure is not None
    assert (measure.value, verdict) == (-0.1, "fail")


def test_without_gates_headline_measures_are_followed(tmp_path: Path) -> None:
    """The first one of each step."""
    [history] = board_of(run_of(tmp_path, "r1", 60)).history
    [trend] = history.trends
    assert trend.text == "answers.accuracy"
    measure = trend.points[0][0]
    assert measure is not None
    assert measure.value == pytest.approx(0.5)


def test_other_samples_of_the_same_data_are_not_tested(tmp_path: Path) -> None:
    """A table that holds some of the images, as of an attack on some, is said to be another thing."""
    runs = [run_of(tmp_path, f"r{k}", 60 + k, seed=k) for k in (1, 2)]
    fewer = run_of(tmp_path, "r3", 60, seed=3, samples=N - 1)
    fewer.result["data"][0]["n"] = N
    [board] = board_of(*runs, fewer).boards
    why = {board.entries[one.entry].run: one.why for one in board.rankings[0].order}
    assert why["r3"] == "not comparable: 119 samples here, and 120 of the others, not the same"
    assert (why["r1"], why["r2"]) == ("", "")


def test_a_run_of_an_earlier_version_is_left_out_and_named(tmp_path: Path) -> None:
    """It does not say what its methods are."""
    old = run_of(tmp_path, "r1", 60)
    del old.result["compared"]
    found = board_of(old)
    assert "r1" in found.left_out[0]
    assert len(found.history) == 1


def test_a_lost_table_costs_the_rank_alone(tmp_path: Path) -> None:
    """Its number stands, and why it is not ranked."""
    runs = [run_of(tmp_path, f"r{k}", 60 + k, seed=k) for k in (1, 2, 3)]
    object.__setattr__(runs[2], "table", lambda step: None)
    [board] = board_of(*runs).boards
    why = {board.entries[one.entry].run: one.why for one in board.rankings[0].order}
    assert why["r3"] == "the table of answers is gone from run r3"
    assert np.isfinite(board.entries[2].measures["accuracy"].value)
