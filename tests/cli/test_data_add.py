"""A folder becomes a version of a data set: what is written, said and refused."""

from __future__ import annotations

import json
import shlex
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from adversity.errors import StorageError
from adversity_flows.datasets import added

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return what every file of a folder holds, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def photos(shots: Any, git: Callable[..., None]) -> Path:
    """The project `shots` in a commit, and a folder of eight images outside of it."""
    git("add", "-A", ":!data")
    git("commit", "-q", "-m", "before")
    place = shots.root.parent / "photos of mine"
    shutil.move(shots.root / "data" / "test", place)
    return place  # type: ignore[no-any-return]


def test_a_folder_becomes_a_version_in_two_commands(
    photos: Path, shots: Any, call: Callable[..., Any], git: Callable[..., None]
) -> None:
    """It is copied, DVC has it, the card says what is in it; what is said makes the version."""
    answer = call("data", "add", str(photos), "--name", "test", "--as", "v1", "--json")
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    assert (found["place"], found["new"]) == ("data/test", True)
    assert found["data"][0]["classes"] == {"dark": 4, "light": 4}
    assert bytes_of(shots.root / "data/test") == bytes_of(photos)
    assert f"md5: {found['md5']}" in (shots.root / "data/test.dvc").read_text()
    card = (shots.root / "data/test.card.md").read_text(encoding="utf-8")
    assert "| version | v1 |" in card
    assert "| path | data/test |" in card
    assert "| dark | 4 |" in card
    assert found["data"][0]["content"] in card
    assert "<td>v1</td>" in (shots.root / "data/test.card.html").read_text(encoding="utf-8")
    commit, tag = found["commands"]
    for command in (*commit.split(" && "), tag):
        git(*shlex.split(command)[1:])
    (listed,) = [
        one
        for one in json.loads(call("data", "list", "--json").out)["data"]
        if one["location"] == "data/test"
    ]
    assert [(one["subject"], "v1" in one["names"]) for one in listed["versions"]] == [
        ("test v1: 8 images", True)
    ]


def test_the_same_bytes_are_no_new_version(
    photos: Path, shots: Any, call: Callable[..., Any]
) -> None:
    """From outside and where they lie; nothing is written anew."""
    call("data", "add", str(photos), "--name", "test", "--as", "v1")
    before = bytes_of(shots.root / "data")
    for folder in (str(photos), "data/test"):
        answer = call("data", "add", folder, "--name", "test")
        assert "data/test: the same bytes as before" in answer.out
        assert bytes_of(shots.root / "data") == before


def test_a_later_version_takes_the_place_of_the_earlier(
    photos: Path, shots: Any, call: Callable[..., Any]
) -> None:
    """What DVC has may go; what it has not is refused before anything is touched."""
    call("data", "add", str(photos), "--name", "test")
    (photos / "dark/0.png").rename(photos / "light/was dark.png")
    answer = call("data", "add", str(photos), "--name", "test", "--as", "v2")
    assert "2 classes, 3 to 5 of each" in answer.out
    assert bytes_of(shots.root / "data/test") == bytes_of(photos)
    shutil.copy(photos / "light/0.png", shots.root / "data/test/light/mine.png")
    before = bytes_of(shots.root / "data")
    answer = call("data", "add", str(photos), "--name", "test")
    assert (answer.code, "would be lost" in answer.err) == (2, True)
    assert bytes_of(shots.root / "data") == before


def test_duplicates_and_leaks_are_shown(photos: Path, shots: Any, call: Callable[..., Any]) -> None:
    """An image that stands twice, and one that another tracked data set has, too."""
    call("data", "add", "data/train")
    shutil.copy(photos / "light/0.png", photos / "light/again.png")
    shutil.copy(shots.root / "data/train/dark/5.png", photos / "dark/leak.png")
    answer = call("data", "add", str(photos), "--name", "test", "--no-look")
    assert answer.code == 0
    assert "images that stand more than once: 1: light/0.png = light/again.png" in answer.out
    assert "test and data/train share images: 1: dark/leak.png = dark/5.png" in answer.out
    assert "look alike" not in answer.out


def test_images_that_cannot_be_read_are_refused_unless_told(
    photos: Path,
    shots: Any,
    call: Callable[..., Any],
    refused: Callable[..., str],
) -> None:
    """With the file and the reason; then the card lists them."""
    (photos / "dark/broken.png").write_bytes(b"\x89PNG\r\n\x1a\nxx")
    arguments = ("data", "add", str(photos), "--name", "test")
    refused(call(*arguments), "got 1 that cannot, such as dark/broken.png: ", "--allow-corrupt")
    assert not list((shots.root / "data").glob("test*"))
    assert call(*arguments, "--allow-corrupt").code == 0
    assert "dark/broken.png" in (shots.root / "data/test.card.md").read_text(encoding="utf-8")


def test_what_fails_leaves_everything_as_it_was(
    photos: Path, shots: Any, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk while the card is written: the first version stands, and nothing is left over."""

    def full(*_: object, **__: object) -> None:
        raise StorageError("the disk is full")

    for version in ("none", "first"):
        if version == "first":
            call("data", "add", str(photos), "--name", "test")
            (photos / "dark/0.png").unlink()
        before = bytes_of(shots.root / "data")
        with monkeypatch.context() as patch:
            patch.setattr(added, "write_card", full)
            assert call("data", "add", str(photos), "--name", "test").code == 3
        assert bytes_of(shots.root / "data") == before
    assert sorted(path.name for path in (shots.root / "data").glob(".*")) == [".gitignore"]


def test_labels_of_a_csv_file(photos: Path, call: Callable[..., Any]) -> None:
    """A folder without classes has them in a file."""
    rows = [f"{path.relative_to(photos).as_posix()},a" for path in sorted(photos.rglob("*.png"))]
    (photos / "labels.csv").write_text("\n".join(["file,label", *rows, ""]), encoding="utf-8")
    answer = call("data", "add", str(photos), "--name", "test", "--labels", "labels.csv")
    assert "test: 8 images; 1 class, 8 of each" in answer.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--name", "a/b"], "got 'a/b'; give one with --name"),
        (["--name", "test", "--as", "v 1"], "a version that can be a tag of git, such as v2, got 'v 1'"),
        (["--name", "test", "--as", "old"], "got old, which is a tag already"),
        ([], "got 'photos of mine'; give one with --name"),
    ],
)  # fmt: skip
def test_names_that_cannot_be_are_refused(
    photos: Path,
    call: Callable[..., Any],
    refused: Callable[..., str],
    git: Callable[..., None],
    options: list[str],
    said: str,
) -> None:
    """One message, before anything is read."""
    git("tag", "old")
    refused(call("data", "add", str(photos), *options), said)


@pytest.mark.usefixtures("photos")
def test_images_that_git_keeps_are_refused(
    git: Callable[..., Any], call: Callable[..., Any], refused: Callable[..., str]
) -> None:
    """Git and DVC cannot both keep them; the message says how git lets go of them."""
    git("add", "--force", "data/train")
    git("commit", "--quiet", "-m", "images")
    refused(
        call("data", "add", "data/train"), "that git does not keep", "`git rm -r --cached FOLDER`"
    )


def test_folders_that_cannot_be_are_refused(
    photos: Path, call: Callable[..., Any], refused: Callable[..., str]
) -> None:
    """None, one without images, and one within another."""
    refused(call("data", "add", "nowhere"), "expected a folder of images, got nowhere")
    (photos.parent / "empty").mkdir()
    refused(call("data", "add", "../empty"), "empty")
    refused(call("data", "add", "data/train/dark", "--name", "train"), "got one inside the other")
