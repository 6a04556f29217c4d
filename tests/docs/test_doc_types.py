"""The Python files that the pages show pass a strict type checker, as their readers' should."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
UNTYPED = {"integrations"}  # its tracker is kept to ten lines
PAGES = [p for p in sorted((ROOT / "docs").rglob("*.md")) if p.stem not in UNTYPED]


def import_root(file: Path) -> Path:
    """Return the folder from which a file is imported: `src` above it, or its own.

    Files of a project, in `own`, import each other with a leading dot.
    """
    if file.parent.name == "own":
        return file.parents[1]
    return next((folder for folder in file.parents if folder.name == "src"), file.parent)


@pytest.mark.slow
def test_files_of_the_pages_are_typed(
    blocks_of: Callable[[Path], Iterator[Any]], tmp_path: Path
) -> None:
    """One run of `mypy --strict`, without plugins or exceptions, over all of them."""
    files = []
    for page in PAGES:
        for block in blocks_of(page):
            name = block.notes.get("file", "")
            if block.language == "python" and "not run" not in block.notes and name:
                file = tmp_path / page.stem / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.text, encoding="utf-8")
                files.append(file)
    assert files
    roots = sorted({str(import_root(file)) for file in files})
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nmypy_path = {':'.join(roots)}\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases"]
        + ["--config-file", "mypy.ini", "--cache-dir", str(ROOT / ".mypy_cache/docs")]
        + [str(file) for file in files],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_what_builds_the_site_is_typed() -> None:
    """The files in docs/site pass the same type checker."""
    folder = ROOT / "docs/site"
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases"]
        + ["--config-file", "", "--cache-dir", str(ROOT / ".mypy_cache/docs")]
        + [str(file) for file in sorted(folder.glob("*.py"))],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
