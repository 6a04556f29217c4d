"""The shipped pipeline of calibration under shift, small: every method at every severity."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SHIPPED = Path(__file__).resolve().parents[2] / "pipelines/calibration_under_shift.yaml"
SMALLER = {
    "{split: train}": "{split: train, limit: 200}",
    "{split: calibration}": "{split: calibration, limit: 110}",
    "{split: test}": "{split: test, limit: 40}",
    "{draws: 10}": "{draws: 3}",
    "member: [0, 1, 2, 3, 4]": "member: [0, 1]",
    "severity: [1, 2, 3, 4, 5]": "severity: [3, 5]",
}
METHODS = ("plain", "calibrated", "calibrated_blurred", "dropout", "ensemble")


def test_every_method_has_both_figures_and_says_its_split(started):
    """Accuracy and ECE of each over the 15 corruptions; boxes; held-out images proved apart."""
    project = started.copy("calibration-under-shift")
    text = SHIPPED.read_text(encoding="utf-8")
    for large, small in SMALLER.items():
        assert text.count(large) == 1
        text = text.replace(large, small)
    (project.root / "pipelines" / SHIPPED.name).write_text(text, encoding="utf-8")
    project.adversity("run", f"pipelines/{SHIPPED.name}", "--direct", code=None)
    folder = project.root / "artifacts/calibration-under-shift/report"
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    steps = {step["id"]: step for step in report["steps"]}
    for measure in ("accuracy", "ece"):
        for method in METHODS:
            cells = steps[f"{measure}_{method}"]["cells"]
            assert len(cells) == 2 * (7 if method == "calibrated" else 1)
            assert all(
                len(cell["measures"][measure]["details"]["plot"]["x"]) == 15 for cell in cells
            )
    alarm = {
        (cell["cell"]["severity"], cell["cell"]["refused"]): cell["measures"]["selective_accuracy"]
        for cell in steps["alarm"]["cells"]
    }
    (whole,) = (
        cell["measures"]["accuracy"]["value"]
        for cell in steps["accuracy_plain"]["cells"]
        if cell["cell"] == {"severity": "5"}
    )
    assert alarm["5", "0"]["value"] == pytest.approx(whole)
    assert alarm["5", "0.5"]["value"] > whole
    splits = {split["step"]: split for split in report["splits"]}
    assert {(by["step"], by["data"], by["proof"]) for by in splits["calibrated"]["fitted_by"]} == {
        ("net", "train", "proved by content"),
        ("scaler", "held_out", "proved by content"),
    }
    assert {by["step"] for by in splits["ensemble"]["fitted_by"]} == {"members"}
    page = (folder / "report.md").read_text(encoding="utf-8")
    assert "ECE by severity, over corruption" in page
