"""A client of the project's Prefect server, for a command that asks or orders something."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from adversity_flows.prefect_flows.proxies import proxies_aside
from adversity_flows.prefect_flows.server import (
    ANSWER_SECONDS,
    ServerError,
    alive,
    project_server,
    running_server,
)
from adversity_flows.prefect_flows.settings import prefect_context
from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prefect.client.orchestration import SyncPrefectClient

__all__ = ["lent_client", "refuse_silent", "running_client"]


@contextmanager
def lent_client(root: Path) -> Iterator[SyncPrefectClient]:
    """Lend a client of the project's server, which is started if none runs.

    Args:
        root: The project's folder.

    Raises:
        ServerError: The server did not start, or does not answer.
    """
    with project_server(root) as url:
        refuse_silent(url)
        with _client(url) as client:
            yield client


@contextmanager
def running_client(root: Path) -> Iterator[SyncPrefectClient | None]:
    """Lend a client of a server that runs already; None if there is none.

    Args:
        root: The project's folder.
    """
    with running_server(root) as url:
        if url is None:
            yield None
            return
        with _client(url) as client:
            yield client


def refuse_silent(url: str) -> None:
    """Refuse a server that does not answer.

    Raises:
        ServerError: It is so.
    """
    if not alive(url, timeout=ANSWER_SECONDS):
        raise ServerError(
            f"the Prefect server at {without_secrets(url)} does not answer; start it, correct "
            "PREFECT_API_URL, or unset it to have the project's own"
        )


@contextmanager
def _client(url: str) -> Iterator[SyncPrefectClient]:
    from prefect.client.orchestration import get_client

    with proxies_aside(url), prefect_context(url), get_client(sync_client=True) as client:
        yield client
