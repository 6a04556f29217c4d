"""Trust marks: kept per environment, worth something only for the very source they were made of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adversity.registry.marks import (
    KIT_VERSION,
    Mark,
    digest_of,
    marks_file,
    read_marks,
    write_mark,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A plugin's source file."""
    file = tmp_path / "blur.py"
    file.write_text("STRENGTH = 1\n", encoding="utf-8")
    return file


@pytest.fixture
def mark(source: Path) -> Mark:
    """A mark of a plugin that keeps its promises."""
    return Mark(
        kind="degradation",
        name="blur",
        distribution="acme",
        version="1.0",
        kit=KIT_VERSION,
        when="2026-11-22T12:00:00+00:00",
        passed=18,
        skipped=2,
        expected={"device": "there is none"},
        files=(str(source),),
        digest=digest_of((str(source),)),
    )


def test_mark_is_read_back_as_it_was_written(mark: Mark) -> None:
    """A mark survives the file; a second plugin's mark joins it, a newer one replaces it."""
    assert read_marks() == {}
    write_mark(mark)
    other = replace(mark, name="noise", failed={"alone": "rows differ"})
    write_mark(other)
    newer = replace(mark, passed=19)
    assert write_mark(newer) == marks_file()
    assert read_marks() == {newer.key: newer, other.key: other}
    assert newer.key == "degradation/acme:blur"


def test_mark_holds_for_its_version_source_and_kit_only(mark: Mark, source: Path) -> None:
    """Another version, an edited or a missing source, or a newer kit makes a mark stale."""
    assert mark.standing("1.0") == "conforms"
    assert replace(mark, failed={"alone": "rows differ"}).standing("1.0") == "fails"
    assert mark.standing("1.1") == "stale"
    assert replace(mark, kit=KIT_VERSION - 1).standing("1.0") == "stale"
    source.write_text("STRENGTH = 2\n", encoding="utf-8")
    assert mark.standing("1.0") == "stale"
    source.write_text("STRENGTH = 1\n", encoding="utf-8")
    assert mark.standing("1.0") == "conforms"
    source.unlink()
    assert mark.standing("1.0") == "stale"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 99, "marks": []}'])
def test_damaged_marks_are_no_marks(mark: Mark, text: str) -> None:
    """A file that cannot be read costs the marks, nothing else; the next mark mends it."""
    write_mark(mark)
    marks_file().write_text(text, encoding="utf-8")
    assert read_marks() == {}
    write_mark(mark)
    assert read_marks() == {mark.key: mark}
