"""The digits: real, exact, and in splits that cannot overlap."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from adversity.data.reading import Source
from adversity.errors import DataError
from adversity_plugins.dataset.digits import Digits, enlarge


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The materialised digits."""
    path = tmp_path_factory.mktemp("digits")
    Digits().materialise(path)
    return path


def opened(folder, **parameters):
    data = Digits(**parameters)
    data.open(folder)
    return data


def test_materialising_twice_gives_the_same_bytes(folder, tmp_path):
    """The bytes depend on the package alone."""
    Digits(split="train", limit=3).materialise(tmp_path)
    for path in folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_splits_are_disjoint_by_content_and_complete(folder):
    """No image stands in two splits, none is lost, and the sizes are those that are stated."""
    splits = {name: opened(folder, split=name) for name in ("train", "calibration", "test")}
    hashes = {name: {row.content for row in data.index()} for name, data in splits.items()}
    assert hashes["train"] & hashes["test"] == set()
    assert hashes["train"] & hashes["calibration"] == set()
    assert hashes["calibration"] & hashes["test"] == set()
    sizes = {name: len(data) for name, data in splits.items()}
    assert sum(sizes.values()) == len(opened(folder, split="all")) == 1797
    assert all(data.describe()["split_sizes"] == sizes for data in splits.values())
    # 50/20/30 %; four standard deviations of a binomial with n = 1797 are 85, 68 and 78.
    for name, share, slack in (("train", 0.5, 85), ("calibration", 0.2, 68), ("test", 0.3, 78)):
        assert abs(sizes[name] - share * 1797) < slack
    assert sizes["calibration"] >= 100


def test_images_and_labels_are_scikit_learns(folder):
    """Each id leads to its digit in scikit-learn: same label, and the 8 x 8 values come back.

    The mean of the four central values of a 4 x 4 block is the block's own value plus second
    differences of its neighbours; the hash of the raw bytes is compared exactly.
    """
    bunch = load_digits()
    data = opened(folder, split="all")
    for i in range(0, 1797, 100):
        row, sample = data.index()[i], data.item(i)
        number = int(sample.id.removeprefix("digit-"))
        raw = bunch.images[number].astype(np.uint8)
        assert sample.target == bunch.target[number]
        assert row.content == hashlib.sha256(raw.tobytes()).hexdigest()
        np.testing.assert_array_equal(sample.image, enlarge(raw))


def test_enlarging_equals_torch_and_is_exact():
    """Enlarging is torch's bilinear interpolation (align_corners=False), in exact multiples of 1/1024."""
    raw = np.random.default_rng(0).integers(0, 17, (8, 8)).astype(np.uint8)
    wanted = torch.nn.functional.interpolate(
        torch.from_numpy(raw / 16)[None, None], scale_factor=4, mode="bilinear", align_corners=False
    )
    got = enlarge(raw)
    np.testing.assert_array_equal(got, wanted[0, 0].numpy())
    np.testing.assert_array_equal(got * 1024, np.round(got * 1024))
    assert enlarge(np.full((8, 8), 16, np.uint8)).min() == 1.0


def test_limit_takes_the_first_in_hash_order(folder):
    """`limit` is a prefix of the split, which is ordered by the hash."""
    whole = opened(folder, split="test")
    part = opened(folder, split="test", limit=50)
    contents = [row.content for row in whole.index()]
    assert contents == sorted(contents)
    assert [row.content for row in part.index()] == contents[:50]
    with pytest.raises(DataError, match=r"limit 5000 is more than the \d+ digits of split 'test'"):
        opened(folder, split="test", limit=5000)


def test_source_of_digits(folder):
    """The engine sees one grey size, and values in [0, 1]."""
    source = Source(opened(folder, split="test", limit=5))
    images = source.images(range(5))
    assert images.shape == (5, 1, 32, 32)
    assert float(images.min()) >= 0.0
    assert float(images.max()) <= 1.0
    assert source.class_names == tuple("0123456789")


def test_not_materialised_or_damaged(folder, tmp_path):
    """A missing folder says how to make it; changed bytes are noticed."""
    with pytest.raises(DataError, match=r"expected data/digits/manifest.csv.*adversity run"):
        opened(tmp_path)
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    content = bytearray((tmp_path / "digits.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "digits.safetensors").write_bytes(content)
    with pytest.raises(DataError, match="does not fit the manifest"):
        opened(tmp_path)
    (tmp_path / "digits.safetensors").write_bytes(b"x")
    with pytest.raises(DataError, match="missing or damaged"):
        opened(tmp_path)
