"""The folder data set: class folders or CSV, quarantine, and no way out of the folder."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from adversity.data.reading import Source
from adversity.errors import DataError
from adversity_plugins.dataset import folder as folder_file
from adversity_plugins.dataset.folder import Folder


def paint(path, level=100, size=(8, 6)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, 0, 255 - level)).save(path)
    return path


@pytest.fixture
def animals(tmp_path):
    """Two classes with two images each, in `data/`."""
    for i, name in enumerate(("dog/b.png", "dog/a.png", "cat/2.png", "cat/deep/1.png")):
        paint(tmp_path / "data" / name, level=i)
    return tmp_path


def opened(root, **parameters):
    data = Folder(path="data", **parameters)
    data.open(root)
    return data


def test_class_folders(animals):
    """The first folder is the class; ids are sorted paths; content is the file's SHA-256."""
    data = opened(animals)
    assert data.class_names == ("cat", "dog")
    assert [row.id for row in data.index()] == [
        "cat/2.png",
        "cat/deep/1.png",
        "dog/a.png",
        "dog/b.png",
    ]
    assert [row.target for row in data.index()] == [0, 0, 1, 1]
    wanted = hashlib.sha256((animals / "data/dog/a.png").read_bytes()).hexdigest()
    assert data.index()[2].content == wanted
    assert data.item(2).image[0, 0].tolist() == [1, 0, 254]
    assert data.location() == "data"
    assert data.describe()["per_class"] == {"cat": 2, "dog": 2}


def test_a_copy_elsewhere_is_the_same_data(animals, tmp_path_factory):
    """The content hash depends on names, labels and bytes, not on where the folder lies."""
    other = tmp_path_factory.mktemp("other")
    for path in (animals / "data").rglob("*.png"):
        copy = other / path.relative_to(animals)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    first, second = Source(opened(animals)), Source(opened(other))
    assert first.content == second.content
    paint(other / "data/cat/2.png", level=77)
    assert Source(opened(other)).content != first.content


def test_bad_images_are_quarantined_not_fatal(animals):
    """Empty, damaged and loose images are listed with reasons; the others stay usable."""
    folder = animals / "data"
    (folder / "cat/empty.jpg").write_bytes(b"")
    (folder / "cat/text.png").write_text("not an image")
    (folder / "dog/cut.png").write_bytes((folder / "dog/a.png").read_bytes()[:45])
    (folder / "dog/phone.heic").write_bytes(b"x")
    paint(folder / "loose.png")
    data = opened(animals)
    assert len(data) == 4
    reasons = dict(data.quarantined)
    assert list(reasons) == [
        "cat/empty.jpg",
        "cat/text.png",
        "dog/cut.png",
        "dog/phone.heic",
        "loose.png",
    ]
    assert reasons["cat/empty.jpg"] == "the file is empty"
    assert reasons["loose.png"] == "lies outside the class folders"
    assert Source(data).quarantined == data.quarantined


def test_hidden_and_other_files_are_no_samples(animals):
    """Hidden files and folders and files that are no images are not samples."""
    folder = animals / "data"
    paint(folder / ".trash/x.png")
    paint(folder / "cat/._2.png")
    (folder / "README.txt").write_text("hello")
    (folder / "empty class").mkdir()
    data = opened(animals)
    assert len(data) == 4
    assert data.class_names == ("cat", "dog")
    assert data.describe()["other_files"] == 1


def test_nothing_left_is_an_error(animals):
    """If every image is bad the error shows the first reasons."""
    for path in (animals / "data").rglob("*.png"):
        path.write_bytes(b"x")
    with pytest.raises(
        DataError, match=r"no usable image; 4 were left out, such as cat/2.png: not an"
    ):
        opened(animals)


def test_missing_and_empty_folders(tmp_path):
    """A missing folder, a file instead of it, and a folder without classes have their messages."""
    with pytest.raises(DataError, match=r"there is no folder data in the project; .* `dvc pull`"):
        opened(tmp_path)
    (tmp_path / "data").mkdir()
    with pytest.raises(DataError, match="no class folders with images"):
        opened(tmp_path)
    paint(tmp_path / "data/loose.png")
    with pytest.raises(DataError, match="1 images lie loose"):
        opened(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(
        DataError, match="file: expected a folder in the project, got a regular file"
    ):
        Folder(path="file").open(tmp_path)


def test_a_folder_on_another_disk_is_told_how_it_comes_in():
    """By DVC, which can leave the bytes where its cache is."""
    with pytest.raises(ValidationError, match=r"`dvc import-url /big/photos data/NAME`"):
        Folder(path="/big/photos")


@pytest.mark.parametrize("path", ["/etc", "../x", "a/../../x", "C:\\x", "..\\x", "", "\\\\host\\x"])
def test_paths_stay_in_the_project(path):
    """Absolute paths and `..` are refused when the parameter is read."""
    with pytest.raises(ValidationError, match="must be a path inside the project"):
        Folder(path=path)
    with pytest.raises(ValidationError, match="must be a path inside the data set"):
        Folder(path="data", labels=path)


def test_links_out_of_the_folder_are_refused(animals):
    """A link to a file outside or to any folder is refused; inside and DVC's cache are fine."""
    folder = animals / "data"
    secret = paint(animals / "secret.png")
    (folder / "cat/inside.png").symlink_to("2.png")
    cached = paint(animals / "x.png").rename(animals / "e55d909f8ed46d3c7b1a9d5ab1bb7d")
    (animals / ".dvc/cache/files/md5/ab").mkdir(parents=True)
    cached = cached.rename(animals / ".dvc/cache/files/md5/ab" / cached.name)
    (folder / "cat/cached.png").symlink_to(cached)
    assert len(opened(animals)) == 6
    (folder / "cat/out.png").symlink_to(secret)
    with pytest.raises(DataError, match=r"data/cat/out.png is a link out of the data set"):
        opened(animals)
    (folder / "cat/out.png").unlink()
    (folder / "bird").symlink_to(folder / "cat")
    with pytest.raises(DataError, match="data/bird is a link to a folder"):
        opened(animals)


def test_folder_that_is_a_link_out_of_the_project(animals, tmp_path_factory):
    """The data folder itself may not lead out of the project."""
    (tmp_path_factory.mktemp("outside") / "x").mkdir()
    outside = tmp_path_factory.mktemp("outside")
    (animals / "linked").symlink_to(outside)
    with pytest.raises(DataError, match="linked must lie in the project"):
        Folder(path="linked").open(animals)


def test_file_changed_after_opening(animals, monkeypatch):
    """A large data set decodes again on use, and refuses a file that is another by then."""
    monkeypatch.setattr(folder_file, "_REMEMBERED_BYTES", 0)
    data = opened(animals)
    assert data.item(0).image.shape == (6, 8, 3)
    paint(animals / "data/cat/2.png", level=9)
    with pytest.raises(DataError, match=r"data/cat/2.png changed during the run"):
        data.item(0)
    (animals / "data/cat/2.png").unlink()
    with pytest.raises(DataError, match="changed during the run: the file cannot be read"):
        data.item(0)


def test_callers_cannot_change_what_is_remembered(animals):
    """Writing into a returned image does not change the next one."""
    data = opened(animals)
    data.item(0).image[:] = 0
    assert data.item(0).image.any()


def csv(root, text):
    (root / "data/labels.csv").write_text(text, encoding="utf-8")
    return opened(root, labels="labels.csv")


def test_csv_labels(animals):
    """A CSV gives labels, groups and attributes; what it does not list is not used."""
    text = '\ufefffile,label,group,light\ndog/a.png,wolf,g1,dim\ncat/2.png,lynx,,"a,b"\n\n'
    data = csv(animals, text)
    assert data.class_names == ("lynx", "wolf")
    rows = data.index()
    assert [(r.id, r.target, r.group) for r in rows] == [
        ("cat/2.png", 0, None),
        ("dog/a.png", 1, "g1"),
    ]
    assert rows[0].attributes == {"light": "a,b"}
    assert data.describe()["not_in_csv"] == 2
    assert np.array_equal(data.item(1).image, opened(animals).item(2).image)


def test_rows_without_a_label_can_be_kept(animals):
    """They are samples of no class, and counted; a class is none of the empty text."""
    write = animals / "data/labels.csv"
    write.write_text("file,label\ncat/deep/1.png,\ncat/2.png,cat\n")
    data = Folder(path="data", labels="labels.csv", unlabelled="keep")
    data.open(animals)
    assert data.class_names == ("cat",)
    assert [row.target for row in data.index()] == [0, None]
    assert data.item(1).target is None
    assert data.describe()["unlabelled"] == 1
    assert data.describe()["per_class"] == {"cat": 1}
    write.write_text("file,label\ncat/deep/1.png,\ncat/2.png,dgo\n")
    data = Folder(path="data", labels="labels.csv", unlabelled="keep", classes=("cat", "dog"))
    with pytest.raises(DataError, match="'dgo' is not a class"):
        data.open(animals)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "file,label\ncat/3.png,cat\n",
            r"data/labels.csv:2: 'cat/3.png' is not in the folder; did you mean",
        ),
        (
            "file,label\ncat/2.png,cat\ncat/2.png,dog\n",
            r"labels.csv:3: 'cat/2.png' is already on line 2",
        ),
        ("file,label\ncat/2.png,\n", r"labels.csv:2: 'cat/2.png' has no label"),
        (
            "file,label\n../secret.png,cat\n",
            r"labels.csv:2: file must be a path inside the data set",
        ),
        ("file,label\n/etc/passwd,cat\n", r"labels.csv:2: file must be a path inside the data set"),
        ("file,label\ncat/2.png,a,b\n", r"labels.csv:2: expected 2 values \(file,label\), got 3"),
        ("file,label\ncat/2.png\n", r"labels.csv:2: expected 2 values \(file,label\), got 1"),
        ('file,label\n"cat/2.png,cat\n', r"labels.csv:\d: not valid CSV"),
        ("name,label\ncat/2.png,cat\n", r"labels.csv:1: expected a header .* got name,label"),
        ("", r"labels.csv:1: expected a header .* got nothing"),
        ("file,label\n", r"no rows under the header"),
    ],
)
def test_wrong_csv(animals, text, words):
    """Each mistake in the CSV is named with file and line."""
    with pytest.raises(DataError, match=words):
        csv(animals, text)


def test_all_wrong_rows_come_at_once(animals):
    """Several wrong rows are reported together, at most ten."""
    rows = "".join(f"no/{i}.png,cat\n" for i in range(30))
    with pytest.raises(DataError) as error:
        csv(animals, "file,label\n" + rows)
    lines = str(error.value).splitlines()
    assert len(lines) == 11
    assert lines[9].startswith("data/labels.csv:11: ")


def test_csv_that_is_missing_or_no_text(animals):
    """A missing CSV and one that is not UTF-8 have their messages."""
    with pytest.raises(DataError, match=r"data/labels.csv: not found"):
        opened(animals, labels="labels.csv")
    (animals / "data/labels.csv").write_text("file,label\n")
    with pytest.raises(DataError, match=r"a file inside `path`\); did you mean labels.csv\?"):
        opened(animals, labels="data/labels.csv")
    (animals / "data/labels.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read as UTF-8"):
        opened(animals, labels="labels.csv")


def test_given_classes_fix_names_and_order(animals):
    """`classes` sets the order, may hold classes without images, and exposes wrong labels."""
    data = opened(animals, classes=("dog", "bird", "cat"))
    assert data.class_names == ("dog", "bird", "cat")
    assert [row.target for row in data.index()] == [2, 2, 0, 0]
    with pytest.raises(DataError, match=r"data/dog: 'dog' is not a class; did you mean dogs"):
        opened(animals, classes=("cat", "dogs"))
    (animals / "data/labels.csv").write_text("file,label\ncat/2.png,cta\n")
    with pytest.raises(DataError, match=r"labels.csv:2: 'cta' is not a class; did you mean cat"):
        opened(animals, classes=("cat", "dog"), labels="labels.csv")
    with pytest.raises(ValidationError, match="every class once"):
        Folder(path="data", classes=("cat", "cat"))
