"""The shipped pipeline of numbers with a variance, with few images: every regressor in every cell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SHIPPED = Path(__file__).resolve().parents[2] / "pipelines/regression_with_variance.yaml"


def test_three_regressors_are_held_against_each_other(started):
    """Sixty images and two severities: all is measured in each cell, and the gain is of the RMSEs."""
    project = started.copy("regression-with-variance")
    text = SHIPPED.read_text(encoding="utf-8")
    for split, limit in (("train", 60), ("test", 40)):
        text = text.replace(f"{{split: {split}}}", f"{{split: {split}, limit: {limit}}}")
    text = text.replace("severity: [1, 2, 3, 4, 5]", "severity: [1, 5]")
    text = text.replace("with: {seed: ", "with: {epochs: 3, width: 4, seed: ")
    text = text.replace("rmse <= 3", "rmse <= 90").replace(">= 0.85", ">= 0")
    assert (text.count("limit: "), text.count("epochs: 3")) == (2, 5)
    (project.root / "pipelines" / SHIPPED.name).write_text(text, encoding="utf-8")
    project.adversity("run", f"pipelines/{SHIPPED.name}", "--direct")
    folder = project.root / "artifacts/regression-with-variance"
    report = json.loads((folder / "report/report.json").read_text(encoding="utf-8"))
    told = {
        (step["id"], *cell["cell"].values()): cell["measures"]
        for step in report["steps"]
        for cell in step["cells"]
        if "by_" in step["id"]
    }
    assert len(told) == 3 * (1 + 2)
    wanted = {"rmse", "gaussian_nll", "crps", "interval_coverage", "interval_width"}
    assert all(wanted | {"quantile_calibration_error"} <= {*found} for found in told.values())
    gain = next(step for step in report["steps"] if step["id"] == "gain_of_five")
    assert len(gain["cells"]) == 2
    for cell in gain["cells"]:
        one, five = (
            told[f"noisy_by_{name}", *cell["cell"].values()]["rmse"]["value"]
            for name in ("network", "five")
        )
        assert cell["measures"]["rmse_gain"]["value"] == pytest.approx(one - five, rel=1e-9)
