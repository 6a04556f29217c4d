"""Arrays and JSON come back from safetensors as they were written."""

from __future__ import annotations

import numpy as np
import pytest

from adversity.data.arrays import read_arrays, write_arrays
from adversity.errors import StorageError


def test_round_trip(tmp_path):
    """Types, shapes and bits survive, also for scalars, empty and Fortran-ordered arrays."""
    given = {
        "w": np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32),
        "scalar": np.array(2.5),
        "none": np.zeros((0, 3), np.int64),
        "mask": np.array([True, False]),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "big_endian": np.arange(3, dtype=">f8"),
    }
    write_arrays(tmp_path / "s.safetensors", given, {"classes": ["a", "ü"], "n": 3})
    got, info = read_arrays(tmp_path / "s.safetensors")
    assert info == {"classes": ["a", "ü"], "n": 3}
    assert sorted(got) == sorted(given)
    for name, values in given.items():
        assert got[name].shape == values.shape, name
        np.testing.assert_array_equal(got[name], values)
        assert got[name].dtype == values.dtype.newbyteorder("=")


def test_same_content_same_bytes(tmp_path):
    """The order of the mapping does not change the bytes."""
    a, b = np.zeros(2), np.ones(3, np.float32)
    write_arrays(tmp_path / "1", {"a": a, "b": b}, {"x": 1, "y": 2})
    write_arrays(tmp_path / "2", {"b": b, "a": a}, {"y": 2, "x": 1})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_objects_are_refused(tmp_path):
    """Text or objects cannot be stored as arrays: no pickle hides in the file."""
    with pytest.raises(TypeError, match="array 'x' must hold numbers"):
        write_arrays(tmp_path / "s", {"x": np.array([object()])})


def test_nan_in_info_is_refused(tmp_path):
    """NaN is no JSON value."""
    with pytest.raises(ValueError, match="JSON"):
        write_arrays(tmp_path / "s", {}, {"x": float("nan")})


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04K\x01.", b"x" * 100], ids=["empty", "pickle", "noise"]
)
def test_damaged_file(tmp_path, content):
    """A file that is no safetensors file is a StorageError, and a pickle is never run."""
    path = tmp_path / "s.safetensors"
    path.write_bytes(content)
    with pytest.raises(StorageError, match="damaged"):
        read_arrays(path)


def test_missing_file(tmp_path):
    """A missing file is a StorageError."""
    with pytest.raises(StorageError, match="missing"):
        read_arrays(tmp_path / "none.safetensors")
