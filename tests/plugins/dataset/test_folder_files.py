"""Which files of a folder are samples: regular ones, inside it, that DVC sees, under fit names."""

from __future__ import annotations

import os
import socket
import unicodedata

import numpy as np
import pytest
from PIL import Image

from adversity.errors import DataError
from adversity_plugins.dataset.folder import Folder


def paint(path, level=100):
    """Write a small grey image that differs by its level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 8, 3), level, dtype=np.uint8)).save(path, "PNG")
    return path


@pytest.fixture
def project(tmp_path):
    """A project with a cat and a dog in `data`."""
    paint(tmp_path / "data/cat/1.png", 10)
    paint(tmp_path / "data/dog/1.png", 20)
    return tmp_path


def opened(root, **parameters):
    """Return the data set, opened."""
    data = Folder(path="data", **parameters)
    data.open(root)
    return data


def a_socket(path):
    """Leave a socket behind."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def ids(data):
    """Return the ids in order."""
    return [row.id for row in data.index()]


@pytest.mark.parametrize("name", ["cat/zz.png", "cat/.hidden", "pipe.txt", ".l.csv"])
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (os.mkfifo, "a pipe, expected a regular file"),
        (a_socket, "a socket, expected"),
        (lambda path: path.symlink_to(path.name), "a link that leads in a circle"),
        (lambda path: path.symlink_to("nowhere.png"), "a link to nothing"),
        (lambda path: path.symlink_to("/dev/null"), "a link out of the data set"),
        (lambda path: path.symlink_to("/etc"), "a link to a folder"),
    ],
    ids=["pipe", "socket", "circle", "nothing", "device", "folder"],
)
def test_only_regular_files_are_opened(project, monkeypatch, name, make, kind):
    """Whatever is no file of the data set is refused by name, hidden ones too, and never read."""
    monkeypatch.chdir(project)  # a socket's path may have 107 bytes
    make((project / "data" / name).relative_to(project))
    with pytest.raises(DataError, match=rf"data/{name} is {kind}"):
        opened(project)


@pytest.mark.parametrize("name", [".l.csv", "l.csv"])
@pytest.mark.parametrize("where", ["outside", "project", "cache"])
def test_a_label_file_stays_in_the_data_set(project, tmp_path_factory, name, where):
    """A link to labels elsewhere is refused, and nothing of what it leads to is said."""
    secret = tmp_path_factory.mktemp("outside") / "secret"
    if where == "project":
        secret = project / "secret"
    secret.write_text("root:x:0:0\n")
    if where == "cache":  # a link in DVC's own cache that leads out of it
        (project / ".dvc/cache/files/md5/ab").mkdir(parents=True)
        inside = project / ".dvc/cache/files/md5/ab/e55d909f8ed46d3c7b1a9d5ab1bb7d"
        inside.symlink_to(secret)
        secret = inside
    (project / "data" / name).symlink_to(secret)
    with pytest.raises(DataError, match=rf"data/{name} is a link out of the data set") as error:
        opened(project, labels=name)
    assert "root" not in str(error.value)


def test_a_hidden_label_file_of_the_data_set_is_read(project):
    """Hidden names are no samples, and may hold labels: DVC hashes them like any other."""
    (project / "data/.l.csv").write_text("file,label\ncat/1.png,lynx\n")
    assert opened(project, labels=".l.csv").class_names == ("lynx",)


@pytest.mark.parametrize("layout", ["shared/files/md5/ab", "shared/ab"], ids=["md5", "before 3"])
def test_links_into_a_dvc_cache_anywhere_are_samples(project, tmp_path_factory, layout):
    """DVC links files to its cache, which may be shared by projects and lie on another disk."""
    cache = tmp_path_factory.mktemp("disk") / layout
    cached = paint(cache / "x.png", 30).rename(cache / "e55d909f8ed46d3c7b1a9d5ab1bb7d")
    (project / "data/cat/2.png").symlink_to(cached)
    (project / "data/l.csv").symlink_to(cache / "f55d909f8ed46d3c7b1a9d5ab1bb7d")
    (cache / "f55d909f8ed46d3c7b1a9d5ab1bb7d").write_text("file,label\ncat/2.png,cat\n")
    assert ids(opened(project)) == ["cat/1.png", "cat/2.png", "dog/1.png"]
    assert ids(opened(project, labels="l.csv")) == ["cat/2.png"]


def test_files_that_dvc_leaves_out_are_no_samples(project):
    """DVC neither hashes nor pushes them; the report counts them and names a rule."""
    paint(project / "data/cat/p00.png", 30)
    paint(project / "data/dog/drafts/1.png", 40)
    whole = ids(opened(project))
    (project / ".dvcignore").write_text("p00.png\n")
    (project / "data/.dvcignore").write_text("drafts/\n")
    data = opened(project)
    assert len(whole) == 4
    assert ids(data) == ["cat/1.png", "dog/1.png"]
    assert data.describe()["left_out_by_dvcignore"] == {
        "count": 2,
        "example": "cat/p00.png (.dvcignore:1)",
    }


def test_a_row_or_a_label_file_that_dvc_leaves_out_is_refused(project):
    """A CSV cannot bring back what .dvcignore names, nor be named there itself."""
    (project / "data/labels.csv").write_text("file,label\ncat/1.png,cat\n")
    (project / ".dvcignore").write_text("data/cat/1.png\n")
    with pytest.raises(DataError, match=r"labels.csv:2: 'cat/1.png' is not in the folder"):
        opened(project, labels="labels.csv")
    (project / ".dvcignore").write_text("*.csv\n")
    with pytest.raises(DataError, match=r"data/labels.csv is left out by .dvcignore:1"):
        opened(project, labels="labels.csv")
    (project / ".dvcignore").write_text("/data\n")
    with pytest.raises(DataError, match=r"data is left out by .dvcignore:1"):
        opened(project)


@pytest.mark.parametrize(
    "letter",
    ["\u202f", "\u00a0", "\u3000", "\u200d", "\u200c", "\u0301", "\U0001f408", "=", ",", "'"],
    ids=ascii,
)
def test_names_of_real_files_are_ids(project, letter):
    """What macOS, phones and writing systems put into names is text like any other."""
    paint(project / f"data/cat/a{letter}b.png")
    assert f"cat/a{letter}b.png" in ids(opened(project))


@pytest.mark.parametrize(
    ("letter", "reason"),
    [
        ("\n", "a control character (U+000A)"),
        ("\x1b", "a control character (U+001B)"),
        ("\x85", "a control character (U+0085)"),
        ("\u2028", "a control character (U+2028)"),
        ("\u202e", "a character that turns the direction of writing (U+202E)"),
        ("\u2066", "a character that turns the direction of writing (U+2066)"),
        ("\u200f", "a character that turns the direction of writing (U+200F)"),
    ],
    ids=ascii,
)
def test_a_name_that_breaks_or_deceives_costs_one_file(project, letter, reason):
    """Such an image is left out with the code point; the others are samples."""
    paint(project / f"data/cat/a{letter}b.png")
    data = opened(project)
    assert ids(data) == ["cat/1.png", "dog/1.png"]
    ((name, said),) = data.quarantined
    assert said == f"its name holds {reason}; rename it"
    assert name.isprintable()
    assert name == f"cat/a{ascii(letter)[1:-1]}b.png"


def test_accents_are_the_same_however_they_are_written(project):
    """macOS writes é as two characters: rows, `classes` and folders mean the same."""
    whole, parts = "Ren\u00e9", unicodedata.normalize("NFD", "Ren\u00e9")
    paint(project / f"data/{parts}/{parts}.png")
    (project / "data/l.csv").write_text(
        f"file,label\n{whole}/{whole}.png,{parts}\ncat/1.png,{whole}\n"
    )
    data = opened(project, labels="l.csv")
    assert data.class_names == (whole,)
    assert ids(data) == [f"{parts}/{parts}.png", "cat/1.png"]
    folders = opened(project, classes=("cat", "dog", whole))
    assert folders.class_names == ("cat", "dog", whole)
    assert folders.describe()["per_class"][whole] == 1


def test_classes_and_files_that_look_alike_are_spelt_out(project):
    """Two class folders, or two files, that differ in how an accent is written are refused."""
    whole, parts = "\u00e9", "e\u0301"
    paint(project / f"data/{whole}/1.png")
    paint(project / f"data/cat/{whole}.png")
    paint(project / f"data/cat/{parts}.png")
    (project / "data/l.csv").write_text(f"file,label\ncat/{whole}.png,cat\n")
    assert ids(opened(project, labels="l.csv")) == [f"cat/{whole}.png"]
    paint(project / f"data/{parts}/1.png")
    with pytest.raises(
        DataError, match=r"\(U\+0065 U\+0301\) and '\u00e9' \(U\+00E9\) are the same"
    ):
        opened(project)


def test_classes_that_differ_in_capital_letters_alone(project):
    """On many systems they are one folder; named both in `classes`, they are meant."""
    paint(project / "data/Cat/1.png")
    with pytest.raises(DataError, match="class folders 'Cat' and 'cat' differ in capital letters"):
        opened(project)
    assert len(opened(project, classes=("Cat", "cat", "dog"))) == 3
    (project / "data/l.csv").write_text("file,label\ncat/1.png,Dog\ndog/1.png,dog\n")
    with pytest.raises(DataError, match="labels 'Dog' and 'dog' differ in capital letters"):
        opened(project, labels="l.csv")


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store",
        "cat/._1.png",
        "cat/.ipynb_checkpoints/1-checkpoint.png",
        "__MACOSX/cat/1.png",
        "@eaDir/1.png",
        "cat/@eaDir/1.png/SYNOPHOTO_THUMB_M.png",
        "#recycle/cat/1.png",
        "$RECYCLE.BIN/1.png",
        "cat/~$1.png",
    ],
)
def test_what_systems_leave_behind_is_no_sample(project, name):
    """Thumbnails, resource forks and bins bring no sample and no class, and are counted."""
    paint(project / "data" / name)
    data = opened(project)
    assert ids(data) == ["cat/1.png", "dog/1.png"]
    assert data.class_names == ("cat", "dog")
    assert data.quarantined == ()
    assert data.describe()["left_by_systems"] == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".2.png.icloud", "a placeholder of iCloud; download the image"),
        ("2.png.crdownload", "an unfinished download"),
        ("2.jpg.part", "an unfinished download"),
        ("1 (Anna's conflicted copy 2026-01-02).png", "a second version that a cloud drive kept"),
        ("1.sync-conflict-20260102-101112-ABCDEFG.png", "a second version that a cloud drive"),
        ("2.png", "the file is empty"),
    ],
)
def test_images_that_are_not_there_are_listed(project, name, reason):
    """A placeholder, a part of a download or a second version is left out with the reason."""
    content = b"" if name == "2.png" else (project / "data/cat/1.png").read_bytes()
    (project / "data/cat" / name).write_bytes(content)
    data = opened(project)
    assert ids(data) == ["cat/1.png", "dog/1.png"]
    ((file, said),) = data.quarantined
    assert file == f"cat/{name}"
    assert said.startswith(reason)


def test_classes_without_an_image_are_facts(project):
    """A class whose images are all unreadable, absent, or in no folder does not vanish silently."""
    (project / "data/bird").mkdir()
    (project / "data/bird/notes.txt").write_text("none yet")
    (project / "data/fish").mkdir()
    (project / "data/fish/1.png").write_bytes(b"junk")
    assert opened(project).describe()["classes_without_images"] == ["bird", "fish"]
    data = opened(project, classes=("cat", "dog", "fish", "newt"))
    assert data.describe()["classes_without_images"] == ["bird", "fish", "newt"]


def test_rows_that_contradict_each_other_are_refused(project):
    """One file under two spellings is one file: its second row is refused."""
    (project / "data/l.csv").write_text("file,label\ncat/1.png,cat\n./cat//1.png,dog\n")
    with pytest.raises(DataError, match=r"l.csv:3: 'cat/1.png' is already on line 2"):
        opened(project, labels="l.csv")
