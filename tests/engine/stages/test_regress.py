"""Regressors in runs: the same bytes however they are cut, vectors, missing targets, refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import norm
from toy_numbers import Lit, Other, Sometimes

import adversity
from adversity.data.arrays import read_arrays
from adversity.data.tables import read_table
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import DataError, PipelineError, PluginError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path


DATA = """
  train: {uses: dataset/lit, with: {width: $width, first: 100}}
  test: {uses: dataset/lit, with: {width: $width, unknown: $unknown}}
"""
STEPS = """
  noisy: {uses: degradation/gaussian_noise, from: test, with: {severity: 1}}
  line: {uses: regressor/bayesian_ridge, fit_on: train, with: {side: 2}}
  clean_light: {uses: line, from: test}
  light: {uses: line, from: noisy}
"""


@pytest.fixture
def run(tmp_path: Path, registry_with: Any) -> Any:
    """A function that runs all steps but the report; returns results and tables by step."""
    (tmp_path / "pipelines").mkdir()

    def ran(
        steps: str = STEPS,
        *,
        data: str = DATA,
        width: int = 1,
        unknown: int = 0,
        more: str = "",
        out: str = "out",
        workers: int = 1,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        data = data.replace("$width", str(width)).replace("$unknown", str(unknown))
        file = tmp_path / "pipelines/p.yaml"
        file.write_text(f"name: p\ndata:{data}steps:{steps}{more}", encoding="utf-8")
        plan = make_plan(load_pipeline(file, root=tmp_path), registry_with(Lit, Other, Sometimes))
        workspace = Workspace(tmp_path, tmp_path / out, tmp_path / f"store-{out}")
        wanted = [stage.step for stage in plan.stages if stage.step != "report"]
        results = {step: compute_stage(plan, step, workspace, workers) for step in wanted}
        tables = {
            step: workspace.outputs / plan.stage(step).out / "table.parquet"
            for step in wanted
            if not plan.steps.get(step) or plan.steps[step].role != "define"
        }
        return results, {step: path for step, path in tables.items() if path.is_file()}

    return ran


def test_any_cut_gives_the_same_bytes(run: Any) -> None:
    """Neither shards nor batches nor workers are in a number."""
    first = run(out="one")[1]
    for number, more in enumerate(("{shard_size: 7}", "{batch_size: 3}", "{shard_size: 1}")):
        other = run(more=f"run: {more}\n", out=f"other{number}", workers=1 + number % 2)[1]
        assert first.keys() == other.keys() == {"clean_light", "light"}
        for step, path in first.items():
            assert path.read_bytes() == other[step].read_bytes()


def test_columns_and_measures_of_one_number(run: Any) -> None:
    """`target`, `mean` and `variance` are `[N]` float64; errors are measured, no accuracy is."""
    results, tables = run()
    rows = read_table(tables["light"])
    lit = Lit()
    for name in ("target", "mean", "variance"):
        assert (rows[name].dtype, rows[name].shape) == (np.float64, (30,))
    assert rows["target"].tolist() == [lit.item(i).target for i in range(30)]
    assert not {"prediction", "correct", "confidence", "logits", "probs"} & rows.keys()
    measures = results["light"].measures[""]
    error = rows["mean"] - rows["target"]
    assert measures["rmse"].value == pytest.approx(np.sqrt((error**2).mean()), rel=1e-12)
    assert measures["rmse"].value < 0.5 < rows["target"].std()
    kinds = {"rmse", "mae", "r_squared", "gaussian_nll", "interval_coverage"}
    assert {*measures} - {"psnr_db", "ssim"} == kinds


def test_vectors_are_wide_columns(run: Any) -> None:
    """Two numbers stand in `[N, 2]`, and what each is stands in the details."""
    results, tables = run(width=2)
    rows = read_table(tables["clean_light"])
    assert rows["target"].shape == rows["mean"].shape == rows["variance"].shape == (30, 2)
    rmse = results["clean_light"].measures[""]["rmse"]
    assert rmse.details["per_number"].keys() == {"light", "square"}
    error = rows["mean"] - rows["target"]
    assert rmse.value == pytest.approx(np.sqrt((error**2).mean()), rel=1e-12)


@pytest.mark.parametrize(("grouped", "left_out"), [(5, 6), (0, 30)])
def test_a_fit_is_told_the_groups_of_its_images(
    run: Any, tmp_path: Path, grouped: int, left_out: int
) -> None:
    """Jackknife+ leaves out whole groups where samples have such: 30 of them in 6."""
    data = f"""
  train: {{uses: dataset/lit, with: {{first: 100, grouped: {grouped}}}}}
  test: {{uses: dataset/lit}}
"""
    ridge = "{uses: bayesian_ridge, with: {side: 2}}"
    steps = f"""
  line: {{uses: regressor/cv_plus, fit_on: train, with: {{regressor: {ridge}, folds: null}}}}
  light: {{uses: line, from: test}}
"""
    results, tables = run(steps, data=data)
    (found,) = (tmp_path / "out").rglob("line/states/all.safetensors")
    folds = read_arrays(found)[0]["folds"]
    assert len(set(folds.tolist())) == left_out
    assert all(len(set(part)) == 1 for part in np.split(folds, left_out))
    rows = read_table(tables["light"])
    half = norm.ppf(0.95) * np.sqrt(rows["variance"])
    held = (np.abs(rows["target"] - rows["mean"]) <= half).mean()
    assert results["light"].measures[""]["interval_coverage"].value == pytest.approx(held)
    assert held > 0.7


@pytest.mark.parametrize("width", [1, 2])
def test_samples_without_a_target_count_in_no_error(run: Any, width: int) -> None:
    """They are estimated all the same, and the step says how many they are."""
    results, tables = run(width=width, unknown=4)
    rows = read_table(tables["clean_light"])
    assert np.isnan(rows["target"][:4]).all()
    assert np.isfinite(rows["mean"]).all()
    assert {m.n for m in results["clean_light"].measures[""].values()} == {26}
    (note,) = (n for n in results["clean_light"].notes if "no target" in n)
    assert "test: 4 of 30 samples have no target; they count in no error" in note


def test_a_fit_leaves_them_out(run: Any) -> None:
    """And says on how many it learnt."""
    data = DATA.replace("first: 100", "first: 100, unknown: 5")
    results, _ = run(data=data)
    assert any("fitted on 25 of the 30 samples" in note for note in results["line"].notes)


def test_data_without_numbers_are_estimated_and_not_judged(run: Any, tmp_path: Path) -> None:
    """A folder of photos has no targets: there is no column, no error, and a note."""
    folder = tmp_path / "photos/some"
    folder.mkdir(parents=True)
    for i in range(3):
        Image.fromarray(np.full((8, 8), 60 * i, np.uint8)).save(folder / f"{i}.png")
    data = DATA + "  photos: {uses: dataset/folder, with: {path: photos}}\n"
    results, tables = run(STEPS + "  new: {uses: line, from: photos}\n", data=data)
    assert "target" not in read_table(tables["new"])
    assert not results["new"].measures[""]
    assert any("photos has no numbers" in note for note in results["new"].notes)


def test_other_numbers_than_the_datas_are_refused(run: Any) -> None:
    """A weight is not held against a brightness."""
    with pytest.raises(DataError) as refused:
        run("\n  weight: {uses: regressor/other, from: test}\n")
    assert "expected of weight the numbers of test, light, got weight" in str(refused.value)


def test_numbers_are_learnt_from_numbers(run: Any, tmp_path: Path) -> None:
    """Class folders are refused by the fit."""
    for label in "ab":
        folder = tmp_path / "photos" / label
        folder.mkdir(parents=True)
        Image.fromarray(np.full((8, 8), 60, np.uint8)).save(folder / "0.png")
    data = "\n  photos: {uses: dataset/folder, with: {path: photos}}\n"
    with pytest.raises(DataError, match="fit_on: photos has no numbers to learn"):
        run("\n  line: {uses: regressor/bayesian_ridge, fit_on: photos}\n", data=data)


def test_a_variance_now_and_then_breaks_the_promise(run: Any) -> None:
    """A column is there for all rows or for none."""
    with pytest.raises(PluginError, match="a variance for all images or for none"):
        run("\n  sure: {uses: regressor/sometimes, from: test}\n")


REFUSED = {
    "a calibrator": (
        "  bad: {uses: uncertainty/temperature_scaling, from: light, fit_on: light}",
        "light is numbers",
    ),
    "a score": ("  bad: {uses: uncertainty/entropy, from: light}", "light is numbers"),
    "an ensemble of answers": (
        "  bad: {uses: uncertainty/deep_ensemble, from: [light, clean_light]}",
        "light is numbers; regressor/ensemble combines regressors: mean, and the variance",
    ),
    "an attack": (
        "  bad: {uses: attack/pgd, from: test, against: light, with: {norm: linf, eps: 8/255}}",
        "light is numbers",
    ),
    "accuracy": (
        "  bad: {uses: metric/accuracy, from: light}",
        "needs correct, and light gives numbers, not classes",
    ),
    "a likelihood of classes": (
        "  bad: {uses: metric/nll, from: light}",
        "measures answers in classes, and light gives numbers",
    ),
    "errors of classes": (
        (
            "  net: {uses: classifier/logistic_regression, fit_on: train}\n"
            "  named: {uses: net, from: test}\n"
            "  bad: {uses: metric/regression_error, from: named}"
        ),
        "needs mean, which regressors alone give; named answers in classes",
    ),
    "a gate on accepted answers": (
        "gates: [light.accepted_share >= 0.5]",
        "has no measure accepted_share",
    ),
    "a gate on sets": ("gates: [light.set_coverage >= 0.5]", "has no measure set_coverage"),
    "balanced weights": (
        "  bad: {uses: regressor/bayesian_ridge, fit_on: train, weights: balanced}",
        'weights: balanced is of classes, and regressor "bayesian_ridge"',
    ),
    "a gate on accuracy": ("gates: [light.accuracy >= 0.5]", "has no measure accuracy"),
    "groups of classes": (
        "  bad: {uses: line, from: noisy, classes: [a, b]}",
        "classes: is for",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_pairings_are_refused_before_the_run(run: Any, case: str) -> None:
    """With a sentence, and the line."""
    steps, says = REFUSED[case]
    with pytest.raises(PipelineError) as refused:
        run(STEPS + steps + "\n")
    assert says in str(refused.value)
    assert "p.yaml:" in str(refused.value)
    assert "did you mean accepted" not in str(refused.value)


def test_gates_and_metric_steps_take_numbers(run: Any) -> None:
    """A step of its own measures with its own level; a gate on an error is planned."""
    steps = STEPS + "  half: {uses: metric/interval_coverage, from: light, with: {level: 0.5}}\n"
    results, _ = run(steps, more="gates: [light.rmse <= 5]\n")
    assert results["half"].measures[""]["interval_coverage"].convention["nominal"] == 0.5


def test_regressors_take_turns(run: Any) -> None:
    """A variable stands for one, or for its parameters."""
    steps = STEPS.replace("{side: 2}", "{side: $side}")
    results, _ = run(steps, more="matrix: {side: [1, 2]}\n")
    values = {key: cell["rmse"].value for key, cell in results["light"].measures.items()}
    assert values.keys() == {"side=1", "side=2"}
    assert len(set(values.values())) == 2


def test_draws_with_replacement_are_of_samples_with_numbers(run: Any) -> None:
    """Each draw learns something else, and none from a sample without a target."""
    steps = STEPS.replace("fit_on: train,", "fit_on: train, bootstrap: $draw,")
    data = DATA.replace("first: 100", "first: 100, unknown: 5")
    results, _ = run(steps, data=data, more="matrix: {draw: [1, 2]}\n")
    values = {key: cell["rmse"].value for key, cell in results["light"].measures.items()}
    assert values.keys() == {"draw=1", "draw=2"}
    assert len(set(values.values())) == 2
    assert all(value < 1 for value in values.values())


def test_weights_of_images_are_those_of_python(run: Any) -> None:
    """An attribute says what each counts; what weighs nothing is left out, and said to be."""
    steps = STEPS.replace("fit_on: train,", "fit_on: train, weights: counts,")
    data = DATA.replace("first: 100", "first: 100, counted: true")
    results, tables = run(steps, data=data)
    assert any("without 10 samples of train" in note for note in results["line"].notes)
    train, test = Lit(first=100), Lit()
    rows = [i for i in range(30) if i % 3]
    images, new = (
        torch.stack([torch.from_numpy(lit.item(i).image)[None] for i in places])
        for lit, places in ((train, rows), (test, range(30)))
    )
    ridge = adversity.create("regressor", "bayesian_ridge", side=2)
    targets = [train.item(i).target for i in rows]
    model = ridge.fit(images, targets, target_names=["light"], weights=[i % 3 for i in rows])
    said = model(new)
    table = read_table(tables["clean_light"])
    assert table["mean"].tolist() == said.mean[:, 0].tolist()
    assert table["variance"].tolist() == said.variance[:, 0].tolist()  # type: ignore[index]
