"""Looks at one pipeline never overlap, and none keeps others out for ever."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from adversity.errors import RunError
from adversity_flows.runs.past_runs import write_record
from adversity_flows.scheduled import lease as module
from adversity_flows.scheduled.lease import EXPIRES_SECONDS, HeldError, Holder, Lease, holder_of

if TYPE_CHECKING:
    from pathlib import Path

WHEN = "2026-11-22T02:00:00Z"
HOLD = """
import sys, time
from pathlib import Path
from adversity_flows.scheduled.lease import Lease
Lease.take(Path(sys.argv[1]), "first", "2026-11-22T02:00:00Z")
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path):
    """Another process that holds the lease."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def elsewhere(folder: Path, *, silent: float) -> None:
    """Leave the lease of another machine that beat so many seconds ago."""
    other = Holder("other", f"not-{socket.gethostname()}", 1, 0.0, WHEN, time.time() - silent)
    write_record(folder / "lease.json", asdict(other))


def test_a_lease_is_held_once_and_given_back(tmp_path: Path) -> None:
    """Who comes second is told who is at work; afterwards nothing is left of it."""
    with Lease.take(tmp_path, "first", WHEN) as lease:
        lease.names("abc")
        assert holder_of(tmp_path).commit == "abc"
        with pytest.raises(HeldError, match=f"process {os.getpid()} on .*, since {WHEN}"):
            Lease.take(tmp_path, "second", WHEN)
    assert holder_of(tmp_path) is None
    with Lease.take(tmp_path, "third", WHEN) as lease:
        assert lease.dead is None


def test_a_killed_process_of_this_machine_is_seen_at_once(tmp_path: Path, holder) -> None:
    """After kill -9 the next look takes over, and knows whose work it finds."""
    with pytest.raises(HeldError):
        Lease.take(tmp_path, "second", WHEN)
    holder.kill()
    holder.wait()
    began = time.monotonic()
    with Lease.take(tmp_path, "second", WHEN) as lease:
        assert lease.dead.look == "first"
    assert time.monotonic() - began < 5


def test_another_process_under_the_same_number_is_not_taken_for_it(tmp_path: Path) -> None:
    """The lease says when its process began."""
    mine = Holder("old", socket.gethostname(), os.getpid(), 12.0, WHEN, time.time())
    write_record(tmp_path / "lease.json", asdict(mine))
    with Lease.take(tmp_path, "second", WHEN) as lease:
        assert lease.dead.look == "old"


@pytest.mark.parametrize("silent", [0.0, EXPIRES_SECONDS - 30])
def test_another_machine_is_waited_for_until_its_lease_expires(
    tmp_path: Path, silent: float
) -> None:
    """Its processes cannot be seen from here, only how long it was silent."""
    elsewhere(tmp_path, silent=silent)
    with pytest.raises(HeldError):
        Lease.take(tmp_path, "second", WHEN)


def test_a_machine_that_is_gone_holds_nobody_up(tmp_path: Path) -> None:
    """A lease that nobody keeps young expires."""
    elsewhere(tmp_path, silent=EXPIRES_SECONDS + 1)
    with Lease.take(tmp_path, "second", WHEN) as lease:
        assert lease.dead.look == "other"


@pytest.mark.slow
def test_a_process_that_stands_still_is_ended(
    tmp_path: Path, holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped process could wake and write beside the next one."""
    monkeypatch.setattr(module, "EXPIRES_SECONDS", 1.0)
    monkeypatch.setattr(module, "BEAT_SECONDS", 1.0)
    holder.send_signal(signal.SIGSTOP)
    time.sleep(1.5)
    with Lease.take(tmp_path, "second", WHEN) as lease:
        assert lease.dead.look == "first"
        assert holder.poll() is not None


def test_who_lost_the_lease_does_not_go_on(tmp_path: Path) -> None:
    """A look that others took for dead publishes nothing, and takes nothing from them."""
    lease = Lease.take(tmp_path, "first", WHEN)
    lease.refuse_lost()
    elsewhere(tmp_path, silent=0)
    with pytest.raises(RunError, match="another one took its place"):
        lease.refuse_lost()
    lease.release()
    assert holder_of(tmp_path).look == "other"


def test_it_is_kept_young(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread renews it while the look works."""
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.05)
    with Lease.take(tmp_path, "first", WHEN):
        first = holder_of(tmp_path).beat
        time.sleep(0.5)
        assert holder_of(tmp_path).beat > first
    assert not [one for one in threading.enumerate() if one.name == "lease"]


def test_of_many_that_find_a_dead_one_a_single_one_takes_over(tmp_path: Path) -> None:
    """Reading and writing are one act."""
    elsewhere(tmp_path, silent=EXPIRES_SECONDS + 1)
    taken, refused = [], []

    def take(name: str) -> None:
        try:
            taken.append(Lease.take(tmp_path, name, WHEN))
        except HeldError:
            refused.append(name)

    threads = [threading.Thread(target=take, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), len(refused)) == (1, 7)
    taken[0].release()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"look": 1}'])
def test_a_damaged_lease_is_none(tmp_path: Path, text: str) -> None:
    """A file that a full disk cut off holds nobody."""
    (tmp_path / "lease.json").write_text(text)
    Lease.take(tmp_path, "first", WHEN).release()
