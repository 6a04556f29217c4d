"""Per-sample tables come back as they were written, from the same bytes."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from adversity.data.tables import read_table, write_table
from adversity.errors import StorageError


def columns():
    rng = np.random.default_rng(0)
    return {
        "id": [f"ä/{i}.png" for i in range(5)],
        "target": np.arange(5),
        "ok": np.array([True, False, True, True, False]),
        "psnr": np.array([1.5, np.nan, np.inf, -np.inf, -0.0]),
        "logits": rng.standard_normal((5, 3)).astype(np.float32),
        "members": rng.standard_normal((5, 2, 3)),
        "sets": rng.random((5, 3)) > 0.5,
        "group": ["a", None, "b", None, ""],
    }


def test_round_trip_keeps_values_types_and_order(tmp_path):
    """Every kind of column comes back with its type, shape, bits and place; NaN stays NaN."""
    given = columns()
    write_table(tmp_path / "t.parquet", given)
    got = read_table(tmp_path / "t.parquet")
    assert list(got) == list(given)
    for name, values in given.items():
        wanted = np.asarray(values, dtype=object if isinstance(values, list) else None)
        assert got[name].dtype == wanted.dtype, name
        assert got[name].shape == wanted.shape, name
        if wanted.dtype == object:
            assert got[name].tolist() == wanted.tolist()
        else:
            assert got[name].tobytes() == np.ascontiguousarray(wanted).tobytes(), name


def test_same_content_same_bytes(tmp_path):
    """Two writes of one table are byte-identical and hold no time, host or pandas metadata."""
    for name in "ab":
        write_table(tmp_path / f"{name}.parquet", columns())
    first, second = ((tmp_path / f"{name}.parquet").read_bytes() for name in "ab")
    assert first == second
    metadata = pq.read_metadata(tmp_path / "a.parquet").metadata
    assert set(metadata) <= {b"ARROW:schema"}


@pytest.mark.parametrize("layout", ["fortran", "strided"])
def test_memory_layout_does_not_matter(tmp_path, layout):
    """A transposed or strided array is written by value, not by memory order."""
    wanted = np.arange(12, dtype=np.float64).reshape(4, 3)
    given = (
        np.asfortranarray(wanted) if layout == "fortran" else np.repeat(wanted, 2, axis=1)[:, ::2]
    )
    write_table(tmp_path / "t.parquet", {"x": given})
    np.testing.assert_array_equal(read_table(tmp_path / "t.parquet")["x"], wanted)


def test_empty_table(tmp_path):
    """A table without rows keeps its columns, their types and their widths."""
    write_table(tmp_path / "t.parquet", {"id": [], "p": np.zeros((0, 4), np.float32)})
    got = read_table(tmp_path / "t.parquet")
    assert got["id"].tolist() == []
    assert got["p"].shape == (0, 4)
    assert got["p"].dtype == np.float32


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(2, np.float16),
        np.zeros(2, np.uint8),
        np.array(1.0),
        np.zeros((2, 0)),
        ["a", 1],
        [b"a"],
    ],
    ids=["float16", "uint8", "scalar", "no width", "mixed", "bytes"],
)
def test_other_types_are_refused(tmp_path, values):
    """A column the format does not promise to keep exactly is refused by name."""
    with pytest.raises(TypeError, match="column 'x'"):
        write_table(tmp_path / "t.parquet", {"x": values})
    assert list(tmp_path.iterdir()) == []


def test_lengths_must_agree(tmp_path):
    """Columns of different length are refused with their lengths."""
    with pytest.raises(ValueError, match=r"one length.*'a': 1.*'b': 2"):
        write_table(tmp_path / "t.parquet", {"a": np.zeros(1), "b": np.zeros(2)})


@pytest.mark.parametrize("keep", [0, 3, 100], ids=["empty", "stub", "cut"])
def test_damaged_file(tmp_path, keep):
    """A cut file is a StorageError that names it and says what to do."""
    path = tmp_path / "t.parquet"
    write_table(path, columns())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(StorageError, match=r"t.parquet is damaged .*delete it"):
        read_table(path)


def test_missing_file(tmp_path):
    """A missing file is a StorageError, not a bare FileNotFoundError."""
    with pytest.raises(StorageError, match="is missing"):
        read_table(tmp_path / "t.parquet")
