"""A server of S3 on loopback that checks each request's signature, for tests."""

from __future__ import annotations

import secrets
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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

    def delete(self, name: str) -> None:
        """Take an object out of the bucket; the server would not see that its file went."""
        from botocore.session import get_session

        how = {"endpoint_url": self.address, "region_name": "us-east-1"}
        how |= {"aws_access_key_id": "robot", "aws_secret_access_key": self.secret}
        client = get_session().create_client("s3", **how)
        client.delete_object(Bucket=BUCKET, Key=name)
        client.close()


@contextmanager
def s3_server(place: Path, rclone: str, host: str = "127.0.0.1") -> Iterator[S3]:
    """Start a server with a bucket in a folder, and end it."""
    folder, log, secret = place / "objects", place / "s3.log", secrets.token_hex(16)
    (folder / BUCKET).mkdir(parents=True)
    with socket.create_server((host, 0)) as free:
        port = free.getsockname()[1]
    command = [rclone, "serve", "s3", "--config", str(place / "none"), "--addr", f"{host}:{port}"]
    command += ["--auth-key", f"robot,{secret}", str(folder)]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink)
    try:
        _await(host, port, process)
        yield S3(f"http://{host}:{port}", secret, folder / BUCKET, log)
    finally:
        process.kill()
        process.wait()


def _await(host: str, port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex((host, port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the S3 server did not start")


def files_holding(root: Path, text: str) -> list[Path]:
    """Return the files below a folder that hold a text."""
    wanted = text.encode()
    return [
        path
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and wanted in path.read_bytes()
    ]
