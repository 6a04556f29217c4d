"""The store keeps finished pieces of work by what they depend on."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from adversity.data.store import Store
from adversity.errors import StorageError

KEY = hashlib.sha256(b"a").hexdigest()


def test_put_has_names_and_drop(tmp_path):
    """A put file is there, listed and readable; dropping its key forgets it."""
    store = Store(tmp_path)
    assert not store.has(KEY, "t.bin")
    assert store.names(KEY) == ()
    path = store.put(KEY, "t.bin", lambda p: p.write_bytes(b"x"))
    assert path == store.folder(KEY) / "t.bin"
    assert store.has(KEY, "t.bin")
    assert store.names(KEY) == ("t.bin",)
    store.drop(KEY)
    assert not store.has(KEY, "t.bin")


def test_two_stores_share_one_folder(tmp_path):
    """What one process put, another finds: nothing is kept in memory."""
    Store(tmp_path).put(KEY, "t.bin", lambda p: p.write_bytes(b"x"))
    code = (
        "import sys; from pathlib import Path; from adversity.data.store import Store;"
        "sys.exit(not Store(Path(sys.argv[1])).has(sys.argv[2], 't.bin'))"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path, KEY], check=False).returncode == 0


@pytest.mark.parametrize("key", ["", "xyz", "../" + "a" * 20, "A" * 64, "a" * 15])
def test_keys_are_hex(tmp_path, key):
    """A key that is not hexadecimal is refused, so no path can leave the store."""
    with pytest.raises(ValueError, match="hex digits"):
        Store(tmp_path).folder(key)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a\\b"])
def test_names_are_plain(tmp_path, name):
    """A file name with a separator or a leading dot is refused."""
    with pytest.raises(ValueError, match="file name"):
        Store(tmp_path).has(KEY, name)


def test_many_threads_write_one_file(tmp_path):
    """Thirty-two racing writers of one key leave one whole file with its sum, nothing else."""
    store = Store(tmp_path)
    payload = bytes(range(256)) * 64
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(lambda _: store.put(KEY, "t.bin", lambda p: p.write_bytes(payload)), range(32))
        )
    assert {p.name for p in store.folder(KEY).iterdir()} == {"t.bin", "t.bin.sha256"}
    assert Store(tmp_path).has(KEY, "t.bin")
    assert (store.folder(KEY) / "t.bin").read_bytes() == payload


def test_what_is_removed_leaves_nothing(tmp_path):
    """Neither the file nor its sum; what was never there is removed all the same."""
    store = Store(tmp_path)
    store.put(KEY, "t.bin", lambda path: path.write_bytes(b"whole"))
    store.remove(KEY, "t.bin")
    store.remove(KEY, "other.bin")
    assert not store.has(KEY, "t.bin")
    assert list(store.folder(KEY).iterdir()) == []


def test_a_killed_writer_is_not_seen_and_is_cleaned(tmp_path):
    """A writer killed in the middle leaves no file under the name, and `clean` removes the rest."""
    code = (
        "import os, signal, sys; from pathlib import Path; from adversity.data.store import Store\n"
        "def w(p):\n"
        "    p.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)\n"
        "Store(Path(sys.argv[1])).put(sys.argv[2], 't.bin', w)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path, KEY], check=False)
    store = Store(tmp_path)
    assert not store.has(KEY, "t.bin")
    assert store.names(KEY) == ()
    assert store.clean() == 1
    assert list(store.folder(KEY).iterdir()) == []


@pytest.mark.parametrize("bit", range(24))
def test_any_flipped_bit_is_found(tmp_path, bit):
    """Whichever bit of a finished file flips, the file is not there any more, and is named."""
    path = Store(tmp_path).put(KEY, "t.bin", lambda p: p.write_bytes(b"abc"))
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    store = Store(tmp_path)
    assert not store.has(KEY, "t.bin")
    assert store.damaged == [path]
    assert not path.exists()


def test_a_file_that_was_verified_is_verified_again_when_it_is_read(tmp_path):
    """A byte that flips between the first look and the reading, times put back, is still found."""
    store = Store(tmp_path)
    path = store.put(KEY, "t.bin", lambda p: p.write_bytes(b"abc"))
    assert store.has(KEY, "t.bin")
    assert store.read(KEY, "t.bin", lambda p: p.read_bytes()) == b"abc"
    times = path.stat()
    path.write_bytes(b"abd")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(StorageError, match=r"t\.bin is damaged; run again"):
        store.read(KEY, "t.bin", lambda p: p.read_bytes())
    with pytest.raises(StorageError, match=r"t\.bin is missing; run again"):
        store.read(KEY, "t.bin", lambda p: p.read_bytes())


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"0" * 64])
def test_a_damaged_sum_is_a_damaged_file(tmp_path, content):
    """If the sum itself is damaged nothing is proved, and the file counts as damaged."""
    path = Store(tmp_path).put(KEY, "t.bin", lambda p: p.write_bytes(b"abc"))
    path.with_name("t.bin.sha256").write_bytes(content)
    store = Store(tmp_path)
    assert not store.has(KEY, "t.bin")
    assert store.damaged == [path]


def test_a_file_without_a_sum_is_not_finished(tmp_path):
    """Where the sum is gone the file is computed again: nothing says what it should hold."""
    path = Store(tmp_path).put(KEY, "t.bin", lambda p: p.write_bytes(b"abc"))
    path.with_name("t.bin.sha256").unlink()
    assert not Store(tmp_path).has(KEY, "t.bin")
