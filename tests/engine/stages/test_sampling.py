"""Several answers of one network, run: keyed by image, from the images of the classifier's step."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from adversity.data.stored import StoredTable
from adversity.data.tables import read_table
from adversity.engine.public.open_stage import open_stage
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import InputError, StorageError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: drawn
seed: 3
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
matrix: {sigma: [0.05, 0.2]}
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 2, width: 4, dropout: 0.3}}
  noisy: {uses: degradation/gaussian_noise, from: test, with: {sigma: $sigma}}
  sharp: {uses: restoration/gamma_correction, from: noisy, with: {gamma: 0.8}}
  answers: {uses: net, from: sharp}
  dropout: {uses: uncertainty/mc_dropout, from: answers, with: {draws: 4}}
"""
MORE = """
  still: {uses: uncertainty/mc_dropout, from: answers, with: {draws: 2, p: 0}}
  doubt: {uses: uncertainty/mutual_information, from: dropout}
  pushed: {uses: attack/fgsm, from: noisy, against: answers, with: {eps: 8/255}}
  against: {uses: net, from: pushed}
  fooled: {uses: uncertainty/mc_dropout, from: against, with: {draws: 3}}
"""
CELLS = ("sigma=0.05", "sigma=0.2")
RUN = "run: {images: 0}\n"


def planned(root: Path, out: Path, registry: Any, *overrides: str, text: str = PIPELINE) -> Any:
    """Plan the pipeline; return plan and workspace."""
    file = root / "pipelines/drawn.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text + RUN, encoding="utf-8")
    loaded = load_pipeline(file, root=root, overrides=overrides)
    return make_plan(loaded, registry), Workspace(root, out, out / "store")


def execute(plan: Any, workspace: Workspace, workers: int = 1) -> dict[str, Any]:
    """Run all but the report; return the results."""
    names = [stage.step for stage in plan.stages if stage.step != "report"]
    return {step: compute_stage(plan, step, workspace, workers) for step in names}


@pytest.fixture(scope="module")
def finished(quarters: Path, registry_with: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Everything, run once: plan, workspace, results."""
    out = tmp_path_factory.mktemp("out")
    plan, workspace = planned(quarters, out, registry_with(), text=PIPELINE + MORE)
    return plan, workspace, execute(plan, workspace)


def rows(workspace: Workspace, step: str, cell: str) -> dict[str, Any]:
    """Return the rows of a cell."""
    table = read_table(workspace.outputs / f"artifacts/drawn/{step}/table.parquet")
    inside = table["cell"] == cell
    return {name: values[inside] for name, values in table.items()}


@pytest.mark.parametrize("cell", CELLS)
def test_a_rate_of_zero_is_the_classifier_on_the_same_images(finished: Any, cell: str) -> None:
    """Through noise and restoration: every draw is what the classifier's step stored."""
    _, workspace, results = finished
    ours, theirs = (rows(workspace, step, cell) for step in ("still", "answers"))
    probs = softmax(theirs["logits"].astype(np.float64), axis=1)
    assert ours["members"].shape == (24, 2, 4)
    # The softmax of torch and of SciPy round apart in the last bit of float64, which shows in few.
    for number in range(2):
        np.testing.assert_allclose(ours["members"][:, number], probs, rtol=2e-7)
    for name in ("id", "target", "prediction", "correct"):
        assert np.array_equal(ours[name], theirs[name]), name
    assert (
        results["still"].measures[cell]["accuracy"] == results["answers"].measures[cell]["accuracy"]
    )


@pytest.mark.parametrize("step", ["dropout", "fooled"])
def test_the_answer_is_the_mean_of_draws_that_differ(finished: Any, step: str) -> None:
    """On noisy images and on attacked ones; measures are those of one classifier."""
    _, workspace, results = finished
    for cell in CELLS:
        table = rows(workspace, step, cell)
        mean = table["members"].astype(np.float64).mean(1)
        np.testing.assert_allclose(table["probs"], mean, rtol=1e-6)
        assert (table["prediction"] == table["probs"].argmax(1)).all()
        assert (table["members"].std(1).max(1) > 1e-4).all()
        assert {"accuracy", "ece", "brier"} <= results[step].measures[cell].keys()


def test_masks_are_those_of_the_image_in_every_cell(finished: Any) -> None:
    """Conditions are compared on common random numbers, and images have numbers of their own."""
    _, workspace, _ = finished
    low, high = (
        np.log(rows(workspace, "dropout", cell)["members"].astype(np.float64)) for cell in CELLS
    )
    moved = [each - each.mean(1, keepdims=True) for each in (low, high)]
    same = np.corrcoef(moved[0].ravel(), moved[1].ravel())[0, 1]
    other = np.corrcoef(moved[0][:-1].ravel(), moved[1][1:].ravel())[0, 1]
    assert same > 0.6  # the images differ by their noise, too
    assert abs(other) < 0.4


def test_mutual_information_is_what_scipy_makes_of_the_draws(finished: Any) -> None:
    """H(mean) - mean H of the stored draws, in nats."""
    _, workspace, _ = finished
    for cell in CELLS:
        members = rows(workspace, "dropout", cell)["members"].astype(np.float64)
        expected = entropy(members.mean(1), axis=1) - entropy(members, axis=2).mean(1)
        # SciPy normalises float32 rows first, which moves them by 1e-7.
        found = rows(workspace, "doubt", cell)["mutual_information"]
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert found.max() > 1e-3


@pytest.mark.parametrize(
    ("overrides", "workers"), [(("run.shard_size=5", "run.batch_size=3"), 3), ((), 2)]
)
def test_same_bytes_for_any_shard_and_worker_count(
    finished: Any,
    quarters: Path,
    registry_with: Any,
    tmp_path: Path,
    overrides: tuple[str, ...],
    workers: int,
) -> None:
    """Draws are keyed by image: who stands beside it, and who computes it, is no matter."""
    plan, workspace = planned(quarters, tmp_path, registry_with(), *overrides)
    execute(plan, workspace, workers)
    digests = [
        hashlib.sha256((out / "artifacts/drawn/dropout/table.parquet").read_bytes()).hexdigest()
        for out in (workspace.outputs, finished[1].outputs)
    ]
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("changed", "stale"),
    [
        ("run.batch_size=2", False),
        ("steps.dropout.with.draws=5", True),
        ("steps.dropout.with.p=0.5", True),
        ("steps.sharp.with.gamma=0.9", True),
        ("seed=4", True),
        ("metrics=[metric/psnr]", False),
    ],
)
def test_what_changes_a_draw_makes_it_stale(
    finished: Any, quarters: Path, registry_with: Any, changed: str, stale: bool
) -> None:
    """And nothing else does: what the classifier's own table holds is not read."""
    _, workspace, _ = finished
    plan, _ = planned(quarters, workspace.outputs, registry_with(), changed)
    stage = open_stage(plan, plan.stage("dropout"), workspace)
    assert bool(stage.pending()) == stale


def test_a_network_without_dropout_is_refused_when_it_is_asked(
    quarters: Path, registry_with: Any, tmp_path: Path
) -> None:
    """It is known once the network is there; the message says what to do."""
    plan, workspace = planned(
        quarters, tmp_path, registry_with(), "steps.net.with.dropout=0", "matrix.sigma=[0.05]"
    )
    with pytest.raises(InputError, match="SmallNetwork has none with a rate above 0: train one"):
        execute(plan, workspace)


def test_a_matrix_varies_how_many_draws_there_are(
    quarters: Path, registry_with: Any, tmp_path: Path
) -> None:
    """Each cell has what a pipeline with that number alone has, with what is made of its draws."""
    sigma = PIPELINE.replace("[0.05, 0.2]", "[0.05]") + MORE
    of_several = sigma.replace("draws: 4", "draws: $draws")
    of_several = of_several.replace("matrix: {", "matrix: {draws: [2, 5], ")
    plan, workspace = planned(quarters, tmp_path / "several", registry_with(), text=of_several)
    results = execute(plan, workspace)
    path = workspace.outputs / "artifacts/drawn/dropout/table.parquet"
    with pytest.raises(StorageError, match=r"expected lists of one size, got \[2, 5\]"):
        read_table(path)
    table = StoredTable(path)
    for draws in (2, 5):
        alone = sigma.replace("draws: 4", f"draws: {draws}")
        one, place = planned(quarters, tmp_path / str(draws), registry_with(), text=alone)
        measures = execute(one, place)
        expected = rows(place, "dropout", "sigma=0.05")
        (key,) = (cell for cell in table.cells if f"draws={draws}" in cell)
        found = table.cell(key)
        assert found["members"].shape[1] == draws
        assert {*found} - {"draws"} == expected.keys()
        for name in expected.keys() - {"cell"}:
            np.testing.assert_array_equal(found[name], expected[name])
        for step in ("dropout", "doubt"):
            assert results[step].measures[key] == measures[step].measures["sigma=0.05"]
