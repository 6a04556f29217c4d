"""How we use Prefect: quiet, on this machine, caching nothing, and never waiting long for it."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager, suppress
from functools import partialmethod
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from adversity_flows.prefect_flows.proxies import is_loopback
from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["giving_up", "import_prefect", "prefect_context"]

REQUEST_SECONDS = 10.0
RETRIES = 3  # 2 + 4 + 8 s: SQLite answers 503 while it writes the records of many tasks
DRAIN_SECONDS = 10.0
LOOPBACK = "127.0.0.1,localhost,::1"


def import_prefect() -> None:
    """Import Prefect without telemetry; the root logger stays as it was found."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    import prefect.main  # noqa: F401  (for its effect: it reads its settings, sets up logging)

    root.handlers[:] = handlers
    root.setLevel(level)


@contextmanager
def prefect_context(url: str, *, log: Path | None = None) -> Iterator[None]:
    """Use one Prefect API, with everything that Prefect says in a file.

    Args:
        url: The API's address.
        log: The file that gets Prefect's log; None drops it.
    """
    import_prefect()
    from prefect.settings import (
        PREFECT_API_REQUEST_TIMEOUT,
        PREFECT_API_URL,
        PREFECT_CLIENT_MAX_RETRIES,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW,
        PREFECT_RESULTS_PERSIST_BY_DEFAULT,
        temporary_settings,
    )

    settings = {
        PREFECT_API_URL: url,
        PREFECT_API_REQUEST_TIMEOUT: REQUEST_SECONDS,
        PREFECT_CLIENT_MAX_RETRIES: RETRIES,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,  # its thread holds every flow's end up by 1 s
        PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW: "ignore",
        PREFECT_RESULTS_PERSIST_BY_DEFAULT: False,
    }
    with _without_proxy(url), _log_to(log), temporary_settings(settings), _events_to(url):
        yield


@contextmanager
def giving_up() -> Iterator[None]:
    """Wait no more for an API that is gone: each request would be tried again for 14 s."""
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
        yield


@contextmanager
def _events_to(url: str) -> Iterator[None]:
    """Send events (they make the records of tasks) and log lines, and what is left at the end.

    At interpreter exit Prefect would wait for them for ever, and write errors to a terminal.
    """
    from prefect.events.clients import PrefectEventsClient
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    # For our server only: another one's client may be a different class. Its own ten attempts
    # are 7 s of waiting for each event once the server has died; the first three do not wait.
    ours = urlsplit(url).hostname == "127.0.0.1"
    if ours:
        EventsWorker.set_client_override(PrefectEventsClient, reconnection_attempts=2)
    try:
        yield
    finally:
        for worker in (EventsWorker, APILogWorker):
            with suppress(Exception):  # what the UI shows is never worth a run
                worker.drain_all(timeout=DRAIN_SECONDS)
        if ours:
            EventsWorker.set_client_override(None)


@contextmanager
def _without_proxy(url: str) -> Iterator[None]:
    """Keep requests to this machine away from every proxy that the environment names.

    The variables stay, for a step's plugin may need them; Prefect's clients do not look at them.
    """
    from prefect.client.base import PrefectHttpxAsyncClient, PrefectHttpxSyncClient

    clients: tuple[Any, ...] = (PrefectHttpxAsyncClient, PrefectHttpxSyncClient)
    inits = [client.__init__ for client in clients]
    before = {name: os.environ.get(name) for name in ("NO_PROXY", "no_proxy")}
    if is_loopback(url):
        for client in clients:
            client.__init__ = partialmethod(client.__init__, trust_env=False)
        for name, value in before.items():  # what sends events goes by these
            if value != "*":
                os.environ[name] = f"{value},{LOOPBACK}" if value else LOOPBACK
    try:
        yield
    finally:
        for client, init in zip(clients, inits, strict=True):
            client.__init__ = init
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class _Redacting(logging.Formatter):
    """Lines without the passwords of addresses, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        return without_secrets(super().format(record))


@contextmanager
def _log_to(path: Path | None) -> Iterator[None]:
    """Send Prefect's log to a file and nothing of it to the terminal."""
    if path is None:
        handler: logging.Handler = logging.NullHandler()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(_Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    # `prefect._internal` writes to stderr by a handler of its own
    ours, internal = logging.getLogger("prefect"), logging.getLogger("prefect._internal")
    before = [(logger, logger.handlers[:], logger.propagate) for logger in (ours, internal)]
    complain = logging.raiseExceptions
    ours.handlers, ours.propagate = [handler], False
    internal.handlers, internal.propagate = [], True
    logging.raiseExceptions = False  # else a log line that the API refuses lands on stderr
    try:
        yield
    finally:
        logging.raiseExceptions = complain
        for logger, handlers, propagate in before:
            logger.handlers, logger.propagate = handlers, propagate
        handler.close()
