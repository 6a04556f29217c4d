"""Every command and every example of the README and of docs/ is run, in a project of its own.

How a page says what is run and what must come out is written at the end of docs/index.md.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from adversity.user_cache import user_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    BlocksOf = Callable[[Path], Iterator[Any]]
    PutWarm = Callable[..., None]

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SLOW = "<!-- slow: "
LANGUAGES = {"sh", "python", "text", "yaml", "toml", "json", "csv", "ini", "dockerfile"}
RUN = {"sh", "python"}
SECONDS = 600  # what hangs is ended; a block takes seconds on an idle machine


WARM = ("adversity", "dvc")
"""A slow page calls so many of these, and runs so many blocks of Python, that imports would take
most of its time."""
BLOCK = """\
import sys
sys.path[0], sys.argv[0] = "", "-c"
del __file__
exec(compile(sys.argv.pop(1), "<string>", "exec"))
"""
"""A script that does with its argument what `python -c` does."""


def python_of_its_own(folder: Path, put_warm: PutWarm | None) -> Path:
    """Make an environment that sees all of this one's packages and keeps what is added to it.

    It is made in no time: pip and every other command come from this environment, with the new
    interpreter in their first line.

    Returns:
        The folder of its commands.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    home, here = sysconfig.get_path("purelib"), Path(sysconfig.get_path("scripts"))
    added = sysconfig.get_path("purelib", vars={"base": str(folder)})
    line = f"import site; site.addsitedir({home!r})\n"  # follows .pth files, a plain path does not
    Path(added, "ours.pth").write_text(line, encoding="utf-8")
    commands, scripts = folder / "bin", folder / "scripts"
    scripts.mkdir()
    for command in filter(Path.is_file, here.iterdir()):  # pip may leave a folder there
        first = command.read_bytes()[:200].partition(b"\n")[0]
        if first.startswith(b"#!" + str(here).encode()):
            text = command.read_text(encoding="utf-8").partition("\n")[2]
            copy = commands / command.name
            copy.write_text(f"#!{commands / 'python'}\n{text}", encoding="utf-8")
            copy.chmod(0o755)
    if put_warm is not None:
        (scripts / "block").write_text(BLOCK, encoding="utf-8")
        for name in WARM:
            (commands / name).rename(scripts / name)
        for script in scripts.iterdir():
            put_warm(commands, script, folder)
    return commands


def environment(home: Path, put_warm: PutWarm | None) -> dict[str, str]:
    """Return what a block sees: this environment's commands, and nothing of the user's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT_", "DVC_", "GIT_", "GITHUB_", "ADVERSITY_", "COVERAGE_"))
        and name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    who = {"NAME": "A. Author", "EMAIL": "author@example.org"}
    paths = (python_of_its_own(home / "environment", put_warm), Path(sys.executable).parent)
    return {
        **kept,
        **{f"GIT_{role}_{key}": who[key] for role in ("AUTHOR", "COMMITTER") for key in who},
        "PATH": os.pathsep.join([*map(str, paths), os.environ["PATH"]]),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "DVC_SITE_CACHE_DIR": str(home / "dvc"),
        "OMP_NUM_THREADS": "1",
        "NO_COLOR": "1",
        "COLUMNS": "120",
        "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache/pages"),  # torch alone takes it a minute
        # `pip install` works without a network: everything that packages ask for is there.
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as "no isolation: yes"
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }


class Reader:
    """Somebody who follows a page from the top, in an empty folder."""

    def __init__(self, folder: Path, home: Path, put_warm: PutWarm | None) -> None:
        self.folder = folder
        self.said = ""
        self._home = home
        self._environment = environment(home, put_warm)
        block = home / "environment/bin/block"
        python = [str(home / "environment/bin/python"), "-c"]
        self._python = [str(block)] if block.exists() else python

    def follow(self, block: Any) -> None:
        """Do what a block says: write a file, run it, or compare what was said."""
        if "file" in block.notes:
            path = self.folder / block.notes["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif "end of" in block.notes:
            self.change(self.folder / block.notes["end of"], block.text)
        elif block.language == "text":
            self.compare(block.text)
        elif block.language in RUN:
            self.run(block)

    def change(self, path: Path, end: str) -> None:
        """Replace a file's text from the block's first line on."""
        text, first = path.read_text(encoding="utf-8"), end.splitlines()[0] + "\n"
        assert text.count(first) == 1, f"{path.name} has {text.count(first)} lines {first}"
        path.write_text(text.partition(first)[0] + end, encoding="utf-8")

    def run(self, block: Any) -> None:
        """Run a block; a `cd` holds for the blocks after it."""
        where = self._home / "where"
        if block.language == "sh":
            script = f"trap 'pwd > {where}' EXIT\n{block.text}"
            command = ["bash", "-euo", "pipefail", "-c", script]
        else:
            command = [*self._python, block.text]
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
def test_what_a_page_shows_works(
    page: Path, tmp_path: Path, blocks_of: BlocksOf, request: pytest.FixtureRequest
) -> None:
    """The blocks of a page run from top to bottom, with the exit codes and outputs shown."""
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    home.mkdir()
    cache = home / "cache/adversity"
    cache.mkdir(parents=True)
    for pattern in ("prefect-*.db", "vega-embed-*.js"):  # seconds of processor time to make
        for kept in user_cache().glob(pattern):
            shutil.copy(kept, cache)
    slow = request.node.get_closest_marker("slow")
    reader = Reader(work, home, request.getfixturevalue("put_warm") if slow else None)
    for block in blocks_of(page):
        if "not run" not in block.notes:
            try:
                reader.follow(block)
            except AssertionError as error:
                raise AssertionError(f"{page.name}:{block.line}: {error}") from None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_says_what_it_is(page: Path, blocks_of: BlocksOf) -> None:
    """A block has a known language, and what is skipped has a reason of some words."""
    for block in blocks_of(page):
        where = f"{page.name}:{block.line}"
        assert block.language in LANGUAGES, where
        if "not run" in block.notes:
            assert len(block.notes["not run"].split()) >= 3, where


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_blocks_compile(page: Path, blocks_of: BlocksOf) -> None:
    """Python that is shown is Python, run or not."""
    for block in blocks_of(page):
        if block.language == "python":
            compile(dedent(block.text), f"{page.name}:{block.line}", "exec")
