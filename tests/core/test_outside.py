"""Data outside the project: read where this machine's own configuration permits it, only there."""

from __future__ import annotations

import os

import pytest

from adversity import ProjectFile, ProjectFolder
from adversity.errors import DataError, InputError
from adversity.outside import is_permitted
from adversity.project import code_fault, file_fault, folder_fault, list_files, place_in


@pytest.fixture
def disk(tmp_path):
    """A disk beside the project, with photos and something secret."""
    for file in ("photos/cat/1.png", "photos/dog/2.png", "photos2/3.png", "secret/key"):
        path = tmp_path / "disk" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file)
    return tmp_path / "disk"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A project of DVC with a folder for data."""
    monkeypatch.setenv("HOME", str(tmp_path))
    root = tmp_path / "project"
    (root / ".dvc").mkdir(parents=True)
    (root / "data").mkdir()
    return root


def permit(root, place, *, file="config.local"):
    with (root / ".dvc" / file).open("a") as config:
        config.write(f"['remote \"disk{os.urandom(4).hex()}\"']\n    url = {place}\n")


@pytest.mark.parametrize(
    "url",
    ["{disk}/photos", "{disk}", "../../disk/photos", "~/disk/photos", '"{disk}/photos"', "/"],
)
def test_a_folder_that_the_machine_names_may_be_linked_to(root, disk, url):
    """Absolute, relative to `.dvc` and with `~`, as DVC itself reads it; the link is the place."""
    from dvc.config import Config

    (root / "data/pets").symlink_to(disk / "photos")
    assert place_in(root, "data/pets") is None
    permit(root, url.format(disk=disk))
    (named,) = Config(str(root / ".dvc")).load_one("local")["remote"].values()
    assert (disk / "photos").is_relative_to(os.path.realpath(named["url"]))
    assert place_in(root, "data/pets/cat/1.png") == "data/pets/cat/1.png"
    assert folder_fault(root, "data/pets") is None
    assert list_files(root, "data/pets").files == ("cat/1.png", "dog/2.png")
    folder = ProjectFolder("data/pets")
    folder.bind(root)
    assert folder.files() == ("cat/1.png", "dog/2.png")
    file = ProjectFile("data/pets/cat/1.png")
    file.bind(root)
    assert file.path.read_text() == "photos/cat/1.png"


@pytest.mark.parametrize(
    "url", ["{disk}/photos2", "{disk}/pho", "s3://disk", "file://{disk}", "{disk}/none", "~ghost"]
)
def test_other_folders_permit_nothing(root, disk, url):
    """Neither a name that begins alike nor a store of another kind."""
    (root / "data/pets").symlink_to(disk / "photos")
    permit(root, url.format(disk=disk))
    assert place_in(root, "data/pets") is None


def test_what_comes_with_the_project_permits_nothing(root, disk):
    """`.dvc/config` is in git: it may say where a remote is, and not that it is read."""
    (root / "data/pets").symlink_to(disk / "photos")
    permit(root, disk, file="config")
    (root / ".dvc/config.local").write_text("[core]\n    remote = disk\n")
    assert place_in(root, "data/pets") is None
    said = folder_fault(root, "data/pets")
    assert f"leads to {disk}/photos; permit it with `dvc remote add --local NAME" in said
    assert f"NAME {disk}/photos`, copy it in" in said


def test_a_link_in_a_permitted_folder_leads_nowhere_else(root, disk):
    """The links are followed to their end, whatever they are called on the way."""
    permit(root, disk / "photos")
    (disk / "photos/out").symlink_to(disk / "secret")
    (disk / "photos/cat/key.png").symlink_to(disk / "secret/key")
    (root / "data/pets").symlink_to(disk / "photos")
    for text in ("data/pets/out", "data/pets/out/key", "data/pets/cat/key.png"):
        assert place_in(root, text) is None
    assert f"leads to {disk}/secret/key" in file_fault(root, "data/pets/cat/key.png")
    with pytest.raises(DataError, match=r"key\.png is a link out of the data set"):
        list_files(root, "data/pets")


def test_a_path_alone_never_leads_out(root, disk):
    """Permission is for links in the project, not for paths of a pipeline file."""
    permit(root, "/")
    for text in (f"{disk}/photos", "../disk/photos", "data/../../disk/photos"):
        with pytest.raises(ValueError, match="must be a path inside the project"):
            ProjectFolder(text)
        assert place_in(root, text) is None


def test_a_project_does_not_lie_in_its_own_data(root, tmp_path):
    """A link to a folder above would make the project a part of what it reads."""
    permit(root, "/")
    (root / "data/all").symlink_to(tmp_path)
    assert not is_permitted(root, tmp_path)
    assert place_in(root, "data/all") is None
    assert place_in(root, "data/all/project/data") == "data"


def test_code_lies_in_the_project(root, disk):
    """A permitted folder holds data; a plugin in it is not imported."""
    (disk / "photos/mine.py").write_text("")
    permit(root, disk)
    (root / "models").symlink_to(disk / "photos")
    assert file_fault(root, "models/mine.py") is None
    assert "must lie in the project" in code_fault(root, "models/mine.py")
    (root / "own.py").write_text("")
    assert code_fault(root, "own.py") is None


def test_rules_of_dvcignore_hold_for_what_is_linked(root, disk):
    """As for DVC, which walks along the same path."""
    permit(root, disk)
    (root / "data/pets").symlink_to(disk / "photos")
    (root / ".dvcignore").write_text("dog\n")
    listing = list_files(root, "data/pets")
    assert listing.files == ("cat/1.png",)
    assert listing.ignored == (("dog", ".dvcignore:1"),)


def test_a_damaged_configuration_is_said(root, disk):
    """A permission that cannot be read is an error with its file."""
    (root / "data/pets").symlink_to(disk)
    (root / ".dvc/config.local").write_text("[remote\n")
    file = ProjectFolder("data/pets")
    file.bind(root)
    with pytest.raises((DataError, InputError), match=r"config\.local: expected a configuration"):
        file.files()
