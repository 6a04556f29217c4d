"""Two runs of one step of a pipeline, as tables on the disk, and how the gate compares them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np

from adversity.data.checksums import write_checksums
from adversity.data.tables import write_table
from adversity.pipeline.gates.gate_text import Gate
from adversity.pipeline.plan.model import PlannedStep, Stage
from adversity_flows.runs.paired_changes import changes_since
from adversity_flows.runs.past_runs import PastRun, RunFolder
from adversity_flows.runs.recorded_runs import past_run
from adversity_plugins.metric.accuracy import Accuracy
from adversity_plugins.metric.ece import ECE
from adversity_plugins.metric.psnr import PSNR

NOW, THEN = "artifacts/p/predictions/table.parquet", "runs/r/tables/predictions.parquet"


def table(path, correct, ids=None, **more):
    """Write a per-sample table with one cell."""
    n = len(correct)
    rows = {
        "cell": [""] * n,
        "id": ids or [f"s{i}" for i in range(n)],
        "correct": np.array(correct, dtype=bool),
        "target": np.zeros(n, dtype=np.int64),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(path, rows | {name: np.array(values) for name, values in more.items()})


def changes(tmp_path, metric="accuracy", more=(), role="predict", by=None):
    """Return the paired difference of a gate `predictions.<metric> not_worse_than last`."""
    for artifact in (tmp_path / "artifacts/p").iterdir():
        if not (artifact / "measures.json").exists():
            (artifact / "measures.json").write_text('{"cells": {"": {}}}')
    gate = Gate("g", "p.yaml:1", "predictions", metric, than="last")
    source = ("read",) if role == "measure" else ()
    own = PlannedStep("predictions", role, None, "", source=source, by=by)
    plan = SimpleNamespace(
        gates=(gate,),
        stage=lambda step: Stage(step, f"p-{step}", "", (), {}, f"artifacts/p/{step}"),
        metrics=(Accuracy(), ECE(), PSNR(), *more),
        chain=lambda _: SimpleNamespace(start="photos"),
        steps={"predictions": own, "read": PlannedStep("read", "predict", None, "")},
    )
    return changes_since(past_run(last(tmp_path)), plan, tmp_path, than="last")


def last(root):
    """Return the run with the table of `THEN`; its manifest is written on the first call."""
    folder = RunFolder(root, "p")
    folder.path = (root / THEN).parent.parent
    folder.path.mkdir(parents=True, exist_ok=True)
    if not (folder.path / "manifest.json").is_file():
        for artifact in (root / "artifacts/p").iterdir():
            write_checksums(artifact)
        if not (folder.path / "result.json").is_file():
            (folder.path / "result.json").write_text('{"steps": []}')
        return folder.write_manifest({"pipeline": "p"})
    manifest = json.loads((folder.path / "manifest.json").read_text())
    return PastRun("r", folder.path, manifest)


def says(root, conventions, **step):
    """Write what the accepted run says of its step."""
    measures = {name: {"convention": said} for name, said in conventions.items()}
    cell = {"cell": {}, "measures": measures, "parameters": {}}
    record = {"id": "predictions", "source": [], "against": None, "cells": [cell], **step}
    result = root / THEN.replace("tables/predictions.parquet", "result.json")
    result.write_text(json.dumps({"steps": [record]}))
