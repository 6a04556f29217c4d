"""Ensembles, run: members are what the pipeline names, their answer is one, none counts twice."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.special import softmax
from scipy.stats import entropy
from toy_members import Backwards, Brightest

from adversity.data.tables import read_table
from adversity.engine.public.open_stage import open_stage
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.toolbox import Toolbox
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages.fit_streams import StoredAnswers
from adversity.errors import DataError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: members
seed: 3
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
matrix: {sigma: [0.05, 0.2], member: [0, 1, 2]}
steps:
  net: {uses: classifier/random_forest, fit_on: train, with: {seed: $member, trees: 5}}
  plain: {uses: classifier/logistic_regression, fit_on: train}
  noisy: {uses: degradation/gaussian_noise, from: test, with: {sigma: $sigma}}
  trees: {uses: net, from: noisy}
  lines: {uses: plain, from: noisy}
"""
STEPS = """
  ensemble: {uses: uncertainty/deep_ensemble, from: trees, over: member}
  mixed: {uses: uncertainty/deep_ensemble, from: [lines, trees], over: member}
  everywhere: {uses: uncertainty/deep_ensemble, from: trees, over: [member, sigma]}
  doubt: {uses: uncertainty/mutual_information, from: mixed}
  width: {uses: uncertainty/entropy, from: mixed}
  calibrated: {uses: uncertainty/temperature_scaling, from: ensemble, fit_on: learnt}
  held: {uses: net, from: train_again}
  learnt: {uses: uncertainty/deep_ensemble, from: held, over: member}
"""
DATA = "  train_again: {uses: dataset/folder, with: {path: data/held}}\n"
CELLS = ("sigma=0.05", "sigma=0.2")


def planned(root: Path, out: Path, steps: str, *overrides: str, registry: Any) -> Any:
    """Plan the pipeline with more steps; return plan and workspace."""
    text = PIPELINE.replace("matrix:", f"{DATA}matrix:") if "train_again" in steps else PIPELINE
    file = root / "pipelines/members.yaml"
    file.write_text(text + steps, encoding="utf-8")
    loaded = load_pipeline(file, root=root, overrides=overrides)
    return make_plan(loaded, registry), Workspace(root, out, out / "store")


def execute(plan: Any, workspace: Workspace, workers: int = 1) -> dict[str, Any]:
    """Run all but the report; return the results."""
    names = [stage.step for stage in plan.stages if stage.step != "report"]
    return {step: compute_stage(plan, step, workspace, workers) for step in names}


@pytest.fixture(scope="module")
def root(quarters: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images of four classes, and others of theirs to calibrate on."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(quarters / "data", root / "data")
    for image in (root / "data/train").rglob("*.png"):
        place = root / "data/held" / image.relative_to(root / "data/train")
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.open(image).rotate(180).save(place)
    (root / "pipelines").mkdir()
    return root


@pytest.fixture(scope="module")
def finished(root: Path, registry_with: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Everything, run once: plan, workspace, results."""
    plan, workspace = planned(root, tmp_path_factory.mktemp("out"), STEPS, registry=registry_with())
    return plan, workspace, execute(plan, workspace)


def rows(workspace: Workspace, step: str, cell: str) -> dict[str, Any]:
    """Return the rows of a cell."""
    table = read_table(workspace.outputs / f"artifacts/members/{step}/table.parquet")
    inside = table["cell"] == cell
    return {name: values[inside] for name, values in table.items()}


def said(workspace: Workspace, cell: str, *members: str) -> np.ndarray:
    """Return what members of `trees` say, and `lines`, as float64 probabilities `[M, N, K]`."""
    answers = []
    for member in members:
        table = rows(workspace, "lines" if member == "" else "trees", f"{cell}{member}")
        exact = {
            name: table[name].astype(np.float64) for name in ("probs", "logits") if name in table
        }
        answers.append(exact["probs"] if "probs" in exact else softmax(exact["logits"], axis=1))
    return np.stack(answers)


MEMBERS = (",member=0", ",member=1", ",member=2")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("step", "members"), [("ensemble", MEMBERS), ("mixed", ("", *MEMBERS))])
def test_an_ensemble_is_the_mean_of_its_members(
    finished: Any, cell: str, step: str, members: tuple[str, ...]
) -> None:
    """Sources in the order of `from:`, variables in that of the matrix; the mean, written by hand."""
    _, workspace, results = finished
    table, expected = rows(workspace, step, cell), said(workspace, cell, *members)
    assert table["members"].shape == (24, len(members), 4)
    # The softmax of torch and of SciPy round apart in the last bit of float64, which shows in few.
    np.testing.assert_allclose(table["members"], expected.transpose(1, 0, 2), rtol=1e-7)
    np.testing.assert_allclose(table["probs"], expected.mean(0), rtol=2e-7)
    assert (table["prediction"] == table["probs"].argmax(1)).all()
    right = (table["prediction"] == table["target"]).mean()
    assert results[step].measures[cell]["accuracy"].value == right
    assert {"ece", "brier"} <= results[step].measures[cell].keys()


def test_a_variable_of_the_images_makes_members_too(finished: Any) -> None:
    """Folded over both variables: one cell, six members, the last variable fastest."""
    _, workspace, _ = finished
    table = rows(workspace, "everywhere", "")
    both = [said(workspace, cell, *MEMBERS) for cell in CELLS]
    np.testing.assert_allclose(table["members"].transpose(1, 0, 2), np.concatenate(both), rtol=1e-7)


def test_one_member_is_the_member(root: Path, registry_with: Any, tmp_path: Path) -> None:
    """An ensemble of one answers as its member does, to the bit; it knows no disagreement."""
    steps = "".join(STEPS.splitlines(keepends=True)[:2])
    steps += "  doubt: {uses: uncertainty/mutual_information, from: ensemble}\n"
    plan, workspace = planned(root, tmp_path, steps, "matrix.member=[1]", registry=registry_with())
    results = execute(plan, workspace)
    for cell in CELLS:
        ours, theirs = (
            rows(workspace, "ensemble", cell),
            rows(workspace, "trees", f"{cell},member=1"),
        )
        for name in ("id", "target", "probs", "prediction", "correct", "confidence"):
            assert np.array_equal(ours[name], theirs[name]), name
        shared = results["ensemble"].measures[cell]
        alone = results["trees"].measures[f"{cell},member=1"]
        assert {name: alone[name] for name in shared} == dict(shared)
        assert (rows(workspace, "doubt", cell)["mutual_information"] == 0).all()


def test_mutual_information_is_what_scipy_makes_of_the_members(finished: Any) -> None:
    """H(mean) - mean H of the stored members in nats; members are stored once, not with the score."""
    _, workspace, _ = finished
    for cell in CELLS:
        members = rows(workspace, "mixed", cell)["members"].astype(np.float64)
        expected = entropy(members.mean(1), axis=1) - entropy(members, axis=2).mean(1)
        table = rows(workspace, "doubt", cell)
        # SciPy normalises float32 rows first, which moves them by 1e-7.
        np.testing.assert_allclose(table["mutual_information"], expected, atol=1e-6)
        assert table["mutual_information"].max() > 0.1
        assert "members" not in table
        assert "probs" in table


def test_an_ensemble_can_be_calibrated(finished: Any) -> None:
    """What fits a calibrator are the ensemble's log probabilities, with the ensemble's classes."""
    plan, workspace, results = finished
    assert any("only 32 rows" in note for note in results["calibrated"].notes)
    toolbox = Toolbox(plan, workspace)
    [fit_on] = plan.steps["calibrated"].fitted_by
    cell = plan.steps["calibrated"].cells[0]
    stream = StoredAnswers(toolbox, plan.steps["calibrated"], cell, fit_on, None)
    assert stream.class_names == tuple(f"class_{k}" for k in range(4))
    logits = torch.cat([block.logits for block in stream if block.logits is not None])
    held = rows(workspace, "learnt", "")
    known = held["probs"] > 0
    np.testing.assert_allclose(logits.numpy()[known], np.log(held["probs"][known]), rtol=1e-6)
    for cell in CELLS:
        assert np.array_equal(
            rows(workspace, "calibrated", cell)["prediction"],
            rows(workspace, "ensemble", cell)["prediction"],
        )


@pytest.mark.parametrize(
    ("overrides", "workers"), [(("run.shard_size=5", "run.batch_size=3"), 3), ((), 2)]
)
def test_same_bytes_for_any_shard_and_worker_count(
    finished: Any,
    root: Path,
    registry_with: Any,
    tmp_path: Path,
    overrides: tuple[str, ...],
    workers: int,
) -> None:
    """Tables of members and of what goes by them are equal bit for bit."""
    plan, workspace = planned(root, tmp_path, STEPS, *overrides, registry=registry_with())
    execute(plan, workspace, workers)
    for step in ("ensemble", "mixed", "everywhere", "doubt", "calibrated"):
        ours, theirs = (
            hashlib.sha256((out / f"artifacts/members/{step}/table.parquet").read_bytes())
            for out in (workspace.outputs, finished[1].outputs)
        )
        assert ours.hexdigest() == theirs.hexdigest(), step


def test_other_members_are_another_ensemble(finished: Any, root: Path, registry_with: Any) -> None:
    """The order of sources or of members: what rests on them is stale; DVC has the states."""
    art = "artifacts/members"
    assert set(finished[0].stage("ensemble").deps) == {f"{art}/net", f"{art}/trees"}
    _, workspace, _ = finished
    swapped = STEPS.replace("[lines, trees]", "[trees, lines]")
    for steps, overrides, stale in (
        (STEPS, (), False),
        (swapped, (), True),
        (STEPS, ("matrix.member=[0, 2, 1]",), True),
    ):
        plan, _ = planned(root, workspace.outputs, steps, *overrides, registry=registry_with())
        stage = open_stage(plan, plan.stage("mixed"), workspace)
        assert bool(stage.pending()) == stale


def test_one_network_twice_is_refused(root: Path, registry_with: Any, tmp_path: Path) -> None:
    """Equal states on equal images: by two steps, or by a seed that the method does not use."""

    twice = "  again: {uses: plain, from: noisy}\n"
    twice += "  both: {uses: uncertainty/deep_ensemble, from: [lines, again]}\n"
    plan, workspace = planned(root, tmp_path / "a", twice, registry=registry_with())
    with pytest.raises(
        DataError, match=r"yaml:\d+: lines\[sigma=0.05\] and again\[sigma=0.05\] are"
    ):
        execute(plan, workspace)
    votes = (
        "  far: {uses: classifier/nearest_neighbours, fit_on: train, with: {neighbours: $member}}\n"
    )
    votes += "  near: {uses: far, from: noisy}\n"
    votes += "  all: {uses: uncertainty/deep_ensemble, from: near, over: member}\n"
    settings = ("matrix.member=[1, 5, 9]",)  # they have the same state: the training images
    plan, workspace = planned(root, tmp_path / "k", votes, *settings, registry=registry_with())
    execute(plan, workspace)
    unused = "  one: {uses: classifier/brightest, fit_on: train, with: {seed: $member}}\n"
    unused += "  stump: {uses: one, from: noisy}\n"
    unused += "  same: {uses: uncertainty/deep_ensemble, from: stump, over: member}\n"
    plan, workspace = planned(root, tmp_path / "b", unused, registry=registry_with(Brightest))
    with pytest.raises(DataError, match="one network, with the same state and the same answers"):
        execute(plan, workspace)


def test_ensembles_may_be_members(root: Path, registry_with: Any, tmp_path: Path) -> None:
    """An ensemble and its calibrated self are one answer each; two of one network are refused."""
    steps = "  forest: {uses: uncertainty/deep_ensemble, from: trees, over: member}\n"
    steps += "  wood: {uses: uncertainty/deep_ensemble, from: trees, over: member}\n"
    steps += "  both: {uses: uncertainty/deep_ensemble, from: [forest, lines]}\n"
    steps += "  more: {uses: uncertainty/deep_ensemble, from: [both, forest, lines]}\n"
    plan, workspace = planned(root, tmp_path / "a", steps, registry=registry_with())
    execute(plan, workspace)
    forest, both = (rows(workspace, step, CELLS[0])["probs"] for step in ("forest", "both"))
    lines = said(workspace, CELLS[0], "")[0]
    # Each is stored in float32 before it is a member.
    np.testing.assert_allclose(both, (forest.astype(np.float64) + lines) / 2, rtol=2e-7)
    steps += "  twice: {uses: uncertainty/deep_ensemble, from: [forest, wood]}\n"
    plan, workspace = planned(root, tmp_path / "b", steps, registry=registry_with())
    with pytest.raises(DataError, match=r"forest\[sigma=0.05\] and wood\[sigma=0.05\] are one"):
        execute(plan, workspace)


def test_members_of_other_classes_are_refused(
    root: Path, registry_with: Any, tmp_path: Path
) -> None:
    """Columns of two members must mean the same."""
    steps = "  other: {uses: classifier/backwards, from: noisy}\n"
    steps += "  both: {uses: uncertainty/deep_ensemble, from: [lines, other]}\n"
    plan, workspace = planned(root, tmp_path, steps, registry=registry_with(Backwards))
    with pytest.raises(
        DataError, match=r"same order; lines\[sigma=0.05\] has 4 \(class_0, class_1"
    ):
        execute(plan, workspace)
