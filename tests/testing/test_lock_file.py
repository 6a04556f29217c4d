"""The file of a lock, and which of the fresh lines are drawn all the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adversity.errors import InputError
from adversity.testing.kit.lock import Passed, commit_of, drawn, read_lock, write_lock

if TYPE_CHECKING:
    from pathlib import Path

LINE = Passed("0123456789abcdef", 12, 3, 1, 2.5)


def test_the_file_has_a_line_for_each_plugin(tmp_path: Path) -> None:
    """Two branches that add a plugin each change lines of their own; what is written is read."""
    lines = {"metric/nll": LINE, "attack/pgd": replace(LINE, seconds=0.1)}
    write_lock(tmp_path / "kit.lock", lines)
    text = (tmp_path / "kit.lock").read_text()
    assert [line[:8] for line in text.splitlines()] == ["{", '"attack/', '"metric/', "}"]
    assert read_lock(tmp_path / "kit.lock") == lines
    assert read_lock(tmp_path / "no_such.lock") == {}


@pytest.mark.parametrize("text", ["<<<<<<< HEAD", "[1]", '{"metric/nll": {"digest": "0"}}'])
def test_what_is_no_lock_is_refused(text: str, tmp_path: Path) -> None:
    """A merge that went wrong is one message that names the file, and no traceback."""
    (tmp_path / "kit.lock").write_text(text)
    with pytest.raises(InputError, match=r"kit\.lock"):
        read_lock(tmp_path / "kit.lock")


@pytest.mark.parametrize(("count", "some"), [(0, 0), (1, 1), (10, 1), (11, 2), (100, 10)])
def test_a_tenth_is_drawn(count: int, some: int) -> None:
    """One in ten and at least one; in another order the same ones."""
    names = [f"metric/m{number}" for number in range(count)]
    assert len(drawn(names, "commit")) == some
    assert drawn(names, "commit") == drawn(names[::-1], "commit")


def test_each_commit_draws_others() -> None:
    """In forty commits each of ten is tried: to miss one has a chance of 10 * 0.9 ** 40, 15 %.

    The commits are fixed, so that it is no chance here.
    """
    names = {f"metric/m{number}" for number in range(10)}
    assert {name for commit in range(40) for name in drawn(names, str(commit))} == names


def test_without_git_the_draw_stays_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container without git, an unpacked source: the suite starts all the same."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(tmp_path) == ""
