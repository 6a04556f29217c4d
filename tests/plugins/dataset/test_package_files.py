"""What packaged data sets say of the files they copy."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from adversity_plugins.dataset import digits, imagenet_samples
from adversity_plugins.dataset._package_files import files_sha256
from adversity_plugins.dataset.digits import Digits
from adversity_plugins.dataset.imagenet_samples import ImageNetSamples


def test_names_and_contents_count_and_places_do_not(tmp_path):
    """Equal files elsewhere hash alike in any order; a byte, a name or a file more does not."""
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        (folder / "a.jpg").write_bytes(b"1")
        (folder / "b.jpg").write_bytes(b"2")
    files = [here / "a.jpg", here / "b.jpg"]
    found = files_sha256(files)
    assert found == files_sha256([there / "b.jpg", there / "a.jpg"])
    others = [files_sha256(files[:1]), files_sha256([])]
    (there / "b.jpg").rename(there / "c.jpg")
    others.append(files_sha256([there / "a.jpg", there / "c.jpg"]))
    files[1].write_bytes(b"3")
    others.append(files_sha256(files))
    assert len({found, *others}) == 5


def test_nothing_is_imported_to_say_it():
    """Planning asks each time, so neither scikit-learn nor foolbox nor torch is loaded for it."""
    code = (
        "import sys\n"
        "from adversity_plugins.dataset.digits import Digits\n"
        "from adversity_plugins.dataset.imagenet_samples import ImageNetSamples\n"
        "found = [Digits().packaged_content(), ImageNetSamples().packaged_content()]\n"
        "assert [len(text) for text in found] == [64, 64]\n"
        "sys.exit(any(m in sys.modules for m in ('sklearn', 'foolbox', 'torch', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_other_photos_in_the_package_are_seen(tmp_path, monkeypatch):
    """A photo that changed, was added or is gone changes the hash; other files do not."""
    place = imagenet_samples._package_folder
    data = tmp_path / "data"
    data.mkdir()
    for path in (place(imagenet_samples.PHOTOS, "foolbox") / "data").glob("imagenet_0?_*.jpg"):
        (data / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(
        imagenet_samples,
        "_package_folder",
        lambda asset, package: tmp_path if package == "foolbox" else place(asset, package),
    )
    found = [ImageNetSamples().packaged_content()]
    (data / "cifar10_00_3.png").write_bytes(b"not one of them")
    assert ImageNetSamples().packaged_content() == found[0]
    first, second, *_ = sorted(data.glob("imagenet_*.jpg"))
    first.write_bytes(b"another photo")
    found.append(ImageNetSamples().packaged_content())
    second.unlink()
    found.append(ImageNetSamples().packaged_content())
    (data / "imagenet_20_7.jpg").write_bytes(b"one more")
    found.append(ImageNetSamples().packaged_content())
    assert len(set(found)) == 4


def test_the_digits_hash_is_of_the_file_that_is_read(monkeypatch):
    """What is hashed holds, as text, the images and labels that `load_digits` gives."""
    from sklearn.datasets import load_digits

    opened = []
    open_path = Path.open
    monkeypatch.setattr(Path, "open", lambda p, *mode: opened.append(p) or open_path(p, *mode))
    Digits().packaged_content()
    monkeypatch.undo()
    (hashed,) = opened
    with gzip.open(hashed, "rt") as stream:
        table = np.loadtxt(stream, delimiter=",")
    bunch = load_digits()
    assert np.array_equal(table, np.column_stack([bunch.data, bunch.target]))


@pytest.mark.parametrize(
    ("module", "dataset"), [(digits, Digits), (imagenet_samples, ImageNetSamples)]
)
def test_without_the_package_nothing_is_said(module, dataset, monkeypatch):
    """Planning goes on where the package is missing: its data may have been pulled."""
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert dataset().packaged_content() is None
