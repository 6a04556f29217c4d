"""Rotated digits: the angle is known, and nothing else is changed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from adversity.data.reading import Source
from adversity_plugins.dataset.digits import Digits, enlarge
from adversity_plugins.dataset.rotated_digits import RotatedDigits, rotated


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The materialised digits."""
    path = tmp_path_factory.mktemp("rotated_digits")
    RotatedDigits().materialise(path)
    return path


def opened(folder, **parameters):
    data = RotatedDigits(**parameters)
    data.open(folder)
    return data


@pytest.mark.parametrize("angle", [-30.0, 0.0, 7.3, 90.0])
def test_images_are_turned_as_scipy_turns_them(angle):
    """The same bilinear rotation about the centre; half a step of 1/1024 is rounded."""
    image = np.random.default_rng(0).random((32, 24)).astype(np.float32)
    peer = ndimage.rotate(np.pad(image, 20).astype(float), angle, reshape=False, order=1)
    assert np.abs(rotated(image, angle) - peer[20:-20, 20:-20]).max() <= 0.5 / 1024 + 1e-6


def test_positive_angles_are_anticlockwise():
    """What was on the right is on top after a quarter turn."""
    image = np.zeros((5, 5), np.float32)
    image[2, 4] = 1
    assert np.argwhere(rotated(image, 90.0) == 1).tolist() == [[0, 2]]


def test_angles_are_spread_evenly_and_have_nothing_to_do_with_splits(folder):
    """Between -30 and 30; the mean of n uniform angles is off by 17.3 / sqrt(n)."""
    for split in ("train", "calibration", "test"):
        data = opened(folder, split=split)
        angles = np.array([row.target for row in data.index()])
        assert np.abs(angles).max() <= 30
        assert abs(angles.mean()) < 3 * 17.32 / len(angles) ** 0.5
        assert angles.std() == pytest.approx(17.32, rel=0.1)


def test_images_are_the_digits_turned_by_the_target(folder, tmp_path):
    """Ids and splits are those of `digits`, and the target leads from one image to the other."""
    Digits().materialise(tmp_path)
    plain = Digits(split="test", limit=20)
    plain.open(tmp_path)
    data = opened(folder, split="test", limit=20)
    for index in range(20):
        sample, upright = data.item(index), plain.item(index)
        assert sample.id == upright.id
        assert (sample.image == rotated(upright.image, sample.target)).all()
    assert (rotated(enlarge(plain._raw[0]), 0.0) == plain.item(0).image).all()


def test_the_source_knows_numbers_not_labels(folder):
    """Targets are `[N, 1]` float64 by name, and there are no classes."""
    source = Source(opened(folder, limit=5))
    assert source.target_names == ("angle_deg",)
    assert source.numbers.shape == (5, 1)
    assert (source.class_names, source.labelled, source.unlabelled_count) == ((), False, 0)
