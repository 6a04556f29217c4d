"""What restorations changed, measure by measure and by protocol, counted from the stored tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import softmax

import adversity
from adversity.contracts import Measure
from adversity.data.tables import read_table
from adversity.engine.summary.gain_changes import with_findings
from adversity.metrics import holm
from adversity.report.values.paired import Change, Gain

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: judged
data:
  train: {uses: dataset/digits, with: {split: train, limit: 200}}
  held_out: {uses: dataset/digits, with: {split: calibration, limit: 100}}
  test: {uses: dataset/digits, with: {split: test, limit: 60}}
matrix:
  severity: [2, 4, 5]
steps:
  noisy: {uses: degradation/gaussian_noise, from: test, with: {severity: $severity}}
  denoised: {uses: restoration/total_variation, from: noisy}

  noisy_train: {uses: degradation/gaussian_noise, from: train, with: {severity: 4}}
  denoised_train: {uses: restoration/total_variation, from: noisy_train}
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 4, width: 8}}
  used_to_it: {uses: classifier/small_cnn, fit_on: denoised_train, with: {epochs: 4, width: 8}}
  before: {uses: net, from: noisy}
  after: {uses: net, from: denoised}
  after_training: {uses: used_to_it, from: denoised}

  noisy_held_out: {uses: degradation/gaussian_noise, from: held_out, with: {severity: 4}}
  denoised_held_out: {uses: restoration/total_variation, from: noisy_held_out}
  held_before: {uses: net, from: noisy_held_out}
  held_after: {uses: net, from: denoised_held_out}
  cold: {uses: uncertainty/temperature_scaling, from: before, fit_on: held_before}
  warm: {uses: uncertainty/temperature_scaling, from: after, fit_on: held_after}
  as_before: {uses: uncertainty/temperature_scaling, from: after, fit_on: held_before}
"""
SEVERITIES = ("2", "4", "5")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipeline, run once."""
    root = tmp_path_factory.mktemp("judged")
    (root / "judged.yaml").write_text(PIPELINE)
    adversity.run(root / "judged.yaml", into=root / "out", root=root)
    return root / "out/artifacts/judged"


@pytest.fixture(scope="module")
def gains(finished: Path) -> Any:
    """The gains in the report as JSON."""
    report = json.loads((finished / "report/report.json").read_text(encoding="utf-8"))
    return report["gains"]


def rows(folder: Path, step: str, severity: str) -> dict[str, np.ndarray[Any, Any]]:
    """A cell of a table, in the order of ids."""
    table = read_table(folder / step / "table.parquet")
    keep = np.flatnonzero(table["severity"] == float(severity))
    keep = keep[np.argsort(table["id"][keep])]
    return {name: table[name][keep] for name in table}


def of(gains: Any, before: str, after: str) -> list[Any]:
    """The gains of two steps, by severity."""
    return [gain for gain in gains if (gain["before"], gain["after"]) == (before, after)]


def change(gain: Any, measure: str) -> Any:
    """What is told of one measure."""
    [found] = [one for one in gain["changes"] if one["measure"] == measure]
    return found


def test_each_pair_stands_under_its_protocol(gains: Any) -> None:
    """Images alone; a network, and a calibrator, that were fitted on restored images."""
    told = {(gain["before"], gain["after"]): gain["protocol"] for gain in gains}
    assert told == {
        ("before", "after"): "enhanced at test time only",
        ("before", "after_training"): "trained again",
        ("cold", "warm"): "calibrated again",
        ("cold", "as_before"): "enhanced at test time only",
        ("held_before", "held_after"): "enhanced at test time only",
    }
    assert len(gains) == 4 * len(SEVERITIES) + 1


def test_p_true_is_paired_by_image(finished: Path, gains: Any) -> None:
    """Softmax of the stored logits at the label, and SciPy's paired t test of it."""
    for gain, severity in zip(of(gains, "before", "after"), SEVERITIES, strict=True):
        p = []
        for step in ("before", "after"):
            own = rows(finished, step, severity)
            chances = softmax(own["logits"].astype(np.float64), axis=1)
            p.append(chances[np.arange(60), own["target"].astype(int)])
        found = change(gain, "p_true")
        assert found["difference"]["value"] == pytest.approx((p[1] - p[0]).mean(), abs=1e-12)
        assert found["before"] == pytest.approx(p[0].mean(), abs=1e-12)
        assert found["p_value"] == pytest.approx(stats.ttest_rel(p[1], p[0]).pvalue, rel=1e-9)


def test_images_are_judged_beside_the_answers(finished: Path, gains: Any) -> None:
    """The PSNR of each restored image minus that of the noisy one."""
    [gain, *_] = of(gains, "before", "after_training")
    noisy, denoised = (rows(finished, step, "2")["psnr_db"] for step in ("before", "after"))
    found = change(gain, "psnr_db")
    assert found["difference"]["value"] == pytest.approx((denoised - noisy).mean(), abs=1e-9)
    assert found["difference"]["low"] < found["difference"]["value"] < found["difference"]["high"]


def test_what_is_no_mean_has_a_change_and_no_interval(gains: Any) -> None:
    """ECE: the difference of what stands in both tables, no test and no word."""
    found = change(of(gains, "cold", "warm")[0], "ece")
    assert found["difference"]["value"] == pytest.approx(found["after"] - found["before"])
    assert found["difference"].get("low") is None
    assert (found["p_value"], found["p_holm"], found["finding"]) == (None, None, "")


def test_words_rest_on_the_correction_for_all_rows(gains: Any) -> None:
    """Of each measure all gains are one family."""
    for name, words in (
        ("accuracy", {"helps", "harms the classifier", "no evidence"}),
        ("p_true", {"surer of the truth", "less sure of the truth", "no evidence"}),
    ):
        told = gains if name == "accuracy" else [change(gain, name) for gain in gains]
        corrected = holm([one["p_value"] for one in told])
        assert [one["p_holm"] for one in told] == pytest.approx(corrected)
        for one, p in zip(told, corrected, strict=True):
            assert one["finding"] in words
            assert (one["finding"] == "no evidence") == (p is None or p >= 0.05)
    assert {gain["finding"] for gain in gains} >= {"no evidence", "helps"}


def gain_of(value: float, p_value: float | None) -> Gain:
    """A gain whose accuracy and p(true) change alike."""
    difference = Measure(value, 100, details={"p_value": p_value})
    changes = tuple(
        Change(name, 0.5, 0.5 + value, difference, p_value) for name in ("p_true", "nll")
    )
    return Gain("r", "b", "a", {}, difference, 1, 1, p_value, changes=changes)


def test_one_small_p_among_many_is_no_evidence() -> None:
    """0.02 alone harms; as one of four it is 0.08. Where nothing varies there is no evidence."""
    assert with_findings([gain_of(-0.1, 0.02)])[0].finding == "harms the classifier"
    found = with_findings([gain_of(-0.1, 0.02), *[gain_of(0.1, 0.9)] * 2, gain_of(0.0, None)])
    assert [gain.finding for gain in found] == ["no evidence"] * 4
    assert found[0].p_holm == pytest.approx(0.08)
    helps = with_findings([gain_of(0.2, 1e-4), gain_of(-0.2, 1e-4), gain_of(0.0, 1.0)])
    assert [gain.finding for gain in helps] == ["helps", "harms the classifier", "no evidence"]
    words = [[change.finding for change in gain.changes] for gain in helps]
    assert words == [
        ["surer of the truth", ""],
        ["less sure of the truth", ""],
        ["no evidence", ""],
    ]
