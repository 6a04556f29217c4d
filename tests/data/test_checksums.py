"""Every file of a finished folder is proved to hold what was written before it is used."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from adversity.data.checksums import SUMS, Checksums, verified_file, write_checksums
from adversity.errors import StorageError


@pytest.fixture
def folder(tmp_path):
    """A folder of three files, one of them below, with its sums."""
    (tmp_path / "images").mkdir()
    (tmp_path / "table.parquet").write_bytes(b"rows")
    (tmp_path / "measures.json").write_text("{}")
    (tmp_path / "images" / "0.safetensors").write_bytes(b"pixels")
    write_checksums(tmp_path)
    return tmp_path


def test_an_intact_folder_is_accepted(folder):
    """All files are there as written; a path is given back."""
    Checksums(folder).verify()
    assert verified_file(folder, "images/0.safetensors").read_bytes() == b"pixels"


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_the_sums_are_what_sha256sum_reads(folder):
    """The independent tool `sha256sum -c` accepts the folder, and names the damaged file."""
    check = ["sha256sum", "-c", SUMS]
    assert subprocess.run(check, cwd=folder, capture_output=True, check=False).returncode == 0
    (folder / "table.parquet").write_bytes(b"rowz")
    done = subprocess.run(check, cwd=folder, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert "table.parquet: FAILED" in done.stdout


@pytest.mark.parametrize("name", ["table.parquet", "measures.json", "images/0.safetensors"])
def test_a_flipped_bit_is_named(folder, name):
    """One flipped bit of any file is found, whether it is asked for or all are looked at."""
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(StorageError, match=f"{name} is damaged: expected the SHA-256"):
        verified_file(folder, name)
    with pytest.raises(StorageError, match=f"{name} is damaged.*delete .* and run again"):
        Checksums(folder).verify()


def test_a_folder_left_out_is_left_out(folder):
    """What is said to be looked at later is not hashed now; all the rest is."""
    (folder / "images" / "0.safetensors").write_bytes(b"other")
    Checksums(folder).verify(aside="images")
    with pytest.raises(StorageError):
        Checksums(folder).verify()


def test_missing_and_additional_files_are_named(folder):
    """A file that is gone, and one that nobody wrote, both end the trust in the folder."""
    (folder / "extra.json").write_text("{}")
    with pytest.raises(StorageError, match=r"extra\.json is not of the files that were written"):
        Checksums(folder).verify()
    (folder / "extra.json").unlink()
    (folder / "measures.json").unlink()
    with pytest.raises(StorageError, match=r"measures\.json is missing"):
        Checksums(folder).verify()


@pytest.mark.parametrize("content", ["", "no sums\n", "\ud800"])
def test_damaged_sums_prove_nothing(folder, content):
    """Sums that are gone, empty or something else are refused with what to do."""
    (folder / SUMS).write_text(content, errors="surrogatepass")
    with pytest.raises(StorageError, match=rf"{SUMS} .*delete .* and run again"):
        Checksums(folder)
    (folder / SUMS).unlink()
    with pytest.raises(StorageError, match=rf"{SUMS} is missing"):
        Checksums(folder)
