"""A project with a fresh store, and what the hooks say of a small run."""

from __future__ import annotations

import os
import shutil

import pytest

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_LOGGING_LEVEL"] = "WARNING"


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """An SQLite store with its tables, which MLflow takes seconds to make."""
    from adversity_mlflow.store import Store

    root = tmp_path_factory.mktemp("template")
    Store(root).client().search_experiments()
    return root / ".adversity"


@pytest.fixture
def root(empty_store, tmp_path, monkeypatch):
    """A project's folder, with the store in it and none chosen by the environment."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(empty_store, tmp_path / ".adversity")
    return tmp_path


@pytest.fixture
def run(root):
    """What the hooks say of a run."""
    return {
        "id": "20261122-141502-smoke",
        "announced": "20261122-141502-smoke",
        "pipeline": "smoke",
        "folder": str(root / "runs" / "20261122-141502-smoke"),
        "root": str(root),
        "file": "pipelines/smoke.yaml",
        "command": "adversity run pipelines/smoke.yaml",
        "steps": ["predictions", "report"],
        "parameters": {"name": "smoke", "seed": 0, "gates": ["predictions.accuracy >= 0.3"]},
        "git": {"revision": "0" * 40, "state": "clean"},
        "versions": {"python": "3.11", "adversity": "0.1.0"},
    }
