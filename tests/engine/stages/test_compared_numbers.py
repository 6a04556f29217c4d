"""Numbers before and after a restoration: paired gains, in a step and in the report, and images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from scipy import stats
from toy_numbers import Lit

import adversity
from adversity import Predictive, Regressor, Restoration, metrics
from adversity.data.tables import read_table
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.summary.summarise import build_report
from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

STEPS = """
  noisy: {uses: degradation/gaussian_noise, from: test, with: {severity: $severity}}
  dimmed: {uses: restoration/dim, from: noisy}
  meter: {uses: regressor/meter, with: {sure: $sure, width: $width}}
  clean_light: {uses: meter, from: test}
  noisy_light: {uses: meter, from: noisy}
  dimmed_light: {uses: meter, from: dimmed}
  gain: {uses: metric/regression_gain, from: dimmed_light, against: noisy_light}
"""


class Dim(Restoration):
    """Makes images darker, so that what they are estimated by is less."""

    name: ClassVar[str] = "dim"

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return 0.9 * images


class Biased(Regressor):
    """Reads ten times the mean of an image, and more by a tenth of its seed."""

    name: ClassVar[str] = "biased"
    seed: int = 0
    target_names: ClassVar[tuple[str, ...]] = ("light",)

    def predict(self, images: torch.Tensor) -> Predictive:
        return Predictive(mean=10 * images.double().mean((1, 2, 3))[:, None] + 0.1 * self.seed)


class Meter(Regressor):
    """Reads ten times the mean of an image, and is sure of it to half a unit or says nothing."""

    name: ClassVar[str] = "meter"
    sure: bool = True
    width: int = 1

    @property
    def target_names(self) -> tuple[str, ...]:
        return ("light", "square")[: self.width]

    def predict(self, images: torch.Tensor) -> Predictive:
        light = images.double().mean((1, 2, 3))
        mean = torch.stack([10 * light, 10 * light**2][: self.width], 1)
        return Predictive(mean=mean, variance=torch.full_like(mean, 0.25) if self.sure else None)


@pytest.fixture
def run(tmp_path: Path, registry_with: Any) -> Any:
    """A function that runs all steps but the report; returns report, results and tables."""
    (tmp_path / "pipelines").mkdir()

    def ran(
        steps: str = STEPS, *, data: str = "", sure: str = "true", width: int = 1, matrix: str = ""
    ) -> Any:
        written = steps.replace("$sure", sure).replace("$width", str(width))
        file = tmp_path / "pipelines/p.yaml"
        file.write_text(
            f"name: p\ndata:\n  test: {{uses: dataset/lit, with: {{width: {width}{data}}}}}\n"
            f"matrix: {{severity: [1, 3]{matrix}}}\nsteps:{written}",
            encoding="utf-8",
        )
        plan = make_plan(load_pipeline(file, root=tmp_path), registry_with(Lit, Dim, Meter, Biased))
        workspace = Workspace(tmp_path, tmp_path / "out", tmp_path / "store")
        wanted = [stage.step for stage in plan.stages if stage.step != "report"]
        results = {step: compute_stage(plan, step, workspace, 1) for step in wanted}
        folder = workspace.outputs / "artifacts/p"
        tables = {
            step: read_table(folder / step / "table.parquet")
            for step in ("clean_light", "noisy_light", "dimmed_light")
        }
        return build_report(plan, workspace), results, tables

    return ran


def test_a_step_and_the_report_say_the_same_gain(run: Any) -> None:
    """For each cell: what NumPy says of the tables, and how many came nearer or went further."""
    report, results, tables = run()
    assert [gain.cell for gain in report.error_gains] == [{"severity": "1"}, {"severity": "3"}]
    for gain in report.error_gains:
        assert (gain.step, gain.before, gain.after) == ("dimmed", "noisy_light", "dimmed_light")
        was, now = (tables[step] for step in ("noisy_light", "dimmed_light"))
        rows = was["severity"] == int(gain.cell["severity"])
        errors = [np.abs(table["mean"] - table["target"])[rows] for table in (was, now)]
        roots = [np.sqrt((each**2).mean()) for each in errors]
        assert gain.difference.value == pytest.approx(roots[0] - roots[1], rel=1e-12)
        assert gain.nearer == (errors[1] < errors[0]).sum()
        assert gain.further == (errors[1] > errors[0]).sum()
        assert gain.nearer + gain.further == 30
        measured = results["gain"].measures[f"severity={gain.cell['severity']}"]
        assert measured["rmse_gain"].value == gain.difference.value
        assert (measured["rmse_gain"].low, measured["rmse_gain"].high) == (
            gain.difference.low,
            gain.difference.high,
        )
        assert measured["mae_gain"].value == pytest.approx((errors[0] - errors[1]).mean())


def test_samples_without_a_target_are_in_no_gain(run: Any) -> None:
    """Nor are they shown: nothing says how far off they are."""
    report, results, _ = run(data=", unknown: 20")
    assert [gain.difference.n for gain in report.error_gains] == [10, 10]
    assert results["gain"].measures["severity=1"]["mae_gain"].n == 10
    assert sum(report.population.values()) == 20
    assert {row.label for row in report.rows}.isdisjoint({"light nan"})


def test_images_show_targets_and_intervals(run: Any) -> None:
    """Each image with its estimate and half of its interval of 90 %, 1.645 standard deviations."""
    report, _, tables = run()
    assert sum(report.population.values()) == 60
    assert report.population["among the largest tenth of errors"] == 6
    table = tables["clean_light"]
    for row in report.rows:
        place = table["id"].tolist().index(row.id)
        target, mean = table["target"][place], table["mean"][place]
        assert row.label == f"light {target:.4g}"
        assert [image.step for image in row.images] == ["test", "noisy", "dimmed"]
        assert row.images[0].prediction == f"light {mean:.4g} ± 0.82"
        inside = abs(mean - target) <= 0.5 * 1.6449
        assert row.images[0].state == ("inside" if inside else "outside")
    assert {image.state for row in report.rows for image in row.images} == {"inside", "outside"}


def test_strata_are_those_of_the_errors(run: Any) -> None:
    """Who is said to be among the largest errors is; the others came nearer, or went further."""
    report, _, tables = run()
    was, now = (tables[step] for step in ("noisy_light", "dimmed_light"))
    for row in report.rows:
        own = was["severity"] == int(row.cell["severity"])
        before, after = (np.abs(each["mean"] - each["target"])[own] for each in (was, now))
        place = now["id"][own].tolist().index(row.id)
        if row.stratum == "among the largest tenth of errors":
            assert (after > after[place]).sum() < 3
        else:
            nearer = after[place] < before[place]
            wanted = "brought nearer" if nearer else "taken further"
            assert row.stratum == f"{wanted} by restoration"


def test_images_of_vectors_without_a_variance(run: Any) -> None:
    """Both numbers are written, and nothing is said to lie inside or outside."""
    report, _, tables = run(sure="false", width=2)
    table = tables["clean_light"]
    for row in report.rows:
        place = table["id"].tolist().index(row.id)
        light, square = table["mean"][place]
        assert row.images[0].prediction == f"light {light:.4g}, square {square:.4g}"
        assert {image.state for image in row.images} == {None}


def test_classes_and_numbers_are_not_compared(run: Any) -> None:
    """A table of classes has no mean; refused before anything runs."""
    steps = STEPS + (
        "  net: {uses: classifier/logistic_regression, fit_on: test}\n"
        "  named: {uses: net, from: noisy}\n"
        "  bad: {uses: metric/regression_gain, from: dimmed_light, against: named}\n"
    )
    with pytest.raises(PipelineError, match="needs mean, which regressors alone give; named"):
        run(steps)


FOLDED = """
  ridge: {uses: regressor/bayesian_ridge, fit_on: test, folds: 3, with: {side: 2}}
  clean_light: {uses: ridge, from: test}
  noisy: {uses: degradation/gaussian_noise, from: test, with: {severity: $severity}}
  noisy_light: {uses: ridge, from: noisy}
  dimmed_light: {uses: ridge, from: other}
"""


@pytest.mark.parametrize("width", [1, 2])
def test_each_image_is_estimated_by_what_did_not_see_it(run: Any, width: int) -> None:
    """Fits by hand without each fold give the same bits; other data are answered by that of all."""
    other = f"}}}}\n  other: {{uses: dataset/lit, with: {{first: 100, width: {width}"
    _, results, tables = run(FOLDED, data=other, width=width)
    lit, table = Lit(width=width), tables["clean_light"]
    images = torch.stack([torch.from_numpy(lit.item(i).image)[None] for i in range(30)])
    targets = np.array([lit.item(i).target for i in range(30)])
    folds = table["fold_left_out"]
    assert sorted(np.bincount(folds).tolist()) == [0, 10, 10, 10]
    ridge = adversity.create("regressor", "bayesian_ridge", side=2)
    for fold in (1, 2, 3):
        seen, own = folds != fold, np.flatnonzero(folds == fold)
        model = ridge.fit(images[seen], targets[seen], target_names=lit.target_names)
        said = model(images[own])
        assert said.variance is not None
        for name, values in (("mean", said.mean), ("variance", said.variance)):
            assert table[name][own].reshape(10, -1).tolist() == values.tolist()
    assert any(
        "by the one of 3 fits that was made without it" in n for n in results["clean_light"].notes
    )
    whole = ridge.fit(images, targets, target_names=lit.target_names)
    new = torch.from_numpy(Lit(first=100).item(4).image)[None, None]
    assert tables["dimmed_light"]["mean"].reshape(30, -1)[4].tolist() == whole(new).mean[0].tolist()
    assert "fold_left_out" not in tables["dimmed_light"]


def test_no_cut_changes_what_is_estimated_out_of_fold(run: Any) -> None:
    """Batches of 3 in shards of 7 give the bytes of one batch."""
    other = "}}\n  other: {uses: dataset/lit, with: {first: 100"
    whole, cut = (
        run(FOLDED + more, data=other)[2]["clean_light"]
        for more in ("", "run: {shard_size: 7, batch_size: 3}\n")
    )
    assert whole.keys() == cut.keys()
    for name in ("id", "mean", "variance", "fold_left_out"):
        assert whole[name].tolist() == cut[name].tolist()


def test_the_gain_is_that_of_the_mathematics(run: Any) -> None:
    """With the groups of the data, and none here."""
    report, _, tables = run()
    was, now = (tables[step] for step in ("noisy_light", "dimmed_light"))
    rows = was["severity"] == 3
    wanted = metrics.rmse_gain(now["mean"][rows], was["mean"][rows], now["target"][rows])
    assert report.error_gains[1].difference.as_json() == wanted.as_json()


SEEDED = """
  noisy: {uses: degradation/gaussian_noise, from: test, with: {severity: $severity}}
  dimmed: {uses: restoration/dim, from: noisy}
  meter: {uses: regressor/biased, with: {seed: $seed}}
  clean_light: {uses: meter, from: test}
  noisy_light: {uses: meter, from: noisy}
  dimmed_light: {uses: meter, from: dimmed}
"""


def test_gains_in_errors_over_seeds_are_their_mean(run: Any) -> None:
    """Mean, standard deviation and Student's interval over three seeds, as SciPy has them."""
    report, _, _ = run(SEEDED, matrix=", seed: [0, 1, 5]")
    assert len(report.error_gains) == 6
    first, second = report.error_gains_over_seeds
    assert (first.cell, second.cell) == ({"severity": "1"}, {"severity": "3"})
    own = [gain for gain in report.error_gains if gain.cell["severity"] == "3"]
    values = [gain.difference.value for gain in own]
    assert second.difference.value == pytest.approx(np.mean(values), rel=1e-12)
    assert second.difference.details["spread"] == pytest.approx(np.std(values, ddof=1), rel=1e-9)
    low, high = stats.t.interval(0.95, 2, np.mean(values), np.std(values, ddof=1) / 3**0.5)
    assert (second.difference.low, second.difference.high) == pytest.approx((low, high), rel=1e-9)
    assert second.nearer == sum(gain.nearer for gain in own)
    assert second.difference.details["spread"] > 0, "seeds that agree would prove nothing"
