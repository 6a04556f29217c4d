"""Data at a revision that a variable of the matrix names: `rev: $version`."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

BOTH = """\
name: shots
data:
  train: {uses: dataset/folder, with: {path: data/train}, rev: $version}
  test: {uses: dataset/folder, with: {path: data/test}, rev: $version}
matrix:
  version: [v1, v2]
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 1, width: 4}}
  noisy: {uses: degradation/gaussian_noise, from: test, with: {severity: 3}}
  predictions: {uses: net, from: noisy}
  clean: {uses: net, from: test}
  attacked: {uses: attack/fgsm, from: test, against: clean, with: {eps: 8/255}}
gates:
  - test[version=v2].unreadable_share <= 0.1
  - clean[version=v1].accuracy >= 0.01
run: {shard_size: 4}
"""
STEPS = ("predictions", "clean", "attacked")
FOLDED = """\
name: shots
data:
  old: {uses: dataset/folder, with: {path: data/train}, rev: v1}
  new: {uses: dataset/folder, with: {path: data/train}, rev: v2}
steps:
  old_net: {uses: classifier/small_cnn, fit_on: old, folds: 2, with: {epochs: 1, width: 4}}
  new_net: {uses: classifier/small_cnn, fit_on: new, folds: 2, with: {epochs: 1, width: 4}}
  old_seen: {uses: old_net, from: old}
  new_seen: {uses: new_net, from: new}
run: {shard_size: 4}
"""
"""What the refusal of `folds:` on several versions says to write."""


def dvc(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Call DVC in the current folder."""
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def versions(shots: Any, git: Callable[..., None], undrawn_charts: None) -> Any:
    """The project `shots` with two versions of its data, which lie there no more.

    In the second, an image of the dark class is one of the light, and both sets have another image.
    """
    for tag in ("v1", "v2"):
        if tag == "v2":
            test = shots.root / "data/test"
            (test / "dark/0.png").rename(test / "light/was dark.png")
            shots.draw("more", 2)
            for folder, number in (("train", 0), ("test", 1)):
                more = shots.root / f"more/dark/{number}.png"
                more.rename(shots.root / f"data/{folder}/dark/more.png")
            shutil.rmtree(shots.root / "more")
        assert dvc("add", "-q", "data/test", "data/train").returncode == 0
        git("add", "-A")
        git("commit", "-q", "-m", tag)
        git("tag", tag)
    for folder in ("test", "train"):
        shutil.rmtree(shots.root / "data" / folder)
    shots.file.write_text(BOTH, encoding="utf-8")
    return shots


def rows_of(pipeline: str, step: str, version: str) -> list[dict[str, Any]]:
    """Return what a table says of one version, without what names the cell."""
    rows = pq.read_table(f"artifacts/{pipeline}/{step}/table.parquet").to_pylist()
    named = ("cell", "version")
    return [
        {name: value for name, value in row.items() if name not in named}
        for row in rows
        if row.get("version", version) == version
    ]


def left(root: Path) -> dict[str, bytes]:
    """Return every file that the stages left, but those of the report, whose charts are not drawn here."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in ("artifacts/shots", "metrics/shots", "data/.versions")
        for path in (root / folder).rglob("*")
        if path.is_file() and path.name != ".gitignore" and "report" not in path.parts
    }


@pytest.mark.slow  # three runs and DVC's
def test_one_run_has_the_numbers_of_a_pipeline_for_each_version(
    versions: Any, call: Callable[..., Any]
) -> None:
    """Fits, noise, answers and attacks to the last bit; and `dvc repro` leaves the same bytes."""
    answer = call("run", "pipelines/shots.yaml", "--direct")
    assert answer.code == 0, answer.err
    for version in ("v1", "v2"):
        alone = BOTH.replace("matrix:\n  version: [v1, v2]\n", "").replace("$version", version)
        alone = "".join(line for line in alone.splitlines(keepends=True) if "[version" not in line)
        alone = alone.replace("gates:\n", "")
        file = versions.root / "pipelines" / f"only-{version}.yaml"
        file.write_text(alone.replace("name: shots", f"name: only-{version}"), encoding="utf-8")
        assert call("run", str(file), "--direct").code == 0
        for step in STEPS:
            own, both = (rows_of(of, step, version) for of in (f"only-{version}", "shots"))
            assert repr(own) == repr(both), (version, step)  # no NaN equals another
            assert len(both) == {"v1": 8, "v2": 9}[version]
    noise = [{row["id"]: row["psnr_db"] for row in rows_of("shots", "predictions", v)} for v in ("v1", "v2")]  # fmt: skip
    shared = noise[0].keys() & noise[1].keys()
    assert len(shared) == 7
    assert all(noise[0][id_] == noise[1][id_] for id_ in shared)
    shutil.rmtree(versions.root / ".adversity")
    first, lock = left(versions.root), yaml.safe_load((versions.root / "dvc.lock").read_bytes())
    for folder in ("artifacts", "metrics", "data/.versions", ".dvc/cache/runs"):
        shutil.rmtree(versions.root / folder)
    (versions.root / "dvc.lock").unlink()
    again = dvc("repro", "shots-report")
    assert again.returncode == 0, again.stderr
    assert left(versions.root) == first
    now = yaml.safe_load((versions.root / "dvc.lock").read_bytes())["stages"]
    del now["shots-report"]
    assert now == {name: one for name, one in lock["stages"].items() if name in now}


@pytest.mark.slow  # a run, and what is read of it
def test_each_number_says_its_version_and_a_moved_tag_makes_it_stale(
    versions: Any, call: Callable[..., Any], git: Callable[..., None]
) -> None:
    """In the report, tables, exports and explanations; and status tells the truth."""
    assert call("run", "pipelines/shots.yaml", "--direct").code == 0
    assert "nothing had changed" in call("run", "pipelines/shots.yaml", "--direct").out
    assert "shots-" not in dvc("status").stdout
    result = json.loads(next(versions.root.glob("runs/*/result.json")).read_text())
    data = {one["id"]: one for one in result["data"]}
    assert [(one["n"], one["cell"]) for name, one in data.items() if name.startswith("test")] == [
        (8, {"version": "v1"}),
        (9, {"version": "v2"}),
    ]
    assert result["sides"] == {"version": "condition"}
    assert [one["verdict"] for one in result["gates"]] == ["pass", "pass"]
    lines = list(csv.DictReader(call("table", "--format", "csv").out.splitlines()))
    assert {(line["version"], line["data_revision"], line["data_content"]) for line in lines} == {
        (version, version, data[f"test[version={version}]"]["content"]) for version in ("v1", "v2")
    }
    assert call("export", "pipelines/shots.yaml", "noisy", "out").code == 0
    cells = json.loads(Path("out/export.json").read_text())["cells"]
    assert [(one["images"], one["data"]["revision"]) for one in cells] == [(8, "v1"), (9, "v2")]
    assert call("export", "pipelines/shots.yaml", "test", "old", "--cell", "version=v1").code == 0
    assert len(list(Path("old/images").rglob("*.*"))) == 8
    told = call("explain", "pipelines/shots.yaml", "clean[version=v2].accuracy")
    assert told.code == 0, told.err
    assert "test[version=v2]" in told.out
    assert "test[version=v1]" not in told.out
    git("tag", "-f", "v2", "v1")
    (pipeline,) = json.loads(call("status", "pipelines/shots.yaml", "--json").out)["pipelines"]
    reasons = {one["step"]: " ".join(one["reasons"]) for one in pipeline["steps"]}
    assert "data.test: v1 (" in reasons["predictions"]
    assert ", v2 (" in reasons["predictions"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("[v1, v2]", "[v1, v3]", "shots.yaml:6: rev: expected a tag, a branch or a commit of the project, got v3"),
        ("[v1, v2]", "[v1, 1.2]", "shots.yaml:6: rev: expected a tag, a branch or a commit of the project, got 1.2"),
        ("path: data/train", "path: data/other", "shots.yaml:6: rev: v1 has no data/other: neither DVC nor git has it there"),
        ("rev: $version", "rev: [v1, v2]", "data.train.rev must be one revision, got a list; list them under matrix: and write rev: $version"),
        ("rev: $version", "rev: $other", "matrix variable $other is not declared"),
        ("rev: $version", "rev: x$version", "a matrix variable must be the whole value"),
        ("dataset/folder, with: {path: data/train}", "dataset/digits", "dataset/digits has no place in the project"),
        ("with: {epochs", "folds: 2, with: {epochs", "train is read in several (rev:), in which an image may lie in different folds; write a data set for each version"),
        ("  clean:", "  many: {uses: uncertainty/deep_ensemble, from: predictions, over: version}\n  clean:", "over: version names versions of data, and members answer the same images"),
        ("test[version=v2]", "test[version=v3]", "version has no value v3; it has v1, v2"),
        ("from: test, with", "from: train, with", "train[version=v1] is used for both"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_in_versions_is_refused_before_the_run(
    versions: Any,
    call: Callable[..., Any],
    refused: Callable[..., str],
    before: str,
    after: str,
    said: str,
) -> None:
    """With the line."""
    versions.edit(before, after)
    answer = call("run", "pipelines/shots.yaml", "--direct")
    assert answer.code == 2
    assert said in " ".join(answer.err.split()), answer.err


def test_an_image_that_fits_and_judges_in_one_version_is_refused(
    versions: Any, call: Callable[..., Any], git: Callable[..., None], refused: Callable[..., str]
) -> None:
    """The message names the version in which it does; the other one is clean."""
    assert dvc("checkout", "-q").returncode == 0
    shutil.copy("data/train/dark/more.png", "data/test/dark/leak.png")
    assert dvc("add", "-q", "data/test").returncode == 0
    git("add", "-A")
    git("commit", "-q", "-m", "leak")
    git("tag", "-f", "v2")
    answer = call("run", "pipelines/shots.yaml", "--direct")
    assert (answer.code, answer.err.count("error: ")) == (2, 1), answer.err
    said = " ".join(answer.err.split())
    assert "1 of the 10 images of test[version=v2] are among those of train[version=v2]" in said
    assert "version=v1" not in answer.err


def test_a_version_that_was_never_pushed_ends_the_run(
    versions: Any, call: Callable[..., Any]
) -> None:
    """One message that names it, and no number of the other version is recorded."""
    for path in (versions.root / ".dvc/cache/files").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.unlink()
    answer = call("run", "pipelines/shots.yaml", "--direct")
    assert (answer.code, answer.err.count("error: ")) == (3, 1), answer.err
    assert " of v" in answer.err
    assert not list((versions.root / "artifacts").rglob("*.parquet"))


def test_a_pin_does_not_take_the_matrix_away(
    versions: Any, call: Callable[..., Any], refused: Callable[..., str]
) -> None:
    """It says where the versions stand."""
    refused(
        call("data", "pin", "pipelines/shots.yaml", "test", "v1"),
        "data.test: expected one revision, got $version, which the matrix lists",
    )


@pytest.mark.slow  # fits of two networks in folds, and DVC's
def test_folds_of_versions_are_a_data_set_and_a_step_for_each(
    versions: Any, call: Callable[..., Any]
) -> None:
    """Each image of each version is answered once, by a network that was fitted on that version."""
    versions.file.write_text(FOLDED, encoding="utf-8")
    answer = call("run", "pipelines/shots.yaml", "--direct")
    assert answer.code == 0, answer.err
    for step in ("old_seen", "new_seen"):
        rows = pq.read_table(f"artifacts/shots/{step}/table.parquet").to_pylist()
        assert (
            len({row["id"] for row in rows}) == len(rows) == {"old_seen": 12, "new_seen": 13}[step]
        )
        assert {row["fold_left_out"] for row in rows} == {1, 2}
