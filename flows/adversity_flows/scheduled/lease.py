"""Who looks at a pipeline now: a file that its process keeps young, and that expires.

Looks at one pipeline never overlap. A process of this machine that is gone is seen at once; one
that does not answer, or a machine that is gone, within `EXPIRES_SECONDS`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Self

from adversity.errors import RunError
from adversity_flows.runs.living import born, is_same
from adversity_flows.runs.past_runs import write_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "BEAT_SECONDS",
    "EXPIRES_SECONDS",
    "HeldError",
    "Holder",
    "Lease",
    "holder_of",
    "living_holders",
    "state_folder",
]

BEAT_SECONDS = 20.0
EXPIRES_SECONDS = 300.0
_NAME = "lease.json"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lease.

    Attributes:
        look: The id of the look.
        host: Its machine.
        pid: Its process there.
        born: When that process began, so that another one under its number is not taken for it.
        started: When the look began, in UTC.
        beat: When it was last known to live.
        commit: What it looks at; empty before it knows.
    """

    look: str
    host: str
    pid: int
    born: float
    started: str
    beat: float
    commit: str = ""

    @property
    def words(self) -> str:
        """Who it is, for people."""
        return f"process {self.pid} on {self.host}, since {self.started}"

    @property
    def is_here(self) -> bool:
        """Whether it runs, or ran, on this machine."""
        return self.host == socket.gethostname()

    @property
    def lives(self) -> bool:
        """Whether it is at work as far as can be known from here."""
        return time.time() - self.beat < EXPIRES_SECONDS and not self.is_gone

    @property
    def is_gone(self) -> bool:
        """Whether it was a process of this machine that has ended."""
        return self.is_here and not is_same(self.pid, self.born)


class HeldError(RunError):
    """Another look at the pipeline is at work."""

    def __init__(self, holder: Holder) -> None:
        """Keep who."""
        self.holder = holder
        super().__init__(f"another look is at work: {holder.words}")


class Lease:
    """A lease that this process holds; a thread keeps it young until it is released.

    Attributes:
        dead: The holder whose lease was taken over, because it is gone; None if there was none.
    """

    def __init__(self, folder: Path, mine: Holder, dead: Holder | None) -> None:
        """Begin to beat; use `Lease.take`."""
        self.dead = dead
        self._folder, self._mine = folder, mine
        self._ended = threading.Event()
        self._lost = False
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        self._thread.start()

    @classmethod
    def take(cls, folder: Path, look: str, started: str) -> Self:
        """Take the lease in a folder.

        A process of this machine that holds it, lives and has not beaten for long gets the time of
        another beat, as after the machine's sleep. Then it is ended.

        Raises:
            HeldError: Somebody else has it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        began = born(os.getpid()) or time.time()
        mine = Holder(look, socket.gethostname(), os.getpid(), began, started, time.time())
        _wait_for_a_beat(folder)
        with _guarded(folder):
            holder = holder_of(folder)
            if holder is not None and holder.lives:
                raise HeldError(holder)
            if holder is not None:
                _end(holder)
            _write(folder, replace(mine, beat=time.time()))
        return cls(folder, mine, holder)

    def names(self, commit: str) -> None:
        """Note what is looked at, for who finds the lease of a dead process."""
        self._mine = replace(self._mine, commit=commit)
        self._renew()

    def refuse_lost(self) -> None:
        """Refuse to go on if another look took the lease over.

        Raises:
            RunError: If so.
        """
        self._renew()
        if self._lost:
            raise RunError(
                "this look did not answer for "
                f"{EXPIRES_SECONDS:.0f} s, and another one took its place; its results are not used"
            )

    def release(self) -> None:
        """Let others look."""
        self._ended.set()
        self._thread.join()
        with _guarded(self._folder):
            holder = holder_of(self._folder)
            if holder is not None and holder.look == self._mine.look:
                (self._folder / _NAME).unlink()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release it."""
        self.release()

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            with contextlib.suppress(OSError, RunError):  # a full disk: the next beat may succeed
                self._renew()

    def _renew(self) -> None:
        with _guarded(self._folder):
            holder = holder_of(self._folder)
            self._lost = holder is None or holder.look != self._mine.look
            if not self._lost:
                _write(self._folder, replace(self._mine, beat=time.time()))


def state_folder(root: Path, pipeline: str) -> Path:
    """Return where the lease and the worktree of a pipeline's looks lie."""
    return root / ".adversity" / "schedule" / pipeline


def holder_of(folder: Path) -> Holder | None:
    """Return whose lease lies in a folder, dead or alive; None if there is none."""
    try:
        return Holder(**json.loads((folder / _NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def living_holders(root: Path) -> list[Holder]:
    """Return who looks at pipelines of a project now."""
    folders = sorted(path.parent for path in root.glob(f".adversity/schedule/*/{_NAME}"))
    holders = (holder_of(folder) for folder in folders)
    return [holder for holder in holders if holder is not None and holder.lives]


@contextmanager
def _guarded(folder: Path) -> Iterator[None]:
    """Be the only one that reads and then writes the lease; the kernel forgets who is gone."""
    with (folder / "lease.guard").open("a") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def _write(folder: Path, holder: Holder) -> None:
    write_record(folder / _NAME, asdict(holder))


def _wait_for_a_beat(folder: Path) -> None:
    until = time.monotonic() + 2 * BEAT_SECONDS
    while time.monotonic() < until:
        holder = holder_of(folder)
        if holder is None or holder.lives or holder.is_gone or not holder.is_here:
            return
        time.sleep(min(1.0, BEAT_SECONDS))


def _end(holder: Holder) -> None:
    """End a process of this machine that lives and answers no more."""
    import psutil

    if holder.is_here and not holder.is_gone and holder.pid != os.getpid():
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(holder.pid)
            process.kill()
            process.wait(BEAT_SECONDS)
