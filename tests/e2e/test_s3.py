"""A remote of DVC on S3: a server on loopback that checks each request's signature."""

from __future__ import annotations

import secrets
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

START_SECONDS = 30.0
BUCKET = "team"


@dataclass(frozen=True)
class S3:
    """A server.

    Attributes:
        address: Where it answers.
        secret: The key that signs requests.
        folder: Where it keeps the objects of its bucket.
        log: What it says.
    """

    address: str
    secret: str
    folder: Path
    log: Path

    def keys(self, secret: str | None = None) -> dict[str, str]:
        """Return the environment of somebody who may use it."""
        return {
            "AWS_ACCESS_KEY_ID": "robot",
            "AWS_SECRET_ACCESS_KEY": secret or self.secret,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@pytest.fixture
def s3(tmp_path: Path, program: Callable[[str], str]) -> Iterator[S3]:
    """Start a server with a bucket, and end it."""
    folder, log, secret = tmp_path / "objects", tmp_path / "s3.log", secrets.token_hex(16)
    (folder / BUCKET).mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program("rclone"), "serve", "s3", "--config", str(tmp_path / "none"), "--addr"]
    command += [f"127.0.0.1:{port}", "--auth-key", f"robot,{secret}", str(folder)]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink)
    try:
        _await(port, process)
        yield S3(f"http://127.0.0.1:{port}", secret, folder / BUCKET, log)
    finally:
        process.kill()
        process.wait()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the S3 server did not start")


def test_what_was_pushed_to_s3_is_all_that_a_clone_needs(copied, finished, s3: S3, tmp_path):
    """Pulled, run: unchanged; the keys come from the environment, and are written nowhere."""
    keys = s3.keys()
    copied.dvc("remote", "add", "--default", "team", f"s3://{BUCKET}/adversity")
    copied.dvc("remote", "modify", "team", "endpointurl", s3.address)
    copied.call("dvc", "push", **keys)
    assert any(s3.folder.rglob("*.dir"))
    copied.commit()
    copied.call("git", "clone", "--quiet", "--no-hardlinks", ".", str(tmp_path / "clone"))
    clone = type(copied)(tmp_path / "clone")

    # The numbers of a commit are read out of the remote; nothing is pulled for it.
    table = clone.call("adversity", "diff", "HEAD", "HEAD", "--draws", "0", **keys)
    assert table.out.startswith("No image flipped")
    assert not list((clone.root / "artifacts").rglob("*.parquet"))

    wrong = clone.call("dvc", "pull", code=None, **s3.keys("0" * 32))
    assert wrong.code != 0
    clone.call("dvc", "pull", **keys)
    answer = clone.call("adversity", "run", "pipelines/smoke.yaml", "--direct", **keys)
    assert answer.ran == {}
    assert clone.differences(finished) == []
    for project in (copied, clone):
        assert not _holding(project.root, s3.secret)


def _holding(root: Path, text: str) -> list[Path]:
    """Return the files of a project that hold a text."""
    wanted = text.encode()
    return [
        path
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and wanted in path.read_bytes()
    ]
