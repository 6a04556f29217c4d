"""A run that finds nothing to do, once more: said again without planning, torch or DVC.

A run in which every step was unchanged keeps what it said, with a stamp of every file that it
rested on: the pipeline file, data, artifacts, tables of past runs, the ledger, the sources of
everything that it imported, and whatever else Python opened to read. Each of them was last
changed before that run began, else nothing is kept. So while all stamps are as they were, a run
would read the same bytes and say the same. One stamp that is not, another environment variable,
argument or terminal, and the run is done as ever; nothing here says that a step is stale.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.user_cache import write_whole
from adversity_flows.runs.file_stamps import (
    STARTED_NS,
    FilesRead,
    Stamps,
    newest_change,
    stamp,
    tree_stamp,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from adversity_flows.cli.terminal import Terminal

__all__ = ["Question", "Said", "listen"]

FORMAT = 1
_SETTLED_NS = 2_000_000_000
"""So long before the start a file must have rested: some file systems count in two seconds."""
_NO_MATTER = ("PWD", "OLDPWD", "SHLVL", "_", "TERM", "COLORTERM", "COLUMNS", "LINES", "WINDOWID")
_NO_MATTER_PREFIXES = ("SSH_", "XDG_SESSION", "TMUX", "VSCODE_", "ITERM_", "TERM_", "GPG_")
"""Variables that differ between two windows; the terminal itself is asked for what counts."""
_SCRATCH = (".dvc/tmp", ".dvc/cache", ".adversity")
_NOBODYS = ("/proc/", "/sys/", "/dev/")
_heard: FilesRead | None = None


def listen() -> None:
    """Note from now on which files this process reads; only then `Question.keep` keeps anything."""
    global _heard  # a process has one set of hooks
    if _heard is None and os.name == "posix":  # elsewhere a file has no time of its last change
        _heard = FilesRead()


@dataclass(frozen=True, slots=True)
class Said:
    """What a run said.

    Attributes:
        before: Lines on standard error.
        after: Lines on standard output, but for the last.
        verdict, page: Of the last one, what stands before and behind the time it took.
        code: The exit code.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    verdict: str
    page: str
    code: int

    def last_line(self, took: str) -> str:
        """Return the last line of a run that found nothing to do."""
        return f"{self.verdict}   nothing had changed, {took}   {self.page}"


@dataclass(frozen=True, slots=True)
class Question:
    """A run as it was called: what can be asked again.

    Attributes:
        root: The project's folder.
        pipeline: As named on the command line.
        key: Of the call, the environment, the Python and the terminals.
    """

    root: str
    pipeline: str
    key: str

    @classmethod
    def of(cls, pipeline: str, options: Sequence[object], *terminals: Terminal) -> Question | None:
        """Put the question; None where nobody listens or the file lies in no project."""
        folder = Path(pipeline).absolute().parent
        homes = (one for one in (folder, *folder.parents) if (one / ".dvc").is_dir())
        root = next(homes, None)
        if _heard is None or root is None:
            return None
        shapes = [(one.colour, one.tty, one.live, one.width, one.unicode) for one in terminals]
        python = [sys.version, sys.executable, sys.prefix, sys.path, list(sys.flags), sys.argv[0]]
        call = [pipeline, str(Path.cwd()), [str(option) for option in options]]
        facts = [FORMAT, call, shapes, python, list(_environment())]
        key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        return cls(str(root), pipeline, key)

    def answer(self) -> Said | None:
        """Return what the last run said, if it would say it again; None if it must be done."""
        try:
            record = json.loads(self._file.read_bytes())
            if record["key"] != self.key:
                return None
            same = all(stamp(path) == known for path, known in record["files"].items())
            same = same and all(tree_stamp(path) == at for path, at in record["trees"].items())
            said = record["said"]
            said |= {"before": tuple(said["before"]), "after": tuple(said["after"])}
            return Said(**said) if same else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # none yet, or nothing that this version wrote

    def keep(self, said: Said, trees: Iterable[Path], files: Iterable[Path]) -> bool:
        """Keep what a run said that found nothing to do; return whether it could be kept.

        Args:
            said: All of it.
            trees: Files, and folders with all that is in them, that it rests on.
            files: Single ones, and folders of which only the list of names matters; some may
                not be there, as long as they are not.
        """
        with suppress(OSError):  # a full disk, a tree that changes: the next run is done as ever
            if _heard is None or not self._clocks_agree():
                return False
            read = {path for path in _heard.paths if self._counts(path)}
            whole: Stamps = {path: tree_stamp(path) for path in sorted({*map(str, trees)})}
            names = {*_with_folders({*read, *_sources()}), *map(str, files), *sys.path}
            single: Stamps = {name: stamp(name) for name in sorted(names - {""})}
            newest = max(map(newest_change, [*whole.values(), *single.values()]))
            if newest <= STARTED_NS - _SETTLED_NS:
                record = {"key": self.key, "files": single, "trees": whole, "said": asdict(said)}
                write_whole(self._file, json.dumps(record))
                return True
        return False

    @property
    def _file(self) -> Path:
        name = hashlib.sha256(str(Path(self.pipeline).absolute()).encode()).hexdigest()[:16]
        return Path(self.root) / ".adversity" / "unchanged" / f"{name}.json"

    def _counts(self, path: str) -> bool:
        """Say whether a file that was read is one that a result can depend on."""
        scratch = (f"{self.root}/{folder}/" for folder in _SCRATCH)
        nothing = "/__pycache__/" in path or "/.git/" in path
        return not nothing and not path.startswith((*_NOBODYS, *scratch))

    def _clocks_agree(self) -> bool:
        """Say whether the project's disk tells the time as this machine does: it may be another's."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        probe = self._file.with_suffix(f".{os.getpid()}")
        try:
            probe.write_bytes(b"")
            return abs(probe.stat().st_ctime_ns - time.time_ns()) < _SETTLED_NS // 2
        except OSError:
            return False
        finally:
            probe.unlink(missing_ok=True)


def _environment() -> Iterator[tuple[str, str]]:
    for name, value in sorted(os.environ.items()):
        if name not in _NO_MATTER and not name.startswith(_NO_MATTER_PREFIXES):
            yield name, value


def _sources() -> Iterator[str]:
    """Go through the files of every module that is imported."""
    for module in [*sys.modules.values()]:
        place = getattr(module, "__file__", None)
        if isinstance(place, str):
            yield str(Path(place).absolute())


def _with_folders(files: Collection[str]) -> Iterator[str]:
    """Add the folders of sources: a file beside them may be found in the place of one."""
    yield from files
    yield from {str(Path(file).parent) for file in files if file.endswith(".py")}
