"""The shipped pipeline of unfamiliar data, with few images: every set told by every score."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SHIPPED = Path(__file__).resolve().parents[2] / "pipelines/unfamiliar_data.yaml"


def test_far_sets_are_told_apart_by_every_score_and_detector(started):
    """Forty images of each; each cell has its AUROC, in both directions its FPR95."""
    project = started.copy("unfamiliar-data")
    text = SHIPPED.read_text(encoding="utf-8")
    for split, limit in (("train", 300), ("calibration", 100), ("test", 80)):
        text = text.replace(f"{{split: {split}}}", f"{{split: {split}, limit: {limit}}}")
    for what in ("letters", "textures", "faces", "no_faces"):
        text = text.replace(f"{{what: {what}}}", f"{{what: {what}, limit: 40}}")
    assert text.count("limit: 40") == 4
    (project.root / "pipelines" / SHIPPED.name).write_text(text, encoding="utf-8")
    project.adversity("run", f"pipelines/{SHIPPED.name}", "--direct")
    folder = project.root / "artifacts/unfamiliar-data"
    report = json.loads((folder / "report/report.json").read_text(encoding="utf-8"))
    told = {
        (step["id"], *cell["cell"].values()): cell["measures"]
        for step in report["steps"]
        for cell in step["cells"]
        if step["id"].endswith(("_by_score", "_by_features", "_by_head", "_by_typical", "_by_odin"))
    }
    assert len(told) == 4 * (6 + 9 + 3 + 1 + 1)
    assert all(
        {"auroc", "fpr95_unknown_positive", "fpr95_known_positive"} <= {*m} for m in told.values()
    )
    assert told["faces_by_features", "mahalanobis"]["auroc"]["value"] > 0.95
    scores = {"max_softmax", "margin", "entropy", "gen", "max_logit", "energy"}
    detectors = {"mahalanobis", "relative_mahalanobis", "knn", "nnguide", "vim", "react", "dice"}
    detectors |= {"she", "fdbd", "ash", "scale", "gradnorm"}
    assert {key[1] for key in told if len(key) > 1} == scores | detectors
    alone = {key[0].rsplit("_by_")[1] for key in told if len(key) == 1}
    assert alone == {"typical", "odin"}
