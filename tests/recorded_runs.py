"""Runs as a comparison gets them, made by hand: a table in a folder, and what a report says of it."""

from __future__ import annotations

import numpy as np

from adversity.contracts import Table
from adversity.data.stored import StoredTable
from adversity.data.tables import write_parts
from adversity.engine.calls.judged_rows import judged_tables
from adversity.engine.summary.recorded_run import RecordedRun
from adversity.engine.summary.run_diff import run_diff
from adversity_plugins.metric.accuracy import Accuracy
from adversity_plugins.metric.ece import ECE
from adversity_plugins.metric.nll import NLL

CLASSES = ("cat", "dog", "owl")
METRICS = (Accuracy(), NLL(), ECE())


def rows(logits, target, ids=None, cell="", **more):
    """Return the columns of a step that predicts."""
    logits = np.asarray(logits, dtype=np.float32)
    prediction, target = logits.argmax(axis=1), np.asarray(target, dtype=np.int64)
    exact = np.exp(logits - logits.max(axis=1, keepdims=True)).astype(np.float64)
    n = len(target)
    return {
        "cell": np.array([cell] * n, dtype=object),
        "id": np.array(ids or [f"s{i:03d}" for i in range(n)], dtype=object),
        "target": target,
        "prediction": prediction,
        "correct": prediction == target,
        "confidence": (exact / exact.sum(axis=1, keepdims=True)).max(axis=1),
        "logits": logits,
        **more,
    }


def recorded(folder, name, steps, *, text="", facts=None, data=(), **of_steps):
    """Return a run with these steps, each the columns of its cells; its measures are computed."""
    written, tables = [], {}
    for step, cells in steps.items():
        keys = [str(columns["cell"][0]) for columns in cells]
        path = folder / name / f"{step}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_parts(path, iter(cells), dict.fromkeys(keys, CLASSES))
        tables[step] = StoredTable(path)
        record = {
            "id": step, "kind": "classifier", "uses": "classifier/toy", "by": None, "source": [],
            "path": ["photos", step], "threat": {}, "plugin": {}, "against": None,
        }  # fmt: skip
        values = [dict(part.split("=") for part in key.split(",") if part) for key in keys]
        record["cells"] = [
            {"cell": value, "measures": measures(columns), "parameters": {}}
            for value, columns in zip(values, cells, strict=True)
        ]
        written.append(record | of_steps.get(step, {}))
    result = {"pipeline": "p", "text": text, "steps": written, "data": list(data)}
    return RecordedRun(name, result, tables.get, facts or {})


def measures(columns):
    """Return what the metrics measure of rows, as a report has it."""
    table, found = Table(columns, CLASSES), {}
    for metric in METRICS:
        if metric.takes(table):
            [given] = judged_tables(metric, table, None)
            found |= {name: one.as_json() for name, one in metric.compute(given).items()}
    return found


def compare(before, after, draws=0, metrics=METRICS):
    """Compare two runs with the metrics that measured them."""
    known = {name: info for metric in metrics for name, info in metric.declared().items()}
    return run_diff(before, after, metrics=metrics, known=known, draws=draws)


def sure_of(answers, right=4.0):
    """Return logits that are sure of these classes."""
    return right * np.eye(len(CLASSES))[np.asarray(answers)]
