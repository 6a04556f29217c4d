"""Methods against each other: means over seeds and paired differences, counted from the tables."""

from __future__ import annotations

import json
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

import adversity
from adversity.data.tables import read_table

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: methods
data:
  train: {uses: dataset/digits, with: {split: train, limit: 120}}
  test: {uses: dataset/digits, with: {split: test, limit: 40}}
matrix:
  severity: [3, 5]
  seed: [0, 1, 2]
  gamma: [0.5, 2]
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 3, width: 8, seed: $seed}}
  fixed: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 3, width: 8}}
  clean: {uses: net, from: test}
  noisy: {uses: degradation/gaussian_noise, from: test, with: {severity: $severity}}
  untreated: {uses: net, from: noisy}
  means: {uses: restoration/non_local_means, from: noisy}
  curve: {uses: restoration/gamma_correction, from: noisy, with: {gamma: $gamma}}
  with_means: {uses: net, from: means}
  with_curve: {uses: net, from: curve}
  fixed_untreated: {uses: fixed, from: noisy}
  fixed_means: {uses: fixed, from: means}
  sure: {uses: uncertainty/max_softmax, from: untreated}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipeline, run once."""
    root = tmp_path_factory.mktemp("methods")
    (root / "pipelines").mkdir()
    (root / "pipelines/methods.yaml").write_text(PIPELINE)
    adversity.run(root / "pipelines/methods.yaml", into=root / "out", root=root)
    return root / "out/artifacts/methods"


@pytest.fixture(scope="module")
def report(finished: Path) -> Any:
    """The report as JSON."""
    return json.loads((finished / "report/report.json").read_text(encoding="utf-8"))


def right(folder: Path, step: str, **cell: str) -> np.ndarray[Any, Any]:
    """Whether each image was right in a cell, in the order of ids."""
    table = read_table(folder / step / "table.parquet")
    keep = np.logical_and.reduce([table[name] == float(value) for name, value in cell.items()])
    return table["correct"][keep][np.argsort(table["id"][keep])].astype(bool)


def pair_of(report: Any, measure: str, first: str, second: str, severity: str) -> Any:
    """The one comparison of two steps, in a severity."""
    [found] = [
        pair
        for pair in report["compared"]["pairs"]
        if (pair["measure"], pair["first"], pair["second"]) == (measure, first, second)
        and pair["first_cell"].get("severity") == severity
        and pair["second_cell"].get("gamma", "2") == "2"
    ]
    return found


def test_variables_are_methods_conditions_or_seeds(report: Any) -> None:
    """A variable of a degradation is a condition, of a restoration a method; a seed is neither."""
    assert report["sides"] == {"severity": "condition", "seed": "seed", "gamma": "method"}


def test_a_step_says_what_is_judged_and_under_what(report: Any) -> None:
    """Restoration, classifier and score are the method; data and degradation are given."""
    steps = {step["id"]: step for step in report["steps"]}
    assert steps["with_means"]["method"] == {"restoration": "non_local_means", "classifier": "net"}
    assert steps["fixed_means"]["method"]["classifier"] == "fixed"
    assert steps["with_means"]["condition"] == {
        "data": "test",
        "degradation": "gaussian_noise",
        "attack": "none",
    }
    assert steps["clean"]["condition"]["degradation"] == "none"
    assert steps["sure"]["method"]["uncertainty"] == "max_softmax"
    assert steps["noisy"]["method"] == {}


def test_a_mean_over_seeds_is_that_of_the_cells(report: Any, finished: Path) -> None:
    """Mean, spread and Student's interval of three shares that are counted here."""
    [step] = [one for one in report["steps"] if one["id"] == "untreated"]
    assert [cell["cell"] for cell in step["over_seeds"]] == [{"severity": "3"}, {"severity": "5"}]
    found = step["over_seeds"][1]["measures"]["accuracy"]
    seeds = [right(finished, "untreated", severity="5", seed=str(k)).mean() for k in range(3)]
    assert found["value"] == pytest.approx(mean(seeds), abs=1e-12)
    assert found["details"]["spread"] == pytest.approx(stdev(seeds), abs=1e-12)
    assert (found["details"]["seeds"], found["n"]) == (3, 40)
    low, high = stats.t.interval(0.95, 2, loc=mean(seeds), scale=stdev(seeds) / 3**0.5)
    assert (found["low"], found["high"]) == pytest.approx((max(0, low), min(1, high)), abs=1e-9)
    assert stdev(seeds) > 0, "seeds that agree would prove nothing"


def test_what_no_seed_changes_keeps_its_interval(report: Any) -> None:
    """The networks differ, the images do not: their PSNR speaks of images, and has no spread."""
    [step] = [one for one in report["steps"] if one["id"] == "untreated"]
    found = step["over_seeds"][1]["measures"]["psnr_db"]
    alone = [c["measures"]["psnr_db"] for c in step["cells"] if c["cell"]["severity"] == "5"]
    assert len(alone) == 3
    for one in alone:
        assert [one[name] for name in ("value", "low", "high", "n", "method")] == [
            found[name] for name in ("value", "low", "high", "n", "method")
        ]
    assert found["low"] < found["value"] < found["high"]
    assert found["details"] == {"seeds": 3, "spread": 0.0}


def test_a_step_without_seeds_has_no_mean_over_them(report: Any) -> None:
    """Its cells are what is shown."""
    steps = {step["id"]: step for step in report["steps"]}
    assert steps["fixed_untreated"]["over_seeds"] == []


def test_one_seed_gives_the_exact_test_of_mcnemar(report: Any, finished: Path) -> None:
    """Counts of images that one of two methods alone has right, by SciPy's binomial test."""
    found = pair_of(report, "accuracy", "fixed_untreated", "fixed_means", "5")
    ours, theirs = (right(finished, s, severity="5") for s in ("fixed_untreated", "fixed_means"))
    alone = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    assert found["difference"]["value"] == pytest.approx((alone[0] - alone[1]) / 40, abs=1e-12)
    assert found["p_value"] == pytest.approx(stats.binomtest(alone[0], sum(alone)).pvalue)
    assert sum(alone), "methods that agree would prove nothing"


def test_several_seeds_are_one_cluster_for_an_image(report: Any, finished: Path) -> None:
    """With as many rows for each image, that is Student's test of the images' own means."""
    found = pair_of(report, "accuracy", "untreated", "with_curve", "5")
    of_seeds = [
        right(finished, "untreated", severity="5", seed=str(seed)).astype(float)
        - right(finished, "with_curve", severity="5", gamma="2", seed=str(seed))
        for seed in range(3)
    ]
    of_images = np.mean(of_seeds, axis=0)
    assert (found["seeds"], found["difference"]["n"]) == (3, 40)
    assert found["difference"]["value"] == pytest.approx(of_images.mean(), abs=1e-12)
    assert found["p_value"] == pytest.approx(stats.ttest_1samp(of_images, 0).pvalue, rel=1e-6)


def test_a_method_without_seeds_meets_each_seed_of_another(report: Any, finished: Path) -> None:
    """One network against three: each pair of cells counts once."""
    found = pair_of(report, "accuracy", "untreated", "fixed_untreated", "3")
    ours = [right(finished, "untreated", severity="3", seed=str(seed)) for seed in range(3)]
    theirs = right(finished, "fixed_untreated", severity="3")
    assert found["seeds"] == 3
    assert found["difference"]["value"] == pytest.approx(
        np.mean([one.mean() for one in ours]) - theirs.mean(), abs=1e-12
    )


def test_holm_allows_for_all_comparisons_of_a_measure(report: Any) -> None:
    """The smallest p-value is multiplied by how many there are."""
    own = [pair for pair in report["compared"]["pairs"] if pair["measure"] == "accuracy"]
    smallest = min(own, key=lambda pair: pair["p_value"])
    assert smallest["holm"] == pytest.approx(min(1, len(own) * smallest["p_value"]))
    # untreated, with_means, with_curve twice, and two of the fixed network: 15 pairs a severity.
    assert len(own) == 2 * 15


def test_only_equal_conditions_are_compared(report: Any) -> None:
    """No clean prediction meets one on noise, and no severity another."""
    for pair in report["compared"]["pairs"]:
        assert "clean" not in (pair["first"], pair["second"])
        assert pair["first_cell"]["severity"] == pair["second_cell"]["severity"]


def test_a_measure_that_is_no_mean_over_images_is_not_compared(report: Any) -> None:
    """ECE has no value of one image."""
    compared = {pair["measure"] for pair in report["compared"]["pairs"]}
    assert {"accuracy", "nll", "brier"} <= compared
    assert "ece" not in compared
    assert any(said.startswith("ECE: 30 of 30 pairs") for said in report["compared"]["left_out"])


def test_values_of_the_matrix_are_numbers(report: Any) -> None:
    """A cell has them as written, and as numbers: a program sorts 5 before 10."""
    [step] = [one for one in report["steps"] if one["id"] == "with_curve"]
    first = step["cells"][0]
    assert first["cell"] == {"severity": "3", "seed": "0", "gamma": "0.5"}
    assert first["numbers"] == {"severity": 3, "seed": 0, "gamma": 0.5}
    assert [cell["numbers"] for cell in step["over_seeds"]][:1] == [{"severity": 3, "gamma": 0.5}]


def test_gains_over_seeds_are_the_differences_of_the_methods(report: Any, finished: Path) -> None:
    """One for each restoration and condition: mean, spread and flips as counted here, p as SciPy's."""
    own = [gain for gain in report["gains_over_seeds"] if gain["after"] == "with_means"]
    assert [gain["cell"] for gain in own] == [{"severity": "3"}, {"severity": "5"}]
    pairs = [
        [
            right(finished, step, severity="5", seed=str(seed))
            for step in ("untreated", "with_means")
        ]
        for seed in range(3)
    ]
    of_seeds = [now.mean() - was.mean() for was, now in pairs]
    found = own[1]["difference"]
    assert found["value"] == pytest.approx(mean(of_seeds), abs=1e-12)
    assert found["details"]["spread"] == pytest.approx(stdev(of_seeds), abs=1e-12)
    assert (found["details"]["seeds"], found["n"]) == (3, 40)
    changes = np.array([now.astype(float) - was for was, now in pairs])
    of_images = changes.mean(0)
    # Never surer than with as many images as there are rows: seeds can happen to differ in turn.
    error = max(stats.sem(of_images), stats.sem(changes.ravel()))
    wanted = 2 * stats.t.sf(abs(of_images.mean()) / error, 39)
    assert own[1]["p_value"] == pytest.approx(wanted, rel=1e-6)
    assert own[1]["recovered"] == sum(int((now & ~was).sum()) for was, now in pairs)
    assert own[1]["broken"] == sum(int((was & ~now).sum()) for was, now in pairs)
    compared = pair_of(report, "accuracy", "untreated", "with_means", "5")
    assert compared["difference"]["value"] == pytest.approx(-found["value"], abs=1e-12)
    assert compared["difference"]["high"] == pytest.approx(-found["low"], abs=1e-12)
    assert len([gain for gain in report["gains"] if gain["after"] == "with_means"]) == 6


def test_a_gain_without_seeds_stays_as_it_is_among_those_over_seeds(report: Any) -> None:
    """McNemar's exact test of one network, in its own cell."""
    alone, folded = (
        [gain for gain in report[name] if gain["after"] == "fixed_means"]
        for name in ("gains", "gains_over_seeds")
    )
    # Other rows are corrected for beside it, that is all.
    for gain in (*folded, *alone):
        for told in (gain, *gain["changes"]):
            del told["p_holm"], told["finding"]
    assert folded == alone
    assert "seeds" not in alone[0]["difference"]["details"]
