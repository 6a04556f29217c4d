"""Every sort of attack on one decision: the closed form, rounds, weak attacks, the worst case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from toy_alarm import COUNT, DUAL, EPS, LIMIT, planned, rows_of, run_all, score_of

from adversity.data.ledger import Ledger
from adversity.engine.set_up.toolbox import toolbox_of
from adversity.engine.stages.step_images import step_images
from adversity.engine.summary.summarise import build_report, summarise
from adversity.pipeline.gates.verdicts import judge
from adversity.report.sections.attacks import attack_section

if TYPE_CHECKING:
    from pathlib import Path

SORTS = """
steps:
  net: {uses: classifier/sure, from: test}
  taken: {uses: uncertainty/linear, from: net}
  rough: {uses: uncertainty/rough, from: net}
  rounds: {uses: attack/cascade, from: test, against: taken, objective: look_sure, with: {eps: 0.06, effort: 0.03}}
  scores: {uses: attack/square, from: test, against: taken, objective: look_sure, with: {eps: 0.06, queries: 300}}
  decisions: {uses: attack/hop_skip_jump, from: test, against: rough, objective: look_unsure, with: {norm: linf, eps: 0.06, queries: 200}}
  near: {uses: attack/fmn, from: test, against: taken, objective: look_unsure, with: {norm: linf, eps: 0.06}}
  noise: {uses: attack/random_noise, from: test, against: taken, objective: look_sure, with: {eps: 0.06}}
  weak: {uses: attack/pgd, from: test, against: taken, objective: look_sure, with: {eps: 0.06, steps: 1, step_size: 0.0001, random_start: false}}
"""


@pytest.fixture(scope="module")
def sorts(tmp_path_factory: Any, registry_with: Any) -> Any:
    """Every sort of attack: plan, workspace, results."""
    root = tmp_path_factory.mktemp("sorts")
    plan = planned(root, registry_with, SORTS)
    return plan, *run_all(root, plan)


@pytest.mark.parametrize(
    ("step", "objective", "most"),
    [
        ("rounds", "look_sure", 0.98),
        ("scores", "look_sure", 0.8),
        ("decisions", "look_unsure", 0.5),
        ("near", "look_unsure", 0.9),
        ("noise", "look_sure", 0.0),
    ],
)
def test_every_sort_of_attack_keeps_to_the_closed_form(
    sorts: Any, step: str, objective: str, most: float
) -> None:
    """Nobody beyond reach falls, and of those that are well within it most do."""
    plan, workspace, _ = sorts
    rows = rows_of(workspace, step)
    start = step_images(
        toolbox_of(plan, workspace), "test", plan.steps["net"].cells[0], list(range(COUNT))
    )
    away, reach = np.abs(score_of(start.images.numpy()) - LIMIT), EPS * DUAL["linf"]
    fallen, open_ = rows[objective], rows["attackable"]
    assert not (fallen & (away > 1.0001 * reach)).any()
    assert not (fallen & ~open_).any()
    assert fallen[open_ & (away < 0.5 * reach)].mean() >= most
    assert "fooled" not in rows
    assert "failure_distance" not in rows
    if step == "rounds":
        assert np.array_equal(rows["parameter_solved_by"] > 0, fallen)
        assert np.array_equal(np.isnan(rows["parameter_solved_by"]), ~open_)


def test_rounds_in_any_shards_give_the_same_bytes(
    sorts: Any, tmp_path: Path, registry_with: Any
) -> None:
    """Who is left for the second round does not depend on how the first was cut."""
    _, workspace, _ = sorts
    keep = ("steps:", "  net", "  taken", "  rounds")
    text = "\n".join(line for line in SORTS.splitlines() if line.startswith(keep))
    plan = planned(tmp_path, registry_with, text + "\nrun: {shard_size: 7, batch_size: 5}\n")
    other, _ = run_all(tmp_path, plan)
    ours, theirs = rows_of(other, "rounds"), rows_of(workspace, "rounds")
    assert ours.keys() == theirs.keys()
    assert len(np.unique(ours["parameter_solved_by"])) > 2
    for name, values in ours.items():
        same = values.dtype != object and values.tobytes() == theirs[name].tobytes()
        assert same or np.array_equal(values, theirs[name])


def test_a_weak_attack_is_seen_through(sorts: Any) -> None:
    """What an attack without gradients reached and this one left standing voids its figure."""
    plan, workspace, _ = sorts
    scores, weak = (rows_of(workspace, step) for step in ("scores", "weak"))
    beaten = scores["look_sure"] & ~weak["look_sure"]
    [cell] = summarise(plan, workspace)["weak"].cells
    share = cell.measures["beaten_by_black_box_share"]
    assert share.value == beaten.sum() / weak["attackable"].sum() > 0.05
    said = [
        c.text
        for c in build_report(plan, workspace).caveats
        if (c.step, c.level) == ("weak", "void")
    ]
    assert any("its success may be too low" in text for text in said)
    assert not any("accuracy" in text for text in said)


def test_what_any_attack_reached_counts_for_all_of_one_objective(sorts: Any) -> None:
    """Image by image over five attacks on one decision; none that is after something else."""
    plan, workspace, _ = sorts
    book = Ledger(workspace.root / "ledger")
    summaries = summarise(plan, workspace, ledger=book)
    ours = ("rounds", "scores", "noise", "weak")
    tables = {step: rows_of(workspace, step) for step in ours}
    fell = np.logical_or.reduce([rows["look_sure"] for rows in tables.values()])
    open_ = tables["weak"]["attackable"]
    for step in ours:
        [cell] = summaries[step].cells
        worst = cell.measures["worst_case_success"]
        assert (worst.value, worst.n) == (fell.sum() / open_.sum(), open_.sum())
        assert worst.details["by"] == {s: rows["look_sure"].sum() for s, rows in tables.items()}
    assert fell.sum() > tables["weak"]["look_sure"].sum()
    [near] = summaries["near"].cells
    assert near.measures["worst_case_success"].details["attacks"] == 1
    text = str(attack_section(build_report(plan, workspace, ledger=book)))
    assert "any attack on record with the same objective" in text
    assert "taken, look sure" in text
    assert "What is left after every attack" not in text


@pytest.mark.parametrize(("op", "verdict"), [("<=", "error"), (">=", "pass")])
def test_a_void_success_proves_one_side_alone(
    tmp_path: Path, registry_with: Any, op: str, verdict: str
) -> None:
    """A stronger attack can only raise it: what is at most so much is not proved, at least is."""
    limit = 0.9 if op == "<=" else 0.0
    gate = f"gates: [weak.look_sure_success {op} {limit if op == '<=' else 0.01}]"
    text = SORTS.replace("steps: 1, step_size: 0.0001", "steps: 1, step_size: 0.02") + gate
    keep = ("steps:", "  net", "  taken", "  scores", "  weak", "gates")
    text = "\n".join(line for line in text.splitlines() if line.startswith(keep)) + "\n"
    plan = planned(tmp_path, registry_with, text)
    workspace, _ = run_all(tmp_path, plan)
    caveats = build_report(plan, workspace).caveats
    [result] = judge(plan.gates, summarise(plan, workspace), caveats=caveats)
    assert result.void
    assert result.verdict == verdict
