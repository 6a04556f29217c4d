"""The `labels:` file: as spreadsheets write it, one row a class, every fault with its line."""

from __future__ import annotations

import os

import pytest

from adversity.data.labels_map import read_labels
from adversity.errors import DataError


def read(folder, content):
    """Write a file and read it."""
    path = folder / "map.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_labels(path, "map.csv")


@pytest.mark.parametrize(
    "content",
    [
        "from,to\nKatze,cat\n",
        "\ufefffrom,to\r\nKatze,cat\r\n",
        'to,note,from\n"cat",,Katze\n\n',
        " from , to \n Katze , cat \n",
    ],
    ids=["plain", "as Excel writes it", "other columns", "spaces"],
)
def test_maps_as_people_write_them(tmp_path, content):
    """A byte order mark, Windows line ends, more columns and spaces change nothing."""
    assert read(tmp_path, content) == {"Katze": "cat"}


def test_accents_have_one_form(tmp_path):
    """A name is found however its accents are written, here or in the data set."""
    assert read(tmp_path, "from,to\ne\u0301,a\n") == {"\u00e9": "a"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("from,to\na,b\na,c\n", r"map.csv:3: 'a' is already on line 2, as 'b'"),
        ("from,to\n\u00e9,b\ne\u0301,b\n", r"map.csv:3: '\u00e9' is already on line 2"),
        ("from,to\na\n", r"map.csv:2: expected a name in each of from,to, got a"),
        ("from,to\na,\n", r"map.csv:2: expected a name in each of from,to, got a,"),
        ("from,to\na,b,c\n", r"map.csv:2: expected a name in each .* got a,b,c; quote"),
        ("von,nach\na,b\n", r"map.csv:1: expected a header with the columns from,to, got von"),
        ("", r"map.csv:1: expected a header with the columns from,to, got nothing"),
        ("from,to\n", r"at least one row under from,to"),
        ('from,to\n"a,b\n', r"map.csv:\d: not valid CSV"),
        (
            "from,to\r\na,b\r\n<<<<<<< HEAD\r\nc,d\r\n=======\r\nc,e\r\n>>>>>>> theirs\r\n",
            r"map.csv:3: expected CSV, got a merge conflict; keep one side of it",
        ),
        (b"from,to\nM\xfccke,fly\n", r'UTF-8, got the byte 0xfc; save it as "CSV UTF-8"'),
    ],
)
def test_wrong_maps(tmp_path, content, said):
    """Each mistake is one message with file and line; two rows for one class are refused."""
    with pytest.raises(DataError, match=said):
        read(tmp_path, content)


def test_a_pipe_is_no_map(tmp_path):
    """Nothing waits for a pipe that stands where the file should."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(
        DataError, match="pipe: cannot be read: expected a regular file, got a pipe"
    ):
        read_labels(tmp_path / "pipe", "pipe")
