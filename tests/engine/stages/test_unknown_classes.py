"""Samples of unknown classes and without a label: kept, said, usable, and in no judgement."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from toy_labels import COUNT, JUDGED, TOYS

from adversity.data.tables import read_table
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import DataError, InputError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

STEPS = """
  fit: {uses: classifier/bright, from: held}
  answers: {uses: classifier/bright, from: photos}
  warm: {uses: uncertainty/temperature_scaling, from: answers, fit_on: fit}
  sets: {uses: uncertainty/conformal, from: answers, fit_on: fit, with: {alpha: 0.2}}
  few: {uses: attack/pgd, from: photos, against: answers, with: {eps: 0.03, steps: 4}}
  rounds: {uses: attack/cascade, from: photos, against: answers, with: {eps: 0.03, effort: 0.03}}
  near: {uses: attack/deepfool, from: photos, against: answers}
"""
HELD = "  held: {uses: dataset/mixed, with: {rows: ROWS, seed: 1}, unknown: keep}\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: Any, registry_with: Any) -> Any:
    """A function that runs steps on the mixed data; returns folder and results."""

    def ran(photos: str, steps: str, held: str = "judged", *overrides: str) -> Any:
        root: Path = tmp_path_factory.mktemp("labels")
        file = root / "pipelines/p.yaml"
        file.parent.mkdir()
        data = f"  photos: {{uses: dataset/mixed, {photos}}}\n" + HELD.replace("ROWS", held)
        file.write_text(f"name: p\ndata:\n{data}steps:\n{steps}", encoding="utf-8")
        plan = make_plan(load_pipeline(file, root=root, overrides=overrides), registry_with(*TOYS))
        workspace = Workspace(root, root / "out", root / "store")
        wanted = [stage.step for stage in plan.stages if stage.step != "report"]
        results = {step: compute_stage(plan, step, workspace, 1) for step in wanted}
        return root / "out/artifacts/p", results

    return ran


@pytest.fixture(scope="module")
def whole(run: Any) -> Any:
    """All samples, those without a class among them; calibrated on such data as well."""
    return run("unknown: keep", STEPS, "all")


@pytest.fixture(scope="module")
def judged(run: Any) -> Any:
    """The same samples without those that have no class."""
    return run("with: {rows: judged}", STEPS)


def test_every_measure_is_that_of_the_samples_with_a_class(whole: Any, judged: Any) -> None:
    """Twelve more samples change no number that rests on labels.

    The size of sets and the quality of images speak of all; hidden pixels are looked for in the
    data set's first samples, which are others here.
    """
    ours, theirs = (
        {step: result.as_json()["cells"] for step, result in results.items()}
        for _, results in (whole, judged)
    )
    sizes = ("set_size", "empty_set_share")
    for cells in (ours, theirs):
        for step in ("answers", "few", "rounds", "near"):
            for name in ("hidden_pixels_share", "psnr_db", "ssim"):
                cells[step][""].pop(name, None)
        for name in sizes:
            assert cells["sets"][""].pop(name)["n"] == (COUNT if cells is ours else len(JUDGED))
    assert json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True)
    assert ours["answers"][""]["accuracy"]["n"] == len(JUDGED)
    assert 0 < ours["answers"][""]["accuracy"]["value"] < 1
    assert 0 < ours["few"][""]["attack_success"]["value"] < 1


def test_targets_tell_unknown_from_unlabelled(whole: Any) -> None:
    """-1 is a class that the classifier lacks, -2 is no label; neither is right or attacked."""
    folder, _ = whole
    rows = read_table(folder / "answers/table.parquet")
    assert rows["target"].tolist() == [0, 1, -1, -2] * (COUNT // 4)
    assert not rows["correct"][rows["target"] < 0].any()
    none = rows["target"] < 0
    for step in ("few", "rounds", "near"):
        attacked = read_table(folder / step / "table.parquet")
        assert attacked["queries"][none].max() == 0
        assert attacked["gradients"][none].max() == 0
        assert not attacked["fooled"][none].any()
        assert attacked["queries"][~none].max() > 0
    assert not read_table(folder / "sets/table.parquet")["in_set"][none].any()


def test_it_is_said_how_many_and_what_follows(whole: Any, judged: Any) -> None:
    """A note names the classes and counts; fits say what they learnt from."""
    _, results = whole
    kept = "photos: 6 of 24 samples are kept as unknown, of classes that answers lacks ('newt'); "
    kept += "6 of 24 samples have no label; they "
    assert f"{kept}count in no accuracy" in results["answers"].notes
    for step in ("few", "rounds", "near"):
        assert f"{kept}are not attacked, and count in no robust accuracy" in results[step].notes
    fitted = "warm was fitted on 12 of the 24 samples of fit; the others have no class that it can"
    assert any(note.startswith(fitted) for note in results["warm"].notes)
    assert not any("unknown" in note for result in judged[1].values() for note in result.notes)


def test_unknown_classes_are_refused_unless_kept(run: Any) -> None:
    """The message names the class and both ways out."""
    with pytest.raises(DataError, match=r"'newt'.*`labels:` file.*or keep .* `unknown: keep`"):
        run("with: {rows: all}", "  answers: {uses: classifier/bright, from: photos}\n")


def test_a_mapped_class_must_be_there_all_the_same(run: Any, tmp_path: Path) -> None:
    """What a labels file names and no classifier has is a slip, kept or not."""
    from adversity.engine.set_up.class_indices import class_indices

    class Two:
        name, synsets, class_names = "two", None, ("a", "b")

    names = ["newt", "a"]
    assert class_indices(names, [0, 1], Two(), keep_unknown=True).tolist() == [-1, 0]
    with pytest.raises(DataError, match=r"mapped to 'aa'"):
        class_indices(names, [0, 1], Two(), labels={"newt": "aa"}, keep_unknown=True)


def test_open_set_is_the_area_between_known_and_unknown(run: Any) -> None:
    """scikit-learn's area from the stored confidences; unlabelled samples are on neither side."""
    steps = "  answers: {uses: classifier/bright, from: photos}\n"
    steps += "  apart: {uses: metric/open_set, from: answers}\n"
    folder, results = run("unknown: keep", steps)
    rows = read_table(folder / "answers/table.parquet")
    labelled = rows["target"] > -2
    truth = roc_auc_score(rows["target"][labelled] == -1, -rows["confidence"][labelled])
    found = results["apart"].measures[""]["auroc"]
    assert found.value == pytest.approx(truth, abs=1e-12)
    assert (found.details["known"], found.details["unknown"]) == (12, 6)


def test_two_tables_of_known_and_unknown(run: Any) -> None:
    """A set of unknown classes alone is labelled and usable; mixed up as known it is refused."""
    steps = "  answers: {uses: classifier/bright, from: photos}\n"
    steps += "  strange: {uses: classifier/bright, from: held}\n"
    steps += "  apart: {uses: metric/auroc, from: FIRST, against: SECOND}\n"
    right = steps.replace("FIRST", "answers").replace("SECOND", "strange")
    folder, results = run("with: {rows: judged}", right, "unknown")
    assert results["strange"].measures[""].keys() == set()
    assert results["apart"].measures[""]["auroc"].n == len(JUDGED) + 6
    assert read_table(folder / "strange/table.parquet")["target"].tolist() == [-1] * 6
    wrong = steps.replace("FIRST", "strange").replace("SECOND", "answers")
    with pytest.raises(
        InputError, match=r"6 of its 6 samples are of unknown ones.*metric/open_set"
    ):
        run("with: {rows: judged}", wrong, "unknown")


def test_data_without_any_label_are_as_before(run: Any) -> None:
    """No target, no verdict, no note."""
    folder, results = run(
        "with: {rows: unlabelled}", "  answers: {uses: classifier/bright, from: photos}\n"
    )
    rows = read_table(folder / "answers/table.parquet")
    assert "target" not in rows
    assert "correct" not in rows
    assert results["answers"].notes == ()


def test_rows_do_not_hang_on_shards(run: Any) -> None:
    """Any shard and batch size: the same bytes."""
    one, _ = run("unknown: keep", STEPS, "all", "run.shard_size=5", "run.batch_size=3")
    other, _ = run("unknown: keep", STEPS, "all")
    for step in ("answers", "few", "rounds", "near", "warm", "sets"):
        first, second = (folder / step / "table.parquet" for folder in (one, other))
        assert first.read_bytes() == second.read_bytes(), step


def test_a_metric_is_given_the_rows_with_a_class(whole: Any) -> None:
    """Parts and columns of what a metric gets hold these alone."""
    from adversity import Metric, Table
    from adversity.data.stored import StoredTable
    from adversity.engine.calls.judged_rows import judged_tables

    class Asks(Metric):
        name = "asks"

        def compute(self, table, reference=None):
            return {}

    folder, _ = whole
    stored = StoredTable(folder / "answers/table.parquet").cell("")
    [given] = judged_tables(Asks(), Table(stored), None)
    assert len(given) == len(JUDGED)
    assert np.concatenate([part["target"] for part in given.parts()]).min() == 0
    assert given["logits"].shape == (len(JUDGED), 2)
