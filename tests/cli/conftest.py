"""Projects in temporary folders, and a way to call the command line in this process."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
import yaml
from PIL import Image

from adversity.registry import discover
from adversity_flows.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
  - predictions.accuracy >= 0.001
run: {shard_size: 12}
"""

SHOTS = """\
name: shots
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 1, width: 4}}
  predictions: {uses: net, from: test}
run: {shard_size: 4}
"""
"""A pipeline on images that `draw` makes; two shards of four images are predicted."""


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


@pytest.fixture(scope="session")
def git() -> Callable[..., None]:
    """Return a function that calls git, here and as somebody."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")

    def git(*arguments: str) -> None:
        subprocess.run(["git", *who, *arguments], check=True, capture_output=True)

    return git


@pytest.fixture
def child_environment() -> dict[str, str]:
    """Return the environment of a child process, without traces of the test run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
    return kept | {"OMP_NUM_THREADS": "1"}


class Shots:
    """A project with the pipeline `shots` on images of its own, 12 to train and 8 to test.

    Attributes:
        root: Its folder.
        file: The pipeline file.
    """

    def __init__(self, root: Path) -> None:
        """Draw the images and write the pipeline."""
        self.root = root
        self.file = root / "pipelines" / "shots.yaml"
        self.file.write_text(SHOTS, encoding="utf-8")
        self.draw("data/train", 6)
        self.draw("data/test", 4)

    def draw(self, folder: str, count: int) -> None:
        """Make `count` images of 16x16 random pixels in each of two classes, others a folder."""
        rng = np.random.default_rng(list(folder.encode()))
        for name, low in (("dark", 0), ("light", 128)):
            place = self.root / folder / name
            place.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(low, low + 128, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")

    def edit(self, before: str, after: str) -> None:
        """Replace a text in the pipeline file."""
        text = self.file.read_text(encoding="utf-8")
        assert before in text
        self.file.write_text(text.replace(before, after, 1), encoding="utf-8")

    def holds_nothing_of(self, step: str) -> None:
        """Check that a failed step left neither artifact nor record nor a half-written file."""
        assert not (self.root / "artifacts" / "shots" / step).exists()
        assert not (self.root / "metrics" / "shots" / f"{step}.json").exists()
        assert f"shots-{step}" not in self.recorded()
        for folder in ("artifacts", "metrics", "pipelines", ".adversity"):
            left = [p.name for p in (self.root / folder).rglob("*")]
            assert not [name for name in left if ".tmp" in name or ".old" in name or "part" in name]
        assert not list(self.root.glob("*.tmp*"))

    def recorded(self) -> set[str]:
        """Return the stages that DVC has a record of."""
        lock = self.root / "dvc.lock"
        return set(yaml.safe_load(lock.read_text())["stages"]) if lock.is_file() else set()


@pytest.fixture
def shots(project: Path) -> Shots:
    """Return the project `shots`, and stand in it."""
    (project / "pipelines" / "tiny.yaml").unlink()
    return Shots(project)


def _new_shots(root: Path) -> Shots:
    assert main(["init", str(root)]) == 0
    (root / "pipelines" / "first_look.yaml").unlink()
    return Shots(root)


@pytest.fixture(scope="session")
def new_shots() -> Callable[[Path], Shots]:
    """Return a function that makes the project `shots` in a new folder, for templates."""
    return _new_shots


@pytest.fixture(scope="module")
def shots_template(request: pytest.FixtureRequest, undrawn_charts: None) -> Path:
    """The project `shots` after a run, made once; tests copy it.

    Its pipeline is the module's `PIPELINE`, or `shots` with the module's `EDITS`, pairs of a text and
    what replaces it. The module's `DRAWN` says how many images of a class lie in folders of its own.
    """
    root = request.getfixturevalue("tmp_path_factory").mktemp("template") / "trial"
    with pytest.MonkeyPatch.context() as patch:
        shots = _new_shots(root)
        patch.chdir(root)
        shots.file.write_text(getattr(request.module, "PIPELINE", SHOTS), encoding="utf-8")
        for before, after in getattr(request.module, "EDITS", ()):
            shots.edit(before, after)
        for folder, count in getattr(request.module, "DRAWN", {}).items():
            shots.draw(folder, count)
        assert main(["run", "pipelines/shots.yaml", "--direct"]) == 0
    return root


@pytest.fixture
def finished(shots: Shots, shots_template: Path, undrawn_charts: None) -> Shots:
    """Return the project `shots` as the module's pipeline left it, and stand in it."""
    shutil.copytree(shots_template, shots.root, dirs_exist_ok=True)
    return shots


@pytest.fixture
def refused() -> Callable[..., str]:
    """Return a check that a command was refused with exactly one message."""

    def check(answer: Answer, *said: str, code: int = 2) -> str:
        assert answer.code == code, answer.err
        assert answer.out == ""
        assert "Traceback" not in answer.err
        assert "internal error" not in answer.err
        assert answer.err.count("error: ") == 1, answer.err
        assert all(c.isprintable() or c == "\n" for c in answer.err)
        message = answer.err[answer.err.index("error: ") :]
        # One block: what is not its first line is indented, and nothing comes after it.
        assert all(line.startswith("  ") for line in message.splitlines()[1:]), message
        for text in said:
            assert text in message
        return message

    return check


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """Return a function that installs a third party's module, as pip would leave it."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def install(source: str) -> Path:
        (site / "acme_bad.py").write_text(source, encoding="utf-8")
        info = site / "acme_bad-1.0.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(
            "Metadata-Version: 2.1\nName: acme-bad\nVersion: 1.0\n"
        )
        info.joinpath("entry_points.txt").write_text("[adversity]\nplugins = acme_bad\n")
        discover(refresh=True)
        return site

    yield install
    sys.modules.pop("acme_bad", None)
    monkeypatch.undo()
    importlib.invalidate_caches()
    discover(refresh=True)
