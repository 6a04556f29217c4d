"""The list of the samples of a version: what is written is read, small, and nothing else is taken."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from adversity.errors import DataError
from adversity_flows.runs.sample_list import Reading, SampleList

if TYPE_CHECKING:
    from pathlib import Path


def samples(count: int) -> SampleList:
    return SampleList(
        Reading("cifar10", {"limit": 7}),
        "abc.dir",
        ("cat", "dog <ä>"),
        tuple(f"test/{number:05d}" for number in range(count)),
        np.arange(count, dtype=np.int64) % 3 - 1,
        [hashlib.sha256(str(number).encode()).digest()[:12] for number in range(count)],
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Each field, a missing label included; written twice, the bytes are the same."""
    written = samples(50)
    for name in ("one", "two"):
        written.write(tmp_path / name)
    read = SampleList.read(tmp_path / "one")
    assert (read.reading, read.md5, read.class_names) == (
        written.reading, written.md5, written.class_names,
    )  # fmt: skip
    assert (read.ids, read.pixels()) == (written.ids, written.pixels())
    assert read.targets.tolist() == written.targets.tolist()
    assert SampleList.head(tmp_path / "one") == (written.reading, "abc.dir")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_fifty_thousand_samples_are_small(tmp_path: Path) -> None:
    """12 bytes of each hash cannot be packed; ids and labels take less than 4 more."""
    samples(50_000).write(tmp_path / "list")
    assert (tmp_path / "list").stat().st_size < 50_000 * 16


@pytest.mark.parametrize("content", [b"", b"no list", b"PAR1" + bytes(20) + b"PAR1"])
def test_what_is_no_list_is_refused(tmp_path: Path, content: bytes) -> None:
    """With the file, and what to do."""
    (tmp_path / "data.samples.parquet").write_bytes(content)
    for read in (SampleList.read, SampleList.head):
        with pytest.raises(DataError, match=r"^data\.samples\.parquet: expected a list .* git"):
            read(tmp_path / "data.samples.parquet")


def test_a_list_of_a_later_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may say other things under the same names."""
    with monkeypatch.context() as patch:
        patch.setattr("adversity_flows.runs.sample_list._FORMAT", 2)
        samples(3).write(tmp_path / "list")
    with pytest.raises(DataError, match="of format 1, got 2, which a later version wrote"):
        SampleList.read(tmp_path / "list")
