"""Projects in temporary folders, and a way to call the command line in this process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import pytest

from adversity_flows.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TINY = """\
name: tiny
data:
  train: {uses: dataset/digits, with: {split: train, limit: 60}}
  test: {uses: dataset/digits, with: {split: test, limit: 24}}
matrix:
  eps: [4/255, 16/255]  # a comment that must survive
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 1, width: 4}}
  predictions: {uses: net, from: test}
  attacked:
    uses: attack/fgsm
    from: test
    against: predictions
    with: {norm: linf, eps: $eps}
gates:
  - predictions.accuracy >= 0.00
run: {shard_size: 12}
"""


class Answer(NamedTuple):
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CI", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Return a function that calls `adversity` with arguments."""

    def adversity(*arguments: str) -> Answer:
        capsys.readouterr()
        code = main(list(arguments))
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return adversity


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a new project with the pipeline `tiny` alone, and stand in it."""
    root = tmp_path / "trial"
    assert main(["init", str(root)]) == 0
    (root / "pipelines" / "first_look.yaml").unlink()
    (root / "pipelines" / "tiny.yaml").write_text(TINY, encoding="utf-8")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def child_environment() -> dict[str, str]:
    """Return the environment of a child process, without traces of the test run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
    return kept | {"OMP_NUM_THREADS": "1"}
