"""Trust marks: kept per environment, worth something only for the very source they were made of."""

from __future__ import annotations

import shutil
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from adversity import provenance
from adversity.registry.marks import (
    KIT_VERSION,
    Mark,
    core_digest,
    digest_of,
    marks_folder,
    read_marks,
    versions_for,
    write_mark,
)


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
        core=core_digest(),
        versions=versions_for("acme"),
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
    assert write_mark(newer).parent == marks_folder()
    assert not list(marks_folder().glob(".*"))
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


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 99}'])
def test_damaged_mark_is_no_mark(mark: Mark, text: str) -> None:
    """A file that cannot be read costs its own mark, no other; the next check fixes it."""
    other = replace(mark, name="noise")
    write_mark(other)
    file = write_mark(mark)
    file.write_text(text, encoding="utf-8")
    assert read_marks() == {other.key: other}
    write_mark(mark)
    assert read_marks() == {mark.key: mark, other.key: other}


@pytest.mark.parametrize("name", ["torch", "numpy", "scipy", "scikit-image", "scikit-learn"])
def test_another_version_of_a_library_makes_a_mark_stale(mark: Mark, name: str) -> None:
    """What was measured with one version of a library says nothing of another, or of none."""
    assert mark.versions[name] == metadata.version(name)
    assert mark.standing("1.0") == "conforms"
    assert replace(mark, versions={**mark.versions, name: "0.1"}).standing("1.0") == "stale"
    fewer = {key: version for key, version in mark.versions.items() if key != name}
    assert replace(mark, versions=fewer).standing("1.0") == "stale"


def test_what_the_plugins_own_distribution_asks_for_counts() -> None:
    """pytest asks for pluggy, which is none of the usual libraries; no name stands twice."""
    assert versions_for("pytest")["pluggy"] == metadata.version("pluggy")
    assert "pluggy" not in versions_for("acme")


@pytest.mark.parametrize(
    "place",
    [
        "testing/kinds/attack/__init__.py",
        "clipping.py",
        "pipeline/plan/resolve.py",
        "engine/attack/attacking.py",
        "metrics/__init__.py",
        "seeding.py",
    ],
)
def test_a_changed_kit_or_engine_makes_a_mark_stale(
    mark: Mark, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    """One more line in what a plugin was tried by, and the mark is worth nothing."""
    package = Path(provenance.__file__).parent
    copied = shutil.copytree(package, tmp_path / "adversity")
    monkeypatch.setattr(provenance, "__file__", str(copied / "provenance.py"))
    core_digest.cache_clear()
    assert mark.standing("1.0") == "conforms"
    with (copied / place).open("a", encoding="utf-8") as file:
        file.write("EDITED = True\n")
    core_digest.cache_clear()
    try:
        assert mark.standing("1.0") == "stale"
    finally:
        core_digest.cache_clear()


def test_a_mark_that_cannot_be_written_leaves_nothing(
    mark: Mark, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk at the last moment leaves the old mark and no half file."""
    write_mark(mark)

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="No space"):
        write_mark(replace(mark, passed=99))
    assert read_marks() == {mark.key: mark}
    assert len(list(marks_folder().iterdir())) == 1
