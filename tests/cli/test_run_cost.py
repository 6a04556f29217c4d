"""What `validate` says that a run costs, against what the run then counted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

PIPELINE = """\
name: shots
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  other: {uses: dataset/folder, with: {path: data/other}}
  test:
    uses: dataset/folder
    with: {path: data/test}
    prepare: {centre_crop: 12}
matrix:
  eps: [4/255, 32/255]
  severity: [1, 3]
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 1, width: 4}}
  noisy: {uses: degradation/gaussian_noise, from: test, with: {severity: $severity}}
  predictions: {uses: net, from: noisy}
  doubt: {uses: uncertainty/max_softmax, from: predictions}
  held: {uses: net, from: other}
  sure: {uses: uncertainty/temperature_scaling, from: predictions, fit_on: held}
  once: {uses: attack/fgsm, from: noisy, against: predictions, with: {eps: $eps}}
  many:
    uses: attack/pgd
    from: noisy
    against: predictions
    with: {eps: $eps, steps: 3, restarts: 2, early_stop: true}
"""
TURNED = "  turned: {uses: attack/exact, from: noisy, against: predictions}\n"
DRAWN = {"data/other": 5}


@pytest.fixture
def planned(shots):
    """Return a project with a pipeline of several attacks, which has not run."""
    shots.file.write_text(PIPELINE)
    for folder, count in DRAWN.items():
        shots.draw(folder, count)
    return shots


def cost(call):
    """Return the steps of `validate --json` by id, and the whole record."""
    answer = call("validate", "pipelines/shots.yaml", "--json")
    assert answer.code == 0, answer.err
    record = json.loads(answer.out)["pipelines"][0]["cost"]
    return {step["step"]: step for step in record["steps"]}, record


def table(step, *names):
    """Return columns of a step's table."""
    return pq.read_table(f"artifacts/shots/{step}/table.parquet", columns=list(names)).to_pydict()


def size(folder):
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def test_what_is_said_is_what_a_run_counts(planned, shots_template, call):
    """Answers and gradients: exactly, or a bound of the columns that the core counted.

    Before the run: samples from the files, disk from the size of crops. Afterwards: as measured.
    """
    before, record = cost(call)
    assert record["samples"] == {
        "train": {"at_most": 12, "run": None},
        "other": {"at_most": 10, "run": None},
        "test": {"at_most": 8, "run": None},
    }
    assert all(step["seconds"] is None for step in before.values())
    assert before["net"]["queries"] is None
    assert before["doubt"]["queries"] == 0
    assert (before["held"]["samples"], before["sure"]["samples"]) == (10, 8)
    shutil.copytree(shots_template, planned.root, dirs_exist_ok=True)
    assert before["predictions"]["queries"] == len(table("predictions", "id")["id"]) == 16
    for name, each in (("once", (1, 1)), ("many", (8, 6))):
        counted = table(name, "queries", "gradients", "start_correct")
        right = sum(counted["start_correct"])
        assert before[name]["queries"] == 32 * each[0] >= sum(counted["queries"]) > 0
        assert before[name]["gradients"] == 32 * each[1] >= sum(counted["gradients"]) > 0
        if name == "once":
            assert (sum(counted["queries"]), sum(counted["gradients"])) == (right, right)
        # The images as they lie there; beside them a table that a few rows make no smaller.
        images = size(f"artifacts/shots/{name}/images")
        assert before[name]["bytes"] == 32 * 3 * 12 * 12 * 4
        assert before[name]["bytes"] <= images <= 1.1 * before[name]["bytes"] + 4096
    after, record = cost(call)
    run = next(path.name for path in Path("runs").glob("*-shots"))
    assert record["samples"]["test"] == {"at_most": 8, "run": run}
    assert after["many"]["bytes"] == size("artifacts/shots/many")
    kept = size("artifacts/shots/many") + size("artifacts/shots/once")
    whole = size("artifacts") + size(".adversity/store") + size(".dvc/cache")
    said = record["kept"] * sum(step["bytes"] or 0 for step in after.values())
    assert kept < whole
    assert said == pytest.approx(whole, rel=0.5)  # small tables, and the report, which is not said


def test_time_is_measured_or_not_said(finished, call):
    """Seconds are those that the same step took, by sample; a step that is another has none."""
    folder = next(Path("runs").glob("*-shots"))
    outcomes = json.loads((folder / "manifest.json").read_text())["outcomes"]
    took = {one["step"]: one["seconds"] for one in outcomes}
    steps, _ = cost(call)
    for name in ("net", "predictions", "many"):
        assert steps[name]["seconds"] == pytest.approx(took[name], abs=1e-3)
        assert steps[name]["runs"] == [folder.name]
    # Another image in each class of the test set counts after a run alone; another step at once.
    finished.edit("steps: 3", "steps: 4")
    steps, _ = cost(call)
    assert steps["many"]["seconds"] is None
    assert steps["once"]["seconds"] == pytest.approx(took["once"], abs=1e-3)
    finished.edit("severity: [1, 3]", "severity: [1, 5]")
    steps, _ = cost(call)
    assert steps["once"]["seconds"] is None
    assert steps["net"]["seconds"] == pytest.approx(took["net"], abs=1e-3)
    # A run in which nothing was computed measures nothing; the first one still counts.
    finished.edit("severity: [1, 5]", "severity: [1, 3]")
    finished.edit("steps: 4", "steps: 3")
    assert call("run", "pipelines/shots.yaml", "--direct").code == 0
    steps, _ = cost(call)
    assert steps["once"]["seconds"] == pytest.approx(took["once"], abs=1e-3)


def test_what_is_not_known_is_said(shots, call):
    """Data that are not there, an attack that does not say its budget: a question mark and why."""
    shots.file.write_text(PIPELINE.replace("path: data/test", "path: data/later") + TURNED)
    answer = call("validate", "pipelines/shots.yaml")
    assert answer.code == 0
    assert "how many samples test has is known once it was run" in " ".join(answer.out.split())
    assert "does not say what it costs at most" in " ".join(answer.out.split())
    assert "time is known once a run has measured it" in answer.out
    steps, _ = cost(call)
    assert steps["once"]["queries"] is steps["once"]["bytes"] is None
    assert steps["turned"]["queries"] is None


def test_draws_of_a_random_chain_are_said(planned, call):
    """An attack that averages over draws asks the network so many times for each query."""
    planned.edit(
        "predictions: {uses: net, from: noisy}",
        "again: {uses: degradation/gaussian_noise, from: noisy, with: {severity: 1}}\n"
        "  predictions: {uses: net, from: again}",
    )
    steps, _ = cost(call)
    assert steps["once"]["draws"] == 8
    assert "(8 draws each)" in call("validate", "pipelines/shots.yaml").out


def test_each_member_of_an_ensemble_answers(planned, call):
    """An attack on an ensemble of three asks three networks for each query, in as many cells."""
    one = cost(call)[0]["once"]
    planned.edit("matrix:", "matrix:\n  member: [0, 1, 2]")
    planned.edit("width: 4}", "width: 4, seed: $member}")
    folded = "uncertainty/deep_ensemble, from: predictions, over: member"
    planned.edit("uncertainty/max_softmax, from: predictions", folded)
    planned.edit("fgsm, from: noisy, against: predictions", "fgsm, from: noisy, against: doubt")
    all_ = cost(call)[0]["once"]
    assert one["cells"] == all_["cells"] == 4
    assert (all_["queries"], all_["gradients"]) == (3 * one["queries"], 3 * one["gradients"])
    assert one["queries"] > 0


def test_each_draw_of_a_sampled_answer_counts(planned, call):
    """Of its own step, and of an attack through it; a grey-box attacker asks the network alone."""
    planned.edit("width: 4}", "width: 4, dropout: 0.2}")
    one = cost(call)[0]["once"]
    planned.edit(
        "max_softmax, from: predictions", "mc_dropout, from: predictions, with: {draws: 5}"
    )
    planned.edit("fgsm, from: noisy, against: predictions", "fgsm, from: noisy, against: doubt")
    steps = cost(call)[0]
    through = steps["once"]
    assert (through["queries"], through["gradients"]) == (5 * one["queries"], 5 * one["gradients"])
    assert through["draws"] == 1
    assert steps["doubt"]["queries"] == 5 * steps["predictions"]["queries"] > 0
    planned.edit("against: doubt", "against: doubt, knowledge: grey-box")
    assert cost(call)[0]["once"]["queries"] == one["queries"]


def test_nothing_heavy_is_imported(planned, child_environment):
    """`validate` with what a run costs, of AutoAttack too, imports no torch, DVC or pyarrow."""
    planned.edit("attack/fgsm", "attack/auto_attack")
    program = (
        "import sys\n"
        "from adversity_flows.cli import main\n"
        "assert main(['validate', 'pipelines/shots.yaml']) == 0\n"
        "print([m for m in ('torch', 'dvc', 'pyarrow', 'prefect', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=child_environment, capture_output=True, text=True,
        timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


FITTED = """\
name: shots
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  other: {uses: dataset/folder, with: {path: data/other}}
matrix: {draw: [0, 1]}
steps:
  net:
    uses: classifier/small_cnn
    fit_on: train
    bootstrap: $draw
    folds: 3
    with: {epochs: 1, width: 4}
  seen: {uses: net, from: train}
  held: {uses: net, from: other}
  sure: {uses: uncertainty/temperature_scaling, from: held, fit_on: seen}
"""


def test_each_fit_counts(planned, call):
    """One a cell, and one more without each fold; what the step took is for all of them."""
    planned.file.write_text(FITTED)
    fits = {name: step["fits"] for name, step in cost(call)[0].items()}
    assert fits == {"net": 8, "seen": 0, "held": 0, "sure": 2}
    head, net, *_ = (line.split() for line in call("validate").out.splitlines()[1:])
    assert head[4] == "fits"
    assert net[:4] == ["net", "2", "12", "8"]
    assert call("run", "pipelines/shots.yaml", "--direct").code == 0
    manifest = json.loads(next(Path("runs").glob("*-shots/manifest.json")).read_text())
    took = {one["step"]: one["seconds"] for one in manifest["outcomes"]}
    steps, _ = cost(call)
    assert steps["net"]["seconds"] == pytest.approx(took["net"], abs=1e-3)
    assert steps["seen"]["seconds"] == pytest.approx(took["seen"], abs=1e-3)
