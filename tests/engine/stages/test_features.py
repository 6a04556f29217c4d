"""Features in tables, and detectors that go by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.covariance import EmpiricalCovariance

from adversity.data.arrays import read_arrays
from adversity.engine.public.run import compute_stage
from adversity.errors import DataError, InputError
from adversity.metrics import auroc, mmd

if TYPE_CHECKING:
    from pathlib import Path

from feature_runs import ALONE, STRANGE, Blind, Quarters, Run


@pytest.fixture(scope="module")
def finished(quarters: Path, registry_with: Any, tmp_path_factory: Any) -> Any:
    """Everything, run once."""
    run = Run(quarters, tmp_path_factory.mktemp("out"), STRANGE, registry_with(Quarters))
    return run, run.all()


def test_tables_hold_what_the_classifier_gives(finished: Any) -> None:
    """Float32, a row for each image, in each cell; the table of the detector has no copy."""
    run, _ = finished
    for step, rows in (("held", 32), ("answers", 48), ("clean", 24)):
        table = run.table(step)
        assert (table["features"].dtype, table["features"].shape) == (np.float32, (rows, 4))
        # The toy's logits are its features times 20.
        np.testing.assert_allclose(table["logits"], 20 * table["features"], rtol=1e-6)
    assert "features" not in run.table("strange")


def test_scores_are_those_of_scikit_learn(finished: Any) -> None:
    """Distances from the stored features by another implementation, for each cell."""
    run, results = finished
    held, answers = run.table("held"), run.table("answers")
    rows, targets = held["features"].astype(np.float64), held["target"]
    means = np.stack([rows[targets == k].mean(0) for k in range(4)])
    centred = rows - means[targets]
    shared = centred.T @ centred / len(rows)
    shared += 0.01 * np.trace(shared) / 4 * np.eye(4)
    model = EmpiricalCovariance(assume_centered=True).fit(centred)
    model.precision_ = np.linalg.inv(shared)
    away = answers["features"].astype(np.float64)
    expected = np.min([model.mahalanobis(away - mean) for mean in means], 0)
    table = run.table("strange")
    np.testing.assert_allclose(table["mahalanobis"], expected, rtol=1e-9)
    assert table["mahalanobis"].dtype == np.float64
    assert np.array_equal(table["prediction"], answers["prediction"])
    usual = run.table("usual")["mahalanobis"]
    for cell in ("severity=1", "severity=5"):
        there = table["mahalanobis"][table["cell"] == cell]
        measured = results["known"].measures[cell]["auroc"].value
        assert measured == pytest.approx(auroc(usual, there).value, abs=1e-12)
    light, heavy = (results["known"].measures[f"severity={s}"]["auroc"].value for s in (1, 5))
    assert 0.5 < light < heavy
    state, info = read_arrays(run.folder / "found/states/all.safetensors")
    assert state["means"].shape == (4, 4)
    assert (info["n"], info["rank"], info["note"]) == (32, 4, "")


def test_the_head_is_that_of_the_classifier(finished: Any) -> None:
    """Energies of 20 times the features, which are cut at their median on the fitting images."""
    run, _ = finished
    median = np.sort(run.table("held")["features"].ravel())[63]  # of 128 values
    cut = np.minimum(run.table("answers")["features"], median) * np.float32(20)
    expected = -np.log(np.exp(cut.astype(np.float64)).sum(1))
    np.testing.assert_allclose(run.table("cut")["react"], expected, rtol=1e-12)
    stage = run.plan.stage("cut")
    assert "steps.answers" in str(stage.params)
    assert "steps.answers" not in str(run.plan.stage("strange").params)


def test_a_classifier_without_a_head_is_named(
    quarters: Path, registry_with: Any, tmp_path: Path
) -> None:
    """It has features, and only set up it says that nothing leads from them to its answers."""
    steps = "  seen: {uses: classifier/quarters, from: train, with: {split: 4}}\n"
    steps += "  wide: {uses: classifier/quarters, from: test, with: {split: 4}}\n"
    steps += "  cut: {uses: uncertainty/react, from: wide, fit_on: seen}\n"
    run = Run(quarters, tmp_path, steps, registry_with(Quarters))
    with pytest.raises(InputError, match=r'"quarters".* does not say what features mean: expected'):
        run.all(["seen", "wide", "cut"])


def test_without_a_consumer_nothing_is_kept(
    finished: Any, quarters: Path, registry_with: Any, tmp_path: Path
) -> None:
    """The table has no such column, other keys than with one, and the same answers."""
    run, _ = finished
    lone = Run(quarters, tmp_path, "", registry_with(Quarters))
    lone.all()
    for step in ("held", "answers", "clean"):
        ours, theirs = lone.table(step), run.table(step)
        assert "features" not in ours
        assert ours.keys() == theirs.keys() - {"features"}
        for name in ours:
            np.testing.assert_array_equal(ours[name], theirs[name])
    ours, theirs = lone.keys(), run.keys()
    assert not set(ours.values()) & set(theirs.values())
    assert "features" not in str(lone.plan.resolved)
    only = Run(quarters, tmp_path, ALONE, registry_with(Quarters)).keys()
    assert only["clean"] == ours["clean"]
    assert {only[step] == theirs[step] for step in ("held", "answers")} == {True}


def test_any_shards_give_the_same_bytes(
    finished: Any, quarters: Path, registry_with: Any, tmp_path: Path
) -> None:
    """Shards and batches of another size, one that no block of 16 divides."""
    run, _ = finished
    sizes = ("run.shard_size=7", "run.batch_size=3")
    other = Run(quarters, tmp_path, STRANGE, registry_with(Quarters), *sizes)
    other.all()
    for step in ("held", "answers", "strange", "usual", "cut"):
        first, second = (r.folder / step / "table.parquet" for r in (run, other))
        assert first.read_bytes() == second.read_bytes()


def test_an_attack_on_a_detector_attacks_the_classifier(
    quarters: Path, registry_with: Any, tmp_path: Path
) -> None:
    """The same images as against the predictions, for which no features are kept."""
    attack = "{uses: attack/fgsm, from: test, against: STEP, with: {eps: 8/255}}"
    steps = "  found: {uses: uncertainty/mahalanobis, from: clean, fit_on: held}\n"
    steps += f"  by_score: {attack.replace('STEP', 'found')}\n"
    steps += f"  by_answer: {attack.replace('STEP', 'clean')}\n"
    run = Run(quarters, tmp_path, steps, registry_with(Quarters))
    run.all(["held", "clean", "found", "by_score", "by_answer"])
    first, second = run.table("by_score"), run.table("by_answer")
    assert "features" not in first
    for name in ("id", "prediction", "distance", "fooled"):
        assert np.array_equal(first[name], second[name])
    images = [
        [file.read_bytes() for file in sorted((run.folder / step).rglob("images/*/*"))]
        for step in ("by_score", "by_answer")
    ]
    assert images[0]
    assert images[0] == images[1]
    assert first["fooled"].any()


def test_a_classifier_that_offers_none_is_named(
    quarters: Path, registry_with: Any, tmp_path: Path
) -> None:
    """One message at the first batch, with the line of the step."""
    run = Run(quarters, tmp_path, ALONE, registry_with(Blind))
    with pytest.raises(InputError) as caught:
        run.all()
    assert "strange.yaml:9: " in str(caught.value)
    assert "offers no features, and a step goes by those of held; use a classifier" in str(
        caught.value
    )


def test_cells_of_several_widths_are_refused(
    quarters: Path, registry_with: Any, tmp_path: Path
) -> None:
    """One table holds features of one width; both are named."""
    steps = ALONE.replace("answers", "wide").replace("held", "seen")
    steps += "  wide: {uses: classifier/quarters, from: test, with: {split: $severity}}\n"
    steps += "  seen: {uses: classifier/quarters, from: train, with: {split: $severity}}\n"
    run = Run(quarters, tmp_path, steps, registry_with(Quarters), "matrix.severity=[2, 4]")
    with pytest.raises(
        DataError, match="got 4 in severity=2 and 16 in severity=4; write a step for each"
    ):
        run.all(["wide"])


def test_what_only_fits_is_not_measured(quarters: Path, registry_with: Any, tmp_path: Path) -> None:
    """The images that trained the network fit a detector; how right it is on them is not said."""
    steps = """
  noisy_train: {uses: degradation/gaussian_noise, from: train, with: {severity: 1}}
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 2, width: 4}}
  seen: {uses: net, from: noisy_train}
  judged: {uses: net, from: test}
  strange: {uses: uncertainty/mahalanobis, from: judged, fit_on: seen, with: {ridge: 0.01}}
metrics: [metric/psnr]
"""
    run = Run(quarters, tmp_path, steps, registry_with(Quarters))
    results = run.all()
    assert results["seen"].measures == {"": {}}
    [note] = [note for note in results["seen"].notes if "nothing is measured" in note]
    assert note == "seen: nothing is measured of it, since it is there to fit strange alone"
    assert len(results["seen"].notes) == 1
    assert "accuracy" in results["judged"].measures[""]
    assert "accuracy" in results["strange"].measures[""]
    table = run.table("seen")
    assert table["features"].shape == (32, 32)
    report = compute_stage(run.plan, "report", run.workspace, 1)
    assert report.rows is not None


def test_a_metric_compares_the_features_of_two_tables(
    quarters: Path, registry_with: Any, tmp_path: Path
) -> None:
    """In each cell, the noisy images with the clean ones: pairs by id, which noise moves."""
    steps = "  moved: {uses: metric/mmd, from: answers, against: clean, with: {permutations: 99}}\n"
    steps += "  told: {uses: metric/classifier_test, from: answers, against: clean}\n"
    run = Run(quarters, tmp_path, steps, registry_with(Quarters))
    results = run.all()
    table, clean = run.table("answers"), run.table("clean")["features"]
    for cell in ("severity=1", "severity=5"):
        rows = table["features"][table["cell"] == cell]
        names = np.arange(24)
        expected = mmd(rows, clean, groups=(names, names), permutations=99)
        found = results["moved"].measures[cell]
        assert found["mmd"].value == pytest.approx(expected.value, abs=1e-9)
        assert found["mmd_p_value"].value == expected.details["p_value"]
        assert "sides swapped within samples" in found["mmd"].convention["test"]
        assert found["mmd"].info.group == "shift"
        assert 0 <= results["told"].measures[cell]["classifier_test_accuracy"].value <= 1
    assert "features" in run.table("clean")
    assert "features" not in run.table("held")
