"""Every command and every example of the README and of docs/ is run, in a project of its own.

How a page says what is run and what must come out is written at the end of docs/index.md.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SLOW = "<!-- slow: "
LANGUAGES = {"sh", "python", "text", "yaml", "toml", "json", "csv"}
RUN = {"sh", "python"}
SECONDS = 600  # what hangs is ended; a block takes seconds on an idle machine
_NOTE = re.compile(r"<!-- (not run|file|exit): (.+?) -->")


@dataclass
class Block:
    """A fenced block: what it is, where it stands, and what the comments above it say."""

    language: str
    line: int
    text: str
    notes: dict[str, str] = field(default_factory=dict)


def blocks_of(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page, in order."""
    notes: dict[str, str] = {}
    inside: Block | None = None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if inside is not None:
            if line.startswith("```"):
                yield inside
                inside, notes = None, {}
            else:
                inside.text += line + "\n"
        elif line.startswith("```"):
            inside = Block(line[3:].strip(), number, "", notes)
        elif found := _NOTE.fullmatch(line.strip()):
            notes[found[1]] = found[2]
        elif line.strip():
            notes = {}


def environment(home: Path) -> dict[str, str]:
    """Return what a block sees: this environment's commands, and nothing of the user's."""
    installed = home / "installed"
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT_", "DVC_", "GIT_", "GITHUB_", "ADVERSITY_", "COVERAGE_"))
    }
    who = {"NAME": "A. Author", "EMAIL": "author@example.org"}
    return {
        **kept,
        **{f"GIT_{role}_{key}": who[key] for role in ("AUTHOR", "COMMITTER") for key in who},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "DVC_SITE_CACHE_DIR": str(home / "dvc"),
        "OMP_NUM_THREADS": "1",
        "NO_COLOR": "1",
        "COLUMNS": "120",
        # `pip install ./folder` works without a network and leaves this environment alone.
        "PIP_TARGET": str(installed),
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as "no isolation: yes"
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONPATH": str(installed),
    }


class Reader:
    """Somebody who follows a page from the top, in an empty folder."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.said = ""
        self._home = home
        self._environment = environment(home)

    def follow(self, block: Block) -> None:
        """Do what a block says: write a file, run it, or compare what was said."""
        if "file" in block.notes:
            path = self.folder / block.notes["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.language == "text":
            self.compare(block.text)
        elif block.language in RUN:
            self.run(block)

    def run(self, block: Block) -> None:
        """Run a block; a `cd` holds for the blocks after it."""
        where = self._home / "where"
        if block.language == "sh":
            script = f"trap 'pwd > {where}' EXIT\n{block.text}"
            command = ["bash", "-euo", "pipefail", "-c", script]
        else:
            command = [sys.executable, "-c", block.text]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        self.said = done.stdout
        wanted = int(block.notes.get("exit", 0))
        assert done.returncode == wanted, f"exit code {done.returncode}\n{block.text}{self.said}"
        if where.is_file():
            self.folder = Path(where.read_text(encoding="utf-8").strip())

    def compare(self, text: str) -> None:
        """Find every shown line in what the last command said, in order; `...` is anything."""
        rest = [" ".join(line.split()) for line in self.said.splitlines()]
        for line in text.splitlines():
            wanted = " ".join(line.split())
            if wanted in ("", "..."):
                continue
            pattern = re.compile(".*".join(map(re.escape, wanted.split("..."))))
            place = next((i for i, said in enumerate(rest) if pattern.fullmatch(said)), None)
            assert place is not None, f"not said: {line}\nin:\n{self.said}"
            rest = rest[place + 1 :]


def _pages() -> list[object]:
    """Return the pages; those that say so are slow."""
    marked = []
    for page in PAGES:
        slow = SLOW in page.read_text(encoding="utf-8")
        marked.append(pytest.param(page, id=page.stem, marks=[pytest.mark.slow] if slow else []))
    return marked


@pytest.mark.parametrize("page", _pages())
def test_what_a_page_shows_works(page: Path, tmp_path: Path) -> None:
    """The blocks of a page run from top to bottom, with the exit codes and outputs shown."""
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    home.mkdir()
    reader = Reader(work, home)
    for block in blocks_of(page):
        if "not run" not in block.notes:
            try:
                reader.follow(block)
            except AssertionError as error:
                raise AssertionError(f"{page.name}:{block.line}: {error}") from None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_says_what_it_is(page: Path) -> None:
    """A block has a known language, and what is skipped has a reason of some words."""
    for block in blocks_of(page):
        where = f"{page.name}:{block.line}"
        assert block.language in LANGUAGES, where
        if "not run" in block.notes:
            assert len(block.notes["not run"].split()) >= 3, where


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_blocks_compile(page: Path) -> None:
    """Python that is shown is Python, run or not."""
    for block in blocks_of(page):
        if block.language == "python":
            compile(block.text, f"{page.name}:{block.line}", "exec")
