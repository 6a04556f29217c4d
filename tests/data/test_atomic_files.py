"""Files appear whole or not at all, and what killed writers leave is recognised."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from adversity.data import atomic
from adversity.data.atomic import atomic_write, is_partial, remove_leftovers
from adversity.errors import StorageError


def test_writer_that_fails_leaves_the_old_file(tmp_path):
    """A writer that raises half-way leaves the old bytes and no partial file."""
    path = tmp_path / "table.bin"
    path.write_bytes(b"old")

    def half(partial):
        partial.write_bytes(b"ne")
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        atomic_write(path, half)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.bin"]


def test_nothing_is_visible_before_the_rename(tmp_path):
    """While the writer works, the target does not exist; afterwards it has all bytes."""
    path = tmp_path / "deep" / "x.bin"
    seen = []

    def write(partial):
        partial.write_bytes(b"all")
        seen.append((path.exists(), is_partial(partial)))

    atomic_write(path, write)
    assert seen == [(False, True)]
    assert path.read_bytes() == b"all"
    assert not is_partial(path)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EACCES, "may not be written"),
        (errno.EROFS, "read-only"),
    ],
)
def test_the_operating_system_refuses(tmp_path, number, words):
    """A full disk or a forbidden folder is one StorageError that says what to do."""

    def full(_):
        raise OSError(number, os.strerror(number))

    with pytest.raises(StorageError, match=words) as error:
        atomic_write(tmp_path / "x.bin", full)
    assert str(tmp_path / "x.bin") in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_really_full_device():
    """The message for a full disk comes from a real ENOSPC, not only from a made-up one."""
    with pytest.raises(OSError, match="space") as caught, Path("/dev/full").open("wb", 0) as file:
        file.write(b"x" * 4096)
    assert "disk is full" in str(atomic.storage_error(caught.value, Path("t.parquet")))


def test_leftovers_of_killed_writers_are_removed_and_live_ones_kept(tmp_path):
    """A partial file of a killed process goes; that of a living process stays."""
    code = (
        "import os, signal, sys; from pathlib import Path;"
        "from adversity.data.atomic import atomic_write\n"
        "def w(p):\n"
        "    p.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)\n"
        "atomic_write(Path(sys.argv[1]) / 'a.bin', w)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == -9
    (dead,) = tmp_path.iterdir()
    assert is_partial(dead)
    alive = tmp_path / f".b.bin.{atomic._host()}-{os.getpid()}-01234567.part"
    alive.write_bytes(b"half")
    assert remove_leftovers(tmp_path) == 1
    assert not dead.exists()
    assert alive.exists()


def test_a_folder_of_a_killed_writer_goes_and_one_of_another_machine_stays(tmp_path):
    """With all that is in it; how long nobody wrote into a folder its time does not say."""
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    dead = tmp_path / f".out.{atomic._host()}-{int(ended.stdout)}-01234567.part"
    theirs = tmp_path / ".out.00000000-1-01234567.part"
    for folder in (dead, theirs):
        (folder / "images").mkdir(parents=True)
        (folder / "images/0.png").write_bytes(b"half")
        day = folder.stat().st_mtime - 90_000
        os.utime(folder, (day, day))
    assert remove_leftovers(tmp_path) == 1
    assert list(tmp_path.iterdir()) == [theirs]


def test_leftovers_of_another_machine_go_after_a_day(tmp_path, monkeypatch):
    """On a shared disk another machine's partial file is kept until it is a day old."""
    path = tmp_path / ".b.bin.00000000-1-01234567.part"
    path.write_bytes(b"half")
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    assert remove_leftovers(tmp_path) == 0
    day = path.stat().st_mtime - 90_000
    os.utime(path, (day, day))
    assert remove_leftovers(tmp_path) == 1
