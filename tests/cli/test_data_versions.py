"""Versions of data: listed, and compared between commits and the disk."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def template(
    new_shots: Callable[[Path], Any],
    git: Callable[..., None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The project `shots` with two versions of data/test, made once.

    One image moved, one is new, one is gone.
    """

    def commit(message: str, tag: str) -> None:
        subprocess.run([sys.executable, "-m", "dvc", "add", "-q", "data/test"], check=True)
        git("add", "-A")
        git("commit", "-q", "-m", message)
        git("tag", tag)

    shots = new_shots(tmp_path_factory.mktemp("template") / "trial")
    test = shots.root / "data" / "test"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(shots.root)
        commit("first", "v1")
        (test / "dark" / "0.png").rename(test / "light" / "was dark.png")
        (test / "light" / "3.png").unlink()
        shutil.copy(shots.root / "data/train/light/5.png", test / "light" / "more.png")
        commit("second <b>", "v2")
    return shots.root


@pytest.fixture
def versions(shots: Any, template: Path) -> Any:
    """Return a copy of the template, and stand in it."""
    shutil.rmtree(shots.root / "data")
    shutil.copytree(template, shots.root, dirs_exist_ok=True)
    return shots


def test_a_commit_is_compared_with_another(versions: Any, call: Callable[..., Any]) -> None:
    """By a folder and by a pipeline's data set; the disk is the later one if none is named."""
    expected = {
        "same": 6,
        "relabelled": [("dark/0.png", "light/was dark.png", "dark", "light")],
        "added": [("", "light/more.png", "", "light")],
        "removed": [("light/3.png", "", "light", "")],
        "changed": [],
        "moved": [],
    }
    names = ("id_before", "id_after", "class_before", "class_after")
    for source, *which in (
        ("data/test", "v1", "v2"),
        ("pipelines/shots.yaml:test", "v1"),
    ):
        answer = call("data", "diff", source, *which, "--json")
        found = json.loads(answer.out)
        assert found["classes"] == {"dark": [4, 3], "light": [4, 5]}
        assert {
            kind: value if kind == "same" else [tuple(p[n] for n in names) for p in value]
            for kind, value in found.items()
            if kind != "classes"
        } == expected
    assert call("data", "diff", "data/test", "v2").out == (
        "data/test: v2 to what is on the disk: 8 the same\n"
    )


def test_it_is_said_and_shown(versions: Any, call: Callable[..., Any]) -> None:
    """In words, and as a page without a network, with the images on which the two differ."""
    answer = call("data", "diff", "data/test", "v1", "v2", "--page", "changes.html")
    assert "of another class: 1: dark/0.png -> light/was dark.png (dark -> light)" in answer.out
    assert "classes: dark 4 -> 3, light 4 -> 5" in answer.out
    page = (versions.root / "changes.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 3
    assert "dark → light" in page
    assert 'alt="before"' not in page, "each image says which sample it is"
    assert page.count("<th ") == page.count('<th scope="row"')


def test_versions_are_listed(versions: Any, call: Callable[..., Any]) -> None:
    """Newest first, with tags; what DVC does not track is said with what would change that."""
    found = {one["location"]: one for one in json.loads(call("data", "list", "--json").out)["data"]}
    assert found["data/test"]["used_by"] == ["shots.test"]
    assert (found["data/test"]["tracked"], found["data/test"]["files"]) == ("data/test.dvc", 8)
    newest, oldest = found["data/test"]["versions"]
    assert ("v2" in newest["names"], newest["subject"]) == (True, "second <b>")
    assert (oldest["names"], oldest["subject"]) == (["v1"], "first")
    answer = call("data", "list")
    assert "data/train: not in DVC: `dvc add data/train` and a commit make a version" in answer.out
    shutil.rmtree(versions.root / "data/test")
    assert "not on this disk: `dvc pull data/test.dvc`" in call("data", "list").out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["data/test", "v3"], "expected a commit, a tag or a branch, got 'v3'"),
        (["data/later", "v1"], "v1 has no data/later: it is in neither git nor DVC there"),
        (["pipelines/shots.yaml:tset", "v1"], "expected one of its data sets, train, test, got 'tset'"),
        (["../x", "v1"], "expected PIPELINE:NAME or a folder within"),
    ],
)  # fmt: skip
def test_what_is_no_version_is_refused(
    versions: Any,
    call: Callable[..., Any],
    refused: Callable[..., str],
    given: list[str],
    said: str,
) -> None:
    """One message each."""
    versions.draw("data/later", 1)
    refused(call("data", "diff", *given), said)


def test_data_that_are_nowhere_and_files_that_are_damaged(
    versions: Any, call: Callable[..., Any], refused: Callable[..., str]
) -> None:
    """A version that was never pushed; a `.dvc` file that is none."""
    shutil.rmtree(versions.root / ".dvc" / "cache")
    refused(call("data", "diff", "data/test", "v1", "v2"), "v1", "dvc fetch", code=3)
    (versions.root / "data" / "odd.dvc").write_text("outs: 3")
    refused(call("data", "list"), "data/odd.dvc: expected what `dvc add` writes")


def test_a_remote_that_came_after_a_version_has_it(versions: Any, call: Callable[..., Any]) -> None:
    """The commit's own configuration knows of none; how DVC is configured now counts."""
    objects, remote = versions.root / ".dvc/cache/files", versions.root.parent / "remote"
    shutil.move(objects, remote / "files")
    with (versions.root / ".dvc/config.local").open("w", encoding="utf-8") as config:
        config.write(f"""['remote "store"']\n    url = {remote}\n[core]\n    remote = store\n""")
    answer = call("data", "diff", "data/test", "v1", "v2")
    assert (answer.code, "6 the same" in answer.out) == (0, True), answer.err


def test_a_remote_without_the_data_is_one_message(
    versions: Any, call: Callable[..., Any], refused: Callable[..., str]
) -> None:
    """It is there and was never pushed to: exit code 3, and nothing is left of the attempt."""
    remote = versions.root.parent / "remote"
    remote.mkdir()
    with (versions.root / ".dvc/config.local").open("w", encoding="utf-8") as config:
        config.write(f"""['remote "store"']\n    url = {remote}\n[core]\n    remote = store\n""")
    shutil.rmtree(versions.root / ".dvc" / "cache")
    before = sorted(path for path in versions.root.rglob("*") if ".dvc/tmp" not in str(path))
    refused(call("data", "diff", "data/test", "v1", "v2"), "v1", "dvc fetch", code=3)
    after = sorted(path for path in versions.root.rglob("*") if ".dvc/tmp" not in str(path))
    assert [path for path in after if path.is_file()] == [path for path in before if path.is_file()]
    assert not list(remote.iterdir())


def test_packaged_data_have_the_versions_of_their_package(
    project: Any, call: Callable[..., Any], refused: Callable[..., str]
) -> None:
    """Nothing of the project can say what they were."""
    assert "no data but what comes with packages" in call("data", "list").out
    refused(call("data", "diff", "pipelines/tiny.yaml:test", "HEAD"), "comes with its package")
