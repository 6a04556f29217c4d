"""A pipeline that reads data as they were at a revision: `rev:`, and `adversity data pin`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TWO = """\
name: shots
data:
  one: {uses: dataset/folder, with: {path: data/test}, rev: v1}
  two: {uses: dataset/folder, with: {path: data/test}, rev: v2}  # the later one
steps:
  noisy_one: {uses: degradation/gaussian_noise, from: one, with: {severity: 3}}
  noisy_two: {uses: degradation/gaussian_noise, from: two, with: {severity: 3}}
  before: {uses: metric/psnr, from: noisy_one}
  after: {uses: metric/psnr, from: noisy_two}
"""


def dvc(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Call DVC in the current folder."""
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def template(
    new_shots: Callable[[Path], Any],
    git: Callable[..., None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The project `shots` with two versions of data/test, which lies there no more; made once.

    In the second, an image of the dark class is one of the light, and another one is gone.
    """
    shots = new_shots(tmp_path_factory.mktemp("template") / "trial")
    test = shots.root / "data" / "test"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(shots.root)
        for tag in ("v1", "v2"):
            if tag == "v2":
                (test / "dark" / "0.png").rename(test / "light" / "was dark.png")
                (test / "light" / "3.png").unlink()
            assert dvc("add", "-q", "data/test").returncode == 0
            git("add", "-A")
            git("commit", "-q", "-m", tag)
            git("tag", tag)
    shutil.rmtree(test)
    shots.file.write_text(TWO, encoding="utf-8")
    return shots.root


@pytest.fixture
def two(shots: Any, template: Path, undrawn_charts: None) -> Any:
    """Return a copy of the template, and stand in it."""
    shutil.rmtree(shots.root / "data")
    shutil.copytree(template, shots.root, dirs_exist_ok=True)
    return shots


def ids_of(root: Path, step: str) -> list[str]:
    """Return the ids in the table of a step."""
    table = pq.read_table(root / "artifacts/shots" / step / "table.parquet", columns=["id"])
    return [str(value) for value in table["id"].to_pylist()]


def bytes_in(root: Path, *folders: str) -> dict[str, bytes]:
    """Return what every file in some folders holds."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in folders
        for path in (root / folder).rglob("*")
        if path.is_file() and path.name != ".gitignore"
    }


@pytest.mark.slow  # a run and DVC's
def test_two_versions_in_one_report_by_every_door(two: Any, call: Callable[..., Any]) -> None:
    """Each step reads its version, the report names it; `dvc repro` gives the same bytes."""
    answer = call("run", "pipelines/shots.yaml", "--direct")
    assert answer.code == 0, answer.err
    assert {"dark/0.png", "light/3.png"} < {*ids_of(two.root, "before")}
    assert "light/was dark.png" in ids_of(two.root, "after")
    (result,) = two.root.glob("runs/*/result.json")
    data = {one["id"]: one["facts"] for one in json.loads(result.read_text())["data"]}
    assert [data[name]["revision"] for name in ("one", "two")] == ["v1", "v2"]
    resolved = yaml.safe_load((two.root / "pipelines/.resolved/shots.yaml").read_text())
    assert resolved["data"]["one"]["revision"] == {"v1": data["one"]["version"]}
    assert "nothing had changed" in call("run", "pipelines/shots.yaml", "--direct").out
    first = bytes_in(two.root, "artifacts", "metrics", "data/.versions")
    lock = (two.root / "dvc.lock").read_bytes()
    for folder in ("artifacts", "metrics", "data/.versions", ".adversity", ".dvc/cache/runs"):
        shutil.rmtree(two.root / folder)
    (two.root / "dvc.lock").unlink()
    again = dvc("repro")
    assert again.returncode == 0, again.stderr
    assert bytes_in(two.root, "artifacts", "metrics", "data/.versions") == first
    assert yaml.safe_load((two.root / "dvc.lock").read_bytes()) == yaml.safe_load(lock)


def test_a_moved_tag_makes_exactly_its_steps_stale(
    two: Any, call: Callable[..., Any], git: Callable[..., None]
) -> None:
    """What reads the other version stays; the reason names the revision and both contents."""
    call("run", "pipelines/shots.yaml", "--direct")
    git("tag", "-f", "v2", "v1")
    steps = json.loads(call("status", "pipelines/shots.yaml", "--json").out)
    (pipeline,) = steps["pipelines"]
    reasons = {one["step"]: " ".join(one["reasons"]) for one in pipeline["steps"]}
    states = {one["step"]: one["state"] for one in pipeline["steps"]}
    assert {name for name, state in states.items() if state != "unchanged"} == {"after", "report"}
    assert "data.two: v2 (" in reasons["after"]
    read = r"stage shots-after: deps data/\.versions/test@\w+ -> data/\.versions/test@\w+ "
    assert re.match(read, reasons["after"])


def test_a_name_for_the_same_content_is_the_same_version(two: Any) -> None:
    """Two revisions with the same data are written out once."""
    from adversity_flows.cli.project import plan_of

    two.edit("rev: v2", "rev: v1~0")
    stages = [stage.step for stage in plan_of(str(two.file)).stages]
    assert len([step for step in stages if step.startswith("data:test@")]) == 1


@pytest.mark.parametrize("damage", ["gone", "other bytes"])
def test_data_that_cannot_be_brought_leave_nothing(
    two: Any, call: Callable[..., Any], refused: Callable[..., str], damage: str
) -> None:
    """Never pushed, or damaged in the cache: one message, and nothing half-written."""
    objects = [path for path in (two.root / ".dvc/cache/files").rglob("*") if path.is_file()]
    for path in objects:
        path.chmod(0o644)
        if damage == "gone":
            path.unlink()
        elif path.suffix != ".dir":
            path.write_bytes(b"something else")
    answer = call("run", "pipelines/shots.yaml", "--direct")
    said = "in DVC's cache" if damage == "gone" else "expected the files that were recorded"
    assert (answer.code, answer.err.count("error: ")) == (3, 1), answer.err
    assert f"data/test of v1{' is' if damage == 'gone' else ':'}" in answer.err
    assert said in answer.err
    assert not [*bytes_in(two.root, "data/.versions", "artifacts")]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("rev: v2", "rev: v3", "shots.yaml:4: rev: expected a tag, a branch or a commit of the project, got v3"),
        ("rev: v2", "rev: 1.2", 'data.two.rev must be text, got a number: write rev: "1.2"'),
        ("rev: v2", "rev: $v", "matrix variable $v is not declared under matrix:; add v: [...] there"),
        ("rev: v2", "rev: -x", "data.two.rev must be a tag, a branch or a commit such as v1.2, got '-x'"),
        ("path: data/test}, rev: v2", "path: data/train}, rev: v1^", "got v1^"),
        ("path: data/test}, rev: v2", "path: data/later}, rev: v2", "v2 has no data/later: neither DVC nor git has it there"),
        ("dataset/folder, with: {path: data/test}, rev: v2", "dataset/digits, rev: v2", "dataset/digits has no place in the project: it has its package's versions"),
    ],
)  # fmt: skip
def test_what_is_no_version_is_refused_before_the_run(
    two: Any,
    call: Callable[..., Any],
    refused: Callable[..., str],
    before: str,
    after: str,
    said: str,
) -> None:
    """One message with the line."""
    two.edit(before, after)
    refused(call("run", "pipelines/shots.yaml", "--direct"), said)


def test_an_image_of_both_versions_does_not_fit_and_judge(
    two: Any, call: Callable[..., Any]
) -> None:
    """A corrected label does not make it another image."""
    steps = TWO.index("steps:")
    fitted = "{uses: classifier/small_cnn, fit_on: one, with: {epochs: 1, width: 4}}"
    two.file.write_text(
        f"{TWO[:steps]}steps:\n  net: {fitted}\n  predictions: {{uses: net, from: two}}\n"
    )
    answer = call("run", "pipelines/shots.yaml", "--direct")
    assert (answer.code, answer.err.count("error: ")) == (2, 1)
    assert "of two are among those of one, such as dark/1.png" in answer.err


def test_data_in_git_alone_have_revisions(
    two: Any, call: Callable[..., Any], git: Callable[..., None]
) -> None:
    """Small data need no DVC."""
    two.draw("small", 2)
    git("add", "small")
    git("commit", "-q", "-m", "small data")
    shutil.rmtree(two.root / "small")
    two.edit("path: data/test}, rev: v2", "path: small}, rev: HEAD")
    assert call("run", "pipelines/shots.yaml", "--direct").code == 0
    assert len(ids_of(two.root, "after")) == 4


def test_a_pin_keeps_the_rest_of_the_file(
    two: Any, call: Callable[..., Any], refused: Callable[..., str]
) -> None:
    """It is proved to have the data before anything is written, and mends a wrong one."""
    refused(
        call("data", "pin", "pipelines/shots.yaml", "two", "v3"),
        "pipelines/shots.yaml: data.two: rev: expected a tag, a branch or a commit",
    )
    refused(call("data", "pin", "pipelines/shots.yaml", "tow", "v1"), "expected one of one, two")
    assert two.file.read_text(encoding="utf-8") == TWO
    two.edit("rev: v2", "rev: v3")
    answer = call("data", "pin", "pipelines/shots.yaml", "two", "v2")
    assert (answer.code, "was v3" in answer.out) == (0, True), answer.err
    assert two.file.read_text(encoding="utf-8") == TWO
    assert "already" in call("data", "pin", "pipelines/shots.yaml", "two", "v2").out


def test_a_name_that_yaml_takes_for_a_number_is_quoted(
    two: Any, call: Callable[..., Any], git: Callable[..., None]
) -> None:
    """And a data set without `rev:` gets one."""
    git("tag", "1.5", "v1")
    two.edit(", rev: v1}", "}")
    assert "was what is on the disk" in call("data", "pin", str(two.file), "one", "1.5").out
    read = yaml.safe_load(two.file.read_text(encoding="utf-8"))
    assert read["data"]["one"]["rev"] == "1.5"
    assert "# the later one" in two.file.read_text(encoding="utf-8")


def test_the_list_says_who_pins_which(
    two: Any, call: Callable[..., Any], git: Callable[..., None]
) -> None:
    """And every tag under which the data are as in the version."""
    git("commit", "-q", "--allow-empty", "-m", "something else")
    git("tag", "release-7")
    (listed,) = [
        one
        for one in json.loads(call("data", "list", "--json").out)["data"]
        if one["location"] == "data/test"
    ]
    newest, oldest = listed["versions"]
    assert listed["used_by"] == ["shots.one", "shots.two"]
    assert ({"v2", "release-7"} <= {*newest["names"]}, newest["pinned_by"]) == (True, ["shots.two"])
    assert (oldest["names"], oldest["pinned_by"]) == (["v1"], ["shots.one"])
    assert "v1)  v1; pinned by shots.one" in call("data", "list").out
