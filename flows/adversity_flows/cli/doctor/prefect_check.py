"""What `adversity doctor` finds of Prefect: proxies in between, and a server that answers."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from adversity_flows.cli.doctor.check import Check
from adversity_flows.prefect_flows.proxies import proxies
from adversity_flows.prefect_flows.server import ServerError, project_server

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_server", "name_proxies"]


def name_proxies() -> Iterator[Check]:
    """Name the proxies of the environment."""
    for name, value in proxies().items():
        yield Check("proxy", "ok", f"{name}={value}, not used for the project's own server")


def check_server(root: Path | None) -> Iterator[Check]:
    """Start Prefect's server and query it as a run does."""
    from adversity_flows.prefect_flows.settings import prefect_context

    with tempfile.TemporaryDirectory() as scratch:
        try:
            with project_server(root or Path(scratch)) as url, prefect_context(url):
                from prefect.client.orchestration import get_client

                with get_client(sync_client=True) as client:
                    if (trouble := client.api_healthcheck()) is not None:
                        raise ServerError(f"{url}: {trouble!r}")
                yield Check("Prefect server", "ok", f"answered at {url}")
        except ServerError as error:
            yield Check("Prefect server", "wrong", str(error), "adversity run --direct ...")
