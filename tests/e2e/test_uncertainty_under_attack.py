"""The shipped pipeline of uncertainty under attack, small: what is promised, before and after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SHIPPED = Path(__file__).resolve().parents[2] / "pipelines/uncertainty_under_attack.yaml"
SMALLER = {
    "{split: train}": "{split: train, limit: 300}",
    "{split: calibration}": "{split: calibration, limit: 110}",
    "{split: test, limit: 150}": "{split: test, limit: 30}",
    "member: [0, 1, 2]": "member: [0, 1]",
}


def test_an_attack_takes_what_was_promised(started):
    """Coverage and what is accepted fall under the stronger attack; each objective has its figure."""
    project = started.copy("uncertainty-under-attack")
    text = SHIPPED.read_text(encoding="utf-8")
    for large, small in SMALLER.items():
        assert text.count(large) == 1
        text = text.replace(large, small)
    text = text.replace("steps: 20", "steps: 5")
    (project.root / "pipelines" / SHIPPED.name).write_text(text, encoding="utf-8")
    project.adversity("run", f"pipelines/{SHIPPED.name}", "--direct", code=None)
    folder = project.root / "artifacts/uncertainty-under-attack/report"
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    found = {
        (step["id"], *cell["cell"].values()): cell["measures"]
        for step in report["steps"]
        for cell in step["cells"]
    }
    covered = found["sets",]["set_coverage"]["value"]
    assert found["sets_wrong", "8/255"]["set_coverage"]["value"] < covered
    left = {
        key[1:]: measures["selective_accuracy"]["value"]
        for key, measures in found.items()
        if key[0] in ("left", "left_wrong")
    }
    assert left["8/255", "0.1"] < left["0.1",]
    assert "false_acceptance_under_attack" in found["look_sure", "8/255"]
    assert "look_unsure_success" in found["look_unsure", "8/255"]
    assert {"auroc"} <= {*found["alarm_wrong", "8/255"]}
    splits = {split["step"]: split for split in report["splits"]}
    assert {(by["step"], by["data"], by["proof"]) for by in splits["sets_wrong"]["fitted_by"]} >= {
        ("net", "train", "proved by content"),
        ("promise", "held_out", "proved by content"),
    }
