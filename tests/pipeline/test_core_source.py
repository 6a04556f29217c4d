"""The kept fingerprint of the core is the one that its source has now, or is made anew."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from adversity import provenance
from adversity.pipeline import core_source
from adversity.pipeline.core_source import kept_core_fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PARTS = ("engine", "shapes.py")
fingerprint_of = provenance.core_fingerprint


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A core of two parts and the rule, and a user's cache of its own."""
    root = tmp_path / "adversity"
    (root / "engine").mkdir(parents=True)
    (root / "engine" / "target.py").write_text("a = 1\n", encoding="utf-8")
    for name in ("shapes.py", "provenance.py", "source_text.py"):
        (root / name).write_text("b = 2\n", encoding="utf-8")
    monkeypatch.setattr(provenance, "__file__", str(root / "provenance.py"))
    monkeypatch.setattr(core_source, "user_cache", lambda: tmp_path / "cache")
    return root


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the fingerprints that were made from the source."""
    found: list[str] = []

    def make(*parts: str) -> str:
        found.append(fingerprint_of(*parts))
        return found[-1]

    monkeypatch.setattr(provenance, "core_fingerprint", make)
    return found


def test_it_is_made_once_and_is_the_one_of_the_source(core: Path, made: list[str]) -> None:
    """The next call reads it; another selection of parts is another fingerprint."""
    right = fingerprint_of(*PARTS)
    assert [kept_core_fingerprint(*PARTS) for _ in range(3)] == [right] * 3
    assert made == [right]
    assert kept_core_fingerprint("engine") == fingerprint_of("engine") != right


def test_an_edit_of_the_same_size_and_time_counts(core: Path, made: list[str]) -> None:
    """It hangs on the bytes, not on what the file system says of them."""
    file = core / "engine" / "target.py"
    before, times = kept_core_fingerprint(*PARTS), file.stat()
    file.write_text("a = 3\n", encoding="utf-8")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert kept_core_fingerprint(*PARTS) == fingerprint_of(*PARTS) != before


def _add(core: Path) -> None:
    (core / "engine" / "more.txt").write_text("c", encoding="utf-8")


def _delete(core: Path) -> None:
    (core / "shapes.py").unlink()
    (core / "shapes.py").mkdir()


def _rename(core: Path) -> None:
    (core / "engine" / "target.py").rename(core / "engine" / "aim.py")


def _change_the_rule(core: Path) -> None:
    (core / "source_text.py").write_text("b = 4\n", encoding="utf-8")


@pytest.mark.parametrize("change", [_add, _delete, _rename, _change_the_rule])
def test_it_is_made_anew_after_any_change(
    core: Path, made: list[str], change: Callable[[Path], None]
) -> None:
    """A file more, one less, another name, or another rule of what computes."""
    kept_core_fingerprint(*PARTS)
    change(core)
    assert kept_core_fingerprint(*PARTS) == fingerprint_of(*PARTS)
    assert len(made) == 2


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"key": KEY}', '{"key": KEY, "fingerprint": "0"}',
                '{"key": KEY, "fingerprint": 1}', '{"key": "", "fingerprint": "FINGERPRINT"}']
)  # fmt: skip
def test_a_damaged_file_is_not_believed(
    core: Path, made: list[str], tmp_path: Path, content: str
) -> None:
    """It is a cache: what is not whole is made anew."""
    right = kept_core_fingerprint(*PARTS)
    (file,) = (tmp_path / "cache").iterdir()
    key = json.dumps(json.loads(file.read_text("utf-8"))["key"])
    file.write_text(content.replace("KEY", key).replace("FINGERPRINT", right), encoding="utf-8")
    assert kept_core_fingerprint(*PARTS) == right
    assert len(made) == 2


def test_a_folder_that_cannot_be_written_costs_only_time(
    core: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fingerprint is right; the next start makes it again."""
    blocker = tmp_path / "a_file"
    blocker.write_text("")
    monkeypatch.setattr(core_source, "user_cache", lambda: blocker / "adversity")
    assert kept_core_fingerprint(*PARTS) == fingerprint_of(*PARTS)


def test_what_was_made_during_an_edit_is_not_kept(
    core: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could be of the new text and stand under the old one."""

    def editing(*parts: str) -> str:
        (core / "shapes.py").write_text("b = 5\n", encoding="utf-8")
        return fingerprint_of(*parts)

    monkeypatch.setattr(provenance, "core_fingerprint", editing)
    assert kept_core_fingerprint(*PARTS) == fingerprint_of(*PARTS)
    assert not (tmp_path / "cache").exists()
