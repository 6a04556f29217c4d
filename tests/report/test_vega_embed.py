"""The script that draws charts in a browser is made once and kept for other runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adversity.report.writers import html

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An empty cache, and what the bundler was called for: one script of a word and a tag."""
    calls: list[str] = []

    def bundle() -> str:
        calls.append("bundle")
        return "draw('</script>');"

    monkeypatch.setattr(html, "_bundle", bundle)
    monkeypatch.setattr(html, "user_cache", lambda: tmp_path / "cache")
    return calls


def embedded() -> str:
    """Return the script as the next run would have it."""
    html.vega_embed.cache_clear()
    try:
        return html.vega_embed()
    finally:
        html.vega_embed.cache_clear()


def test_it_is_made_once_for_all_runs(made: list[str]) -> None:
    """A later run reads the same script, which cannot end its element."""
    assert [embedded(), embedded()] == ["(()=>{draw('<\\/script>');})();"] * 2
    assert made == ["bundle"]


@pytest.mark.parametrize("damage", [b"", b"(()=>{draw('<", b"\xff\xfe"])
def test_a_damaged_one_is_made_anew(made: list[str], tmp_path: Path, damage: bytes) -> None:
    """An empty, a cut and an unreadable file are replaced."""
    whole = embedded()
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(damage)
    assert embedded() == whole
    assert kept.read_text(encoding="utf-8") == whole
    assert len(made) == 2


def test_a_cache_that_cannot_be_written_costs_time_only(made: list[str], tmp_path: Path) -> None:
    """With a file in the place of the folder, the script is made each time."""
    (tmp_path / "cache").write_text("no folder")
    assert embedded() == embedded()
    assert len(made) == 2
