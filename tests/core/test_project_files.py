"""Files of the project as parameters: found from anywhere, checked, and nothing but themselves."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field, ValidationError

import adversity
from adversity import Classifier, ProjectFile, ProjectFolder
from adversity.contracts.project_files import bind_files, project_files
from adversity.errors import DataError, InputError
from adversity.project import place_in, read_regular


class Stored(Classifier):
    """A classifier with files of every shape."""

    name: ClassVar[str] = "stored"
    weights: ProjectFile | None = None
    members: tuple[ProjectFile, ...] = ()
    by_name: dict[str, ProjectFolder] = Field(default_factory=dict)

    @property
    def class_names(self):
        return ("a",)

    def logits(self, images):
        return images


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A project with weights; the working directory is another folder."""
    root = tmp_path / "project"
    (root / "models").mkdir(parents=True)
    (root / "models/best").write_bytes(b"weights")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return root


def test_a_file_is_found_from_any_working_directory(elsewhere):
    """Once the core has said where the project lies, `open` takes the parameter as it is."""
    plugin = Stored(weights="models/best")
    with pytest.raises(InputError, match="there is no file models/best in the project"):
        os.fspath(plugin.weights)
    bind_files(plugin, elsewhere)
    with open(plugin.weights, "rb") as file:  # noqa: PTH123  (that `open` takes it is the point)
        assert file.read() == b"weights"
    assert plugin.weights.path == elsewhere / "models/best"
    assert str(plugin.weights) == "models/best"
    again = Stored(**plugin.model_dump(exclude_unset=True))
    assert again.weights.path == plugin.weights.path


def test_from_python_the_working_directory_at_creation_is_the_project(elsewhere, monkeypatch):
    """`adversity.create` finds files where it was called, and later changes move nothing."""
    monkeypatch.chdir(elsewhere)
    (elsewhere / "data/cat").mkdir(parents=True)
    from PIL import Image

    Image.new("RGB", (4, 4)).save(elsewhere / "data/cat/1.png")
    data = adversity.create("dataset", "folder", path="data")
    monkeypatch.chdir(elsewhere.parent)
    assert data.path.path == elsewhere / "data"


def test_the_text_alone_is_what_a_plugin_is(tmp_path):
    """Equality, hashes, JSON and pickles know the path as written, wherever the project lies."""
    one, other = Stored(weights="a/b"), Stored(weights=Path("./a//b"))
    bind_files(one, tmp_path)
    assert one == other
    assert one.fingerprint == other.fingerprint
    assert json.loads(json.dumps(one.parameters))["weights"] == "a/b"
    assert pickle.loads(pickle.dumps(one)) == one
    assert Stored.model_json_schema()["properties"]["weights"]["anyOf"][0]["type"] == "string"


@pytest.mark.parametrize("text", ["/etc/passwd", "../x", "a/../../x", "C:\\x", "", "a\0b", 3, None])
def test_what_is_no_path_in_the_project_is_refused(text):
    """Absolute paths, `..`, empty text and other types never become a file."""
    with pytest.raises(ValidationError, match=r"(in|inside) the project"):
        Stored(members=[text])


def test_all_files_of_a_plugin_are_found(tmp_path):
    """Lists, mappings and plugins in parameters hold files as well."""
    plugin = Stored(weights="a", members=["b", "c"], by_name={"x": "d"})
    assert [file.text for file in project_files(plugin)] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (os.mkfifo, "expected a file in the project, got a pipe"),
        (lambda path: path.mkdir(), "expected a file in the project, got a folder"),
        (lambda path: path.symlink_to(path), "its links go in a circle"),
        (lambda path: path.symlink_to("/etc/passwd"), "must lie in the project"),
        (lambda path: path.symlink_to("/dev/zero"), "must lie in the project"),
        (lambda path: path.symlink_to("no"), "there is no file net in the project"),
        (lambda path: path.with_name(".dvcignore").write_text("net"), "there is no file net"),
    ],
    ids=["pipe", "folder", "circle", "out", "device", "nothing", "missing"],
)
def test_only_a_regular_file_inside_is_given_out(tmp_path, make, said):
    """Whatever else lies under the name is refused before it is opened."""
    make(tmp_path / "net")
    file = ProjectFile("net")
    file.bind(tmp_path)
    with pytest.raises(InputError, match=said):
        os.fspath(file)


def test_a_file_that_dvc_leaves_out_is_refused(tmp_path):
    """Its changes would go unnoticed; the rule is named."""
    (tmp_path / "net").write_bytes(b"")
    (tmp_path / ".dvcignore").write_text("# weights\nnet\n")
    file = ProjectFile("net")
    file.bind(tmp_path)
    with pytest.raises(InputError, match=r"net is left out by \.dvcignore:2: DVC does not see it"):
        os.fspath(file)


def test_a_link_into_a_dvc_cache_stands_for_itself(tmp_path, tmp_path_factory):
    """DVC hashes such a link under its own name, though the cache lies on another disk."""
    content = b"weights"
    digest = hashlib.md5(content).hexdigest()
    cached = tmp_path_factory.mktemp("disk") / "files/md5" / digest[:2] / digest[2:]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(content)
    (tmp_path / "net").symlink_to(cached)
    assert place_in(tmp_path, "net") == "net"
    file = ProjectFile("net")
    file.bind(tmp_path)
    assert file.path.read_bytes() == content


def test_a_folder_lists_what_dvc_sees(tmp_path):
    """Hidden files are in it, what .dvcignore names is not; a pipe in it is refused."""
    for name in ("m/b", "m/sub/a", "m/.c", "m/x.tmp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / ".dvcignore").write_text("*.tmp\n")
    folder = ProjectFolder("m")
    folder.bind(tmp_path)
    assert folder.files() == (".c", "b", "sub/a")
    os.mkfifo(tmp_path / "m/sub/pipe")
    with pytest.raises(DataError, match=r"m/sub/pipe is a pipe, expected a regular file"):
        folder.files()


def test_reading_never_waits_for_a_pipe(tmp_path):
    """A pipe that takes a file's place between two looks is an error, at once."""
    os.mkfifo(tmp_path / "x")
    with pytest.raises(OSError, match="expected a regular file, got a pipe"):
        read_regular(tmp_path / "x")
