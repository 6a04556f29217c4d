"""The project's own Prefect server: on loopback, in `.adversity/prefect`, ended with its users.

The temporary server that Prefect starts by itself loses most task records, so a run starts
this one, unless the user has configured an API. It is a plain `prefect` server with its own
PREFECT_HOME (the history of the project's runs), no telemetry, and no port but a free one of
127.0.0.1. Runs of one project at the same time share it.
"""

from __future__ import annotations

import errno
import fcntl
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from adversity.errors import RunError
from adversity_flows.prefect_flows.proxies import ASIDE
from adversity_flows.redaction import without_secrets
from adversity_flows.runs.past_runs import ignore_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = [
    "ServerError",
    "alive",
    "configured_api",
    "own_environment",
    "page_of",
    "project_server",
    "running_server",
    "ui",
]

START_SECONDS = 120.0  # the first on a machine makes the database: 15 s on an idle one
ANSWER_SECONDS = 10.0  # a running server that does not answer within this is given up
TAIL_LINES = 15


class ServerError(RunError):
    """The project's Prefect server could not be started or does not answer."""


def configured_api() -> str | None:
    """Return the API that the user configured for Prefect, or None.

    The environment's PREFECT_API_URL comes first, then what Prefect itself would use (the
    active profile, `prefect.toml`).
    """
    if url := os.environ.get("PREFECT_API_URL"):
        return url
    from adversity_flows.prefect_flows.settings import import_prefect

    import_prefect()
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    return str(url) if url else None


@contextmanager
def project_server(root: Path, *, patience: float = START_SECONDS) -> Iterator[str]:
    """Lend the API address of a Prefect server, and release it at the end.

    Args:
        root: The project's folder.
        patience: Seconds to wait for a server to start.

    Yields:
        The address, such as `http://127.0.0.1:43121/api`.

    Raises:
        ServerError: The server did not start, with the end of its log.
    """
    if url := configured_api():
        yield url
        return
    home = root.resolve() / ".adversity" / "prefect"
    lease, url = _join(home, patience)
    try:
        yield url
    finally:
        os.close(lease)


@contextmanager
def running_server(root: Path) -> Iterator[str | None]:
    """Lend the API address of a server that runs already; None if there is none.

    Args:
        root: The project's folder.
    """
    if url := configured_api():
        yield url if alive(url) else None
        return
    home = root.resolve() / ".adversity" / "prefect"
    try:
        with (home / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            joined = _share(home)
    except OSError:  # never had one, or is not ours to write
        joined = None
    if joined is None:
        yield None
        return
    lease, url = joined
    try:
        yield url
    finally:
        os.close(lease)


def ui(root: Path, *, announce: Callable[[str], None]) -> None:
    """Keep a server in the foreground for its web page, until interrupted.

    Args:
        root: The project's folder, whose runs the page shows.
        announce: Told the page's address once it answers.

    Raises:
        ServerError: The server did not start, or ended by itself.
    """
    with project_server(root) as url:
        announce(page_of(url))
        try:
            while alive(url):
                time.sleep(1)
        except KeyboardInterrupt:
            return
    raise ServerError(
        f"the Prefect server at {without_secrets(url)} does not answer; start it, correct "
        "PREFECT_API_URL, or unset it to have the project's own"
    )


def page_of(url: str) -> str:
    """Return the address of the web page of a Prefect API."""
    return url.removesuffix("/").removesuffix("/api")


def alive(url: str, *, timeout: float = 2.0) -> bool:
    """Tell whether a Prefect API answers its health request.

    Args:
        url: The API's address.
        timeout: Seconds to wait for the answer.
    """
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        # http.client knows no proxies, which could not reach this machine's loopback
        connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    except (ValueError, http.client.HTTPException):  # a port above 65535, half an address
        return False
    try:
        connection.request("GET", parts.path.rstrip("/") + "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _join(home: Path, patience: float) -> tuple[int, str]:
    """Return a lease on a server and its address; start one if none runs."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        ignore_all(home.parent)
        with (home / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return _share(home) or _start(home, patience)
    except OSError as error:
        raise ServerError(
            f"the Prefect server of this project needs a writable {home}: {error}; "
            "fix the folder, or run with --direct"
        ) from error


def _share(home: Path) -> tuple[int, str] | None:
    """Join the server that another run of this project has started, if it answers."""
    try:
        lease = os.open(home / "lease", os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENXIO):  # no pipe, or no server reads it
            return None
        raise
    url = _address(home)
    until = time.monotonic() + ANSWER_SECONDS
    while url is not None and time.monotonic() < until:
        if alive(url):
            return lease, url
        time.sleep(0.2)
    os.close(lease)
    return None


def _start(home: Path, patience: float) -> tuple[int, str]:
    """Start a server and wait until it answers."""
    for name in ("lease", "server.json", "server.log"):
        (home / name).unlink(missing_ok=True)
    os.mkfifo(home / "lease", 0o600)
    reader = os.open(home / "lease", os.O_RDONLY | os.O_NONBLOCK)
    lease = os.open(home / "lease", os.O_WRONLY | os.O_NONBLOCK)
    log = home / "server.log"
    try:
        with log.open("xb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "adversity_flows.prefect_flows.server_process", str(home)],
                stdin=reader,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=home,
                env=_environment(home),
                start_new_session=True,  # Ctrl-C ends the run first; the server follows
            )
    finally:
        os.close(reader)
    threading.Thread(target=process.wait, daemon=True).start()  # leaves no zombie
    try:
        return lease, _await(process, home, patience)
    except BaseException:
        os.close(lease)
        process.kill()
        raise


def _await(process: subprocess.Popen[bytes], home: Path, patience: float) -> str:
    """Return the address of a starting server as soon as it answers."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if process.returncode is not None:
            raise ServerError(_failure(home, f"ended with exit code {process.returncode}"))
        url = _address(home)
        if url is not None and alive(url):
            return url
        time.sleep(0.1)
    raise ServerError(_failure(home, f"did not answer within {patience:g} s"))


def _failure(home: Path, what: str) -> str:
    """Say what became of a start, with the end of the server's log."""
    log = home / "server.log"
    tail = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    shown = "\n".join(f"    {line}" for line in tail) or "    (nothing)"
    return (
        f"the Prefect server of this project {what}; the end of {log}:\n{shown}\n"
        "  run with --direct to do without Prefect, or `adversity doctor` to find the cause"
    )


def _address(home: Path) -> str | None:
    """Return the address that the server wrote, if it has."""
    try:
        return str(json.loads((home / "server.json").read_text())["url"])
    except (OSError, ValueError, KeyError):
        return None


def own_environment() -> dict[str, str]:
    """Return this process's environment without the traces of a Prefect run around it."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT__")}
    aside: dict[str, str] = json.loads(own.pop(ASIDE, "{}"))
    return own | aside


def _environment(home: Path) -> dict[str, str]:
    """Return the server's environment: the user's, with its own home and no telemetry."""
    own = own_environment()
    for foreign in ("PREFECT_API_URL", "PREFECT_PROFILE"):
        own.pop(foreign, None)
    return own | {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(home / "ui"),
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    }
