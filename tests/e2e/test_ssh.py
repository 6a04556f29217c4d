"""A remote of DVC behind SSH: a server on loopback that takes one key."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

START_SECONDS = 30.0


@dataclass(frozen=True)
class Server:
    """A server.

    Attributes:
        url: Of a folder on it.
        folder: What it shows as its root.
        key: The private key that opens it.
        other: One that does not.
    """

    url: str
    folder: Path
    key: Path
    other: Path


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[Server]:
    """Start a server for SFTP that shows one folder, and end it."""
    pytest.importorskip("dvc_ssh", reason="needs dvc-ssh: pip install 'adversity[ssh]'")
    import asyncssh

    folder, key, other = tmp_path / "served", tmp_path / "key", tmp_path / "other"
    folder.mkdir()
    for path in (key, other):
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(path)
        path.chmod(0o600)
    known = tmp_path / "authorized_keys"
    asyncssh.read_private_key(key).write_public_key(known)

    async def listen() -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            authorized_client_keys=str(known),
            password_auth=False,
            kbdint_auth=False,
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=os.fsencode(folder)),
        )

    with _loop() as loop:
        server = asyncio.run_coroutine_threadsafe(listen(), loop).result(START_SECONDS)
        yield Server(f"ssh://robot@127.0.0.1:{server.get_port()}/team", folder, key, other)
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(server.wait_closed(), loop).result(START_SECONDS)


@contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_SECONDS)
        loop.close()


def test_what_was_pushed_by_ssh_is_all_that_a_clone_needs(
    copied, finished, ssh: Server, tmp_path: Path
) -> None:
    """Pulled by who has the key, run: unchanged; another key gets nothing."""
    own = {"HOME": str(tmp_path / "home"), "SSH_AUTH_SOCK": ""}
    copied.dvc("remote", "add", "--default", "team", ssh.url)
    copied.dvc("remote", "modify", "--local", "team", "keyfile", str(ssh.key))
    copied.call("dvc", "push", **own)
    assert any(ssh.folder.rglob("*.dir"))
    copied.commit()
    copied.call("git", "clone", "--quiet", "--no-hardlinks", ".", str(tmp_path / "clone"))
    clone = type(copied)(tmp_path / "clone")
    clone.dvc("remote", "modify", "--local", "team", "keyfile", str(ssh.other))
    assert clone.call("dvc", "pull", code=None, **own).code != 0
    assert not list((clone.root / "artifacts").rglob("*.parquet"))
    clone.dvc("remote", "modify", "--local", "team", "keyfile", str(ssh.key))
    clone.call("dvc", "pull", **own)
    answer = clone.call("adversity", "run", "pipelines/smoke.yaml", "--direct", **own)
    assert answer.ran == {}
    assert clone.differences(finished) == []
