"""A stored table gives what it holds a cell, a column and some rows at a time, and no more."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adversity.data.stored import SHORT, StoredRows, StoredTable
from adversity.data.tables import read_table, write_parts, write_table
from adversity.errors import StorageError


def columns(cells, seed):
    """Return one row for each entry of `cells`, with every kind of column."""
    rng, count = np.random.default_rng(seed), len(cells)
    texts = np.array([None, "", "ä", "b/c.png"], dtype=object)
    return {
        "cell": np.array(cells, dtype=object),
        "id": np.array([f"{i:03d}" for i in range(count)], dtype=object),
        "target": rng.integers(-3, 3, count),
        "right": rng.random(count) > 0.5,
        "psnr": rng.choice([np.nan, np.inf, -np.inf, -0.0, 0.5], count),
        "origin": rng.choice(texts, count),
        "logits": rng.standard_normal((count, 3)).astype(np.float32),
        "members": rng.standard_normal((count, 2, 3)),
        "sets": rng.random((count, 4)) > 0.5,
    }


def rows_of(table, index):
    """Return some rows of columns in memory."""
    return {name: values[index] for name, values in table.items()}


def same(found, expected):
    """Compare names, order, types, shapes and bits."""
    assert list(found) == list(expected)
    for name, values in expected.items():
        mine = found[name]
        assert (mine.dtype, mine.shape) == (values.dtype, values.shape), name
        if values.dtype == object:
            assert mine.tolist() == values.tolist(), name
        else:
            assert mine.tobytes() == np.ascontiguousarray(values).tobytes(), name


@settings(max_examples=40, deadline=None)
@given(
    cells=st.lists(st.sampled_from(["", "eps=4/255", "severity=1"]), min_size=1, max_size=30),
    cuts=st.lists(st.integers(1, 29), max_size=4),
    places=st.permutations(range(30)),
    seed=st.integers(0, 9),
)
def test_rows_are_those_of_the_whole_table(tmp_path_factory, cells, cuts, places, seed):
    """However a table is cut into row groups, cells, columns, parts and rows are its own."""
    path = tmp_path_factory.mktemp("stored") / "t.parquet"
    whole, every = columns(cells, seed), np.arange(len(cells))
    ends = sorted({cut for cut in cuts if cut < len(cells)})
    write_parts(path, [rows_of(whole, part) for part in np.split(every, ends)])
    same(read_table(path), whole)
    table = StoredTable(path)
    same(table.rows, whole)
    assert set(table.cells) == set(cells)
    for key in [*table.cells, "none of it"]:
        mine = rows_of(whole, np.flatnonzero(whole["cell"] == key))
        found = table.cell(key)
        assert found.count == len(mine["id"])
        same(found, mine)
        some = np.array([i for i in places if i < found.count], dtype=np.int64)[:7]
        same(found.at(some), rows_of(mine, some))
        parts = [dict(part) for part in found.parts()]
        if parts:
            same({name: np.concatenate([p[name] for p in parts]) for name in mine}, mine)


def test_only_the_column_that_is_asked_for_is_read(tmp_path, monkeypatch):
    """Names and lengths cost no read, and a narrow column does not read a wide one."""
    write_table(tmp_path / "t.parquet", columns(["a", "b", "a"], 0))
    rows, read = StoredTable(tmp_path / "t.parquet").cell("a"), StoredTable.read
    asked = []

    def watched(self, group, names):
        asked.append(tuple(names))
        return read(self, group, names)

    monkeypatch.setattr(StoredTable, "read", watched)
    assert "logits" in rows
    assert rows.get("nothing") is None
    assert (rows.count, len(rows)) == (2, 9)
    assert asked == []
    assert rows["target"].shape == (2,)
    assert asked == [("target",)]


def test_one_part_is_in_memory_while_a_table_is_written(tmp_path):
    """Forty parts of 1 MB are written with the memory of a few."""
    part = 1024 * 256 * 4

    def parts():
        for i in range(40):
            yield {"cell": [str(i)] * 1024, "x": np.full((1024, 256), i, dtype=np.float32)}

    tracemalloc.start()
    try:
        write_parts(tmp_path / "t.parquet", parts())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert part < peak < 6 * part
    assert StoredTable(tmp_path / "t.parquet").cell("39")["x"].min() == 39


@pytest.mark.parametrize(
    "other",
    [{"b": np.zeros(1)}, {"a": np.zeros(1, np.float32)}, {"a": np.zeros((1, 2))}],
    ids=["name", "type", "width"],
)
def test_parts_must_agree(tmp_path, other):
    """A part with other columns is refused, and no half table stays behind."""
    with pytest.raises(ValueError, match="schema"):
        write_parts(tmp_path / "t.parquet", [{"a": np.zeros(1)}, other])
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_named(tmp_path):
    """A footer that was cut, and a column whose bytes are gone, are damage and no traceback."""
    path = tmp_path / "t.parquet"
    with pytest.raises(StorageError, match="is missing"):
        StoredTable(path)
    write_table(path, columns(["a"] * 50, 0))
    rows, content = StoredTable(path).cell("a"), path.read_bytes()
    path.write_bytes(bytes(len(content) // 2) + content[len(content) // 2 :])
    with pytest.raises(StorageError, match=r"(?s)t.parquet is damaged .*delete it"):
        dict(rows)
    path.write_bytes(content[:100])
    with pytest.raises(StorageError, match=r"(?s)t.parquet is damaged .*delete it"):
        StoredTable(path)


def test_rows_are_columns_by_name(tmp_path):
    """They behave as a dictionary of columns does, for metrics and reports that hold either."""
    write_table(tmp_path / "t.parquet", columns(["a"], 0))
    rows = StoredTable(tmp_path / "t.parquet").cell("a")
    assert isinstance(rows, StoredRows)
    assert rows.keys() == columns(["a"], 0).keys()
    with pytest.raises(KeyError):
        rows["nothing"]


def test_classes_stand_beside_the_columns(tmp_path):
    """Each cell has its own, and the columns are what they are without; a table may have none."""
    rows = columns(["a", "b"], 0)
    names = {"a": ("cat", "dog"), "b": ("ä", "b", "c"), "c": ("cat", "dog")}
    write_parts(tmp_path / "with.parquet", [rows, rows], names)
    write_parts(tmp_path / "without.parquet", [rows, rows])
    assert StoredTable(tmp_path / "with.parquet").classes == names
    assert StoredTable(tmp_path / "without.parquet").classes == {}
    same(read_table(tmp_path / "with.parquet"), read_table(tmp_path / "without.parquet"))


def test_the_hash_of_some_columns_of_a_cell(tmp_path):
    """Other columns, other cells and where the file was cut are no part of it; the rest is."""
    table, classes = columns(["", "", "s=1", "s=1"], 0), {"": ["a", "b"], "s=1": ["a", "c"]}

    def content(given, names=classes, cell="", wanted=("id", "logits", "none"), cuts=(2,)):
        starts = (0, *cuts, 4)
        parts = [rows_of(given, slice(*span)) for span in pairwise(starts)]
        write_parts(tmp_path / "t.parquet", parts, names)
        return StoredTable(tmp_path / "t.parquet").content(cell, wanted)

    def with_(name, place, value):
        column = table[name].copy()
        column[place] = value
        return table | {name: column}

    whole = content(table)
    assert content(table, cuts=(1, 3)) == whole
    same_ones = [with_("target", 0, 9), with_("members", 0, 9), with_("logits", 2, 9)]
    assert {content(one) for one in same_ones} == {whole}
    assert content(table, classes | {"s=1": ["z"]}) == whole
    others = [
        content(with_("logits", 1, 9)),
        content(with_("id", 1, "x")),
        content(table, classes | {"": ["b", "a"]}),
        content(table, cell="s=1"),
        content(table, wanted=("id", "logits", "members")),
        content(table | {"logits": table["logits"].astype(np.float64)}),
    ]
    assert len({whole, *others}) == 7


@pytest.fixture
def opened(monkeypatch):
    """The calls that opened a table's file."""
    calls, whole = [], pq.ParquetFile
    monkeypatch.setattr(pq, "ParquetFile", lambda *a, **k: (calls.append(a), whole(*a, **k))[1])
    return calls


def test_a_short_column_is_read_once_for_all_cells(tmp_path, opened):
    """Four cells ask for it and for a name with a dot: the file is opened once for each column."""
    path = tmp_path / "table.parquet"
    cells = np.repeat(np.array(["a", "b", "c", "d"], dtype=object), 5)
    columns = {"cell": cells, "step.psnr": np.arange(20.0), "wide": np.ones((20, 3))}
    parts = [{name: values[i : i + 5] for name, values in columns.items()} for i in range(0, 20, 5)]
    write_parts(path, iter(parts), {})
    table = StoredTable(path)
    opened.clear()
    for _ in range(2):
        for number, key in enumerate("abcd"):
            found = table.cell(key)["step.psnr"]
            assert found.tolist() == list(range(5 * number, 5 * number + 5))
    assert len(opened) == 2  # whose rows they are, and their values
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 7
    for key in "abcd":
        assert table.cell(key)["wide"].shape == (5, 3)
    assert len(opened) == 6


def test_a_long_column_is_not_kept(tmp_path, opened):
    """One row more than fits is read at each access."""
    path, count = tmp_path / "table.parquet", SHORT // 8
    part = {"cell": np.full(count, "a", dtype=object), "n": np.arange(count)}
    write_parts(path, iter([part, {"cell": np.array(["b"], dtype=object), "n": np.array([7])}]), {})
    rows = StoredTable(path).cell("b")
    opened.clear()
    assert rows["n"].tolist() == rows["n"].tolist() == [7]
    assert len(opened) == 2
