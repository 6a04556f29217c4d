"""What is no digit: counted, in the form of the digits, and no image twice under two kinds."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from adversity.errors import DataError
from adversity_plugins.dataset._unlike_digits import LETTERS, parts
from adversity_plugins.dataset.unlike_digits import UnlikeDigits

COUNTS = {"letters": 600, "textures": 768, "faces": 100, "no_faces": 100}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The materialised images."""
    path = tmp_path_factory.mktemp("unlike_digits")
    UnlikeDigits().materialise(path)
    return path


def opened(folder, **parameters):
    images = UnlikeDigits(**parameters)
    images.open(folder)
    return images


@pytest.mark.parametrize(("what", "count"), COUNTS.items())
def test_every_kind_has_its_images(folder, what, count):
    """Grey, 32 x 32, in [0, 1]; ids once; `limit` takes the first of them."""
    images = opened(folder, what=what)
    assert len(images) == count == images.at_most(folder)
    ids = [row.id for row in images.index()]
    assert len(set(ids)) == count
    sample = images.item(3)
    assert sample.image.shape == (32, 32)
    assert sample.image.dtype == np.float32
    assert 0 <= sample.image.min() < sample.image.max() <= 1
    assert [row.id for row in opened(folder, what=what, limit=5).index()] == ids[:5]
    assert images.describe()["of"] == count


def test_letters_are_ink_counts_as_the_digits_are(folder):
    """24 capitals, 25 each; whole counts of ink, and the pen is as wide as that of digits."""
    from sklearn.datasets import load_digits

    images = opened(folder)
    assert images.class_names == tuple(LETTERS)
    targets = np.bincount([row.target for row in images.index()])
    assert targets.tolist() == [25] * 24
    ink = [images.item(at).image.sum() / 16 for at in range(len(images))]
    digits = load_digits().images.sum((1, 2)) / 16
    assert 0.7 < np.mean(ink) / digits.mean() < 1.4


def test_textures_are_the_parts_of_the_photographs(folder):
    """The first part of brick, and none overlaps another: put together they are the photograph."""
    images = opened(folder, what="textures")
    by_id = {row.id: at for at, row in enumerate(images.index())}
    brick = data.brick()
    first = images.item(by_id["brick-000"]).image
    np.testing.assert_array_equal(first, brick[:32, :32].astype(np.float32) / 255)
    rows = [np.concatenate(list(parts(brick))[16 * k : 16 * k + 16], 1) for k in range(16)]
    np.testing.assert_array_equal(np.concatenate(rows), brick)


def test_faces_are_those_of_the_packaged_set(folder):
    """Enlarged from 25 x 25: averaged back, within a grey level or two of the original."""
    images = opened(folder, what="faces")
    by_id = {row.id: at for at, row in enumerate(images.index())}
    face = images.item(by_id["face-000"]).image
    small = data.lfw_subset()[0]
    assert abs(float(face.mean()) - small.mean()) < 0.01
    assert abs(float(face[16, 16]) - small[12, 12]) < 0.05


def test_what_is_wrong_is_said(folder, tmp_path):
    """A limit above what there is, a damaged file, a folder that is not there."""
    with pytest.raises(DataError, match="limit 101 is more than the 100 images of 'faces'"):
        opened(folder, what="faces", limit=101)
    with pytest.raises(DataError, match="which materialise it first"):
        opened(tmp_path)
    (tmp_path / "manifest.csv").write_bytes((folder / "manifest.csv").read_bytes())
    (tmp_path / "images.safetensors").write_bytes(b"no")
    with pytest.raises(DataError, match="is missing or damaged"):
        opened(tmp_path)
    assert len(UnlikeDigits().packaged_content()) == 64
