"""The process of the project's Prefect server: it serves on loopback and ends with its clients.

Started by `server.py` as `python -m adversity_flows.prefect_flows.server_process HOME`, with the
read end of the named pipe `HOME/lease` as standard input. Every client holds the pipe's write end
open; the kernel closes it even after kill -9, so end-of-file means that nobody is left.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path

from adversity.data.atomic import atomic_write

HOST = "127.0.0.1"
LINGER_SECONDS = 2.0  # the last events are still written, and a run that follows finds it warm
STOP_SECONDS = 3  # open connections (a browser's) do not hold it up longer than this


def main(home: Path) -> None:
    """Serve the Prefect API and its UI on a free loopback port until every client is gone.

    Args:
        home: The server's own PREFECT_HOME, which holds `lease`, `lock` and `server.json`.
    """
    listener = socket.create_server((HOST, 0))
    port = listener.getsockname()[1]
    # Before the first import of prefect, which reads its settings then.
    os.environ |= {
        "PREFECT_SERVER_API_HOST": HOST,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_UI_API_URL": f"http://{HOST}:{port}/api",
    }
    # imported here: prefect and its server take seconds, `server.py` needs only the constants
    import uvicorn
    from prefect.server.api.server import create_app

    from adversity_flows.prefect_flows.server_database import make_database

    make_database(home)
    config = uvicorn.Config(
        create_app(final=True),
        log_level="warning",
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = uvicorn.Server(config)
    threading.Thread(target=_end_with_clients, args=(server, home), daemon=True).start()
    _publish(home, port)
    server.run(sockets=[listener])


def _publish(home: Path, port: int) -> None:
    """Write where the server answers, in one piece."""
    record = json.dumps({"url": f"http://{HOST}:{port}/api", "pid": os.getpid()})
    atomic_write(home / "server.json", lambda new: new.write_text(record, encoding="utf-8"))


def _end_with_clients(server: object, home: Path) -> None:
    """Stop the server when no client holds the lease any more."""
    while True:
        os.set_blocking(sys.stdin.fileno(), True)
        os.read(sys.stdin.fileno(), 1)  # nobody writes: it returns at end-of-file
        time.sleep(LINGER_SECONDS)
        try:
            lock = (home / "lock").open("a")
        except OSError:  # the project was deleted: nobody can come any more
            if _deserted():
                break
            continue
        # Clients join under the same lock, so none can come in between the look and the end.
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _deserted():
                (home / "lease").unlink(missing_ok=True)
                (home / "server.json").unlink(missing_ok=True)
                break
    server.should_exit = True  # type: ignore[attr-defined]
    time.sleep(STOP_SECONDS + 2)
    os._exit(0)  # a service of the server that does not stop must not keep the process


def _deserted() -> bool:
    """Tell whether no write end of the lease is open."""
    os.set_blocking(sys.stdin.fileno(), False)
    try:
        return os.read(sys.stdin.fileno(), 1) == b""
    except BlockingIOError:
        return False


if __name__ == "__main__":
    main(Path(sys.argv[1]))
