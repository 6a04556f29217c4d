"""The loop of `adversity schedule serve`: Prefect's runner, watched, and ended by a signal."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

from adversity_flows.ending_signals import heard_signals
from adversity_flows.prefect_flows.deployments import deployments_of
from adversity_flows.prefect_flows.held_runs import mark_crashed
from adversity_flows.prefect_flows.missed_runs import make_up
from adversity_flows.prefect_flows.server import ServerError, alive
from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from prefect.deployments.runner import RunnerDeployment
    from prefect.runner import Runner

__all__ = ["ServingLoop"]

POLL_SECONDS = 5.0
WATCH_SECONDS = 5.0
MARK_SECONDS = 30.0
STOP_SECONDS = 60.0  # a run that is cancelled ends its shards first
PATIENCE = 3  # health requests in a row that may go unanswered on a busy machine


class ServingLoop:
    """Starts runs as they become due, as long as the server answers and no signal ends it."""

    def __init__(
        self,
        root: Path,
        deployments: Sequence[RunnerDeployment],
        missed: Mapping[str, int],
        url: str,
        limit: int,
    ) -> None:
        """Take what is to be served.

        Args:
            root: The project's folder.
            deployments: What starts runs.
            missed: How many runs of each pipeline file were missed; one makes up for them.
            url: The server's API.
            limit: Runs at the same time.
        """
        self._root = root
        self._deployments = deployments
        self._missed = missed
        self._url = url
        self._limit = limit

    async def serve(self) -> None:
        """Serve until the end."""
        from prefect.runner import Runner

        runner = Runner(pause_on_shutdown=True, limit=self._limit, query_seconds=POLL_SECONDS)
        # Its own would exit from within the signal, through a traceback of the event loop.
        runner.handle_sigterm = lambda *_, **__: None  # type: ignore[method-assign]
        ended = asyncio.Event()
        tasks: tuple[asyncio.Task[Any], ...] = (
            asyncio.create_task(self._work(runner)),
            asyncio.create_task(_until_gone(self._url)),
            asyncio.create_task(ended.wait()),
        )
        marking = asyncio.create_task(self._mark())
        work, gone, _ = tasks
        with _heeding_signals(ended.set):
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if ended.is_set() and runner.started:
                await runner.astop()  # a run at work is cancelled, and says so
                await asyncio.wait({work}, timeout=STOP_SECONDS)
            for task in (*tasks, marking):
                if not task.done():
                    task.cancel()  # the runner pauses the schedules as it ends
            await asyncio.gather(*tasks, marking, return_exceptions=True)
        if ended.is_set():
            return
        if gone.done() and not gone.cancelled():
            raise ServerError(
                f"the Prefect server at {without_secrets(self._url)} stopped answering; start "
                "serving again"
            )
        await work

    async def _work(self, runner: Runner) -> None:
        for deployment in self._deployments:
            await cast("Awaitable[Any]", runner.add_deployment(deployment))
        await asyncio.to_thread(self._make_up)
        await runner.start()

    def _make_up(self) -> None:
        """Order one run of each pipeline that missed some."""
        from prefect.client.orchestration import get_client

        with get_client(sync_client=True) as client:
            known = deployments_of(client, self._root)
            for file, missed in self._missed.items():
                if missed and file in known:
                    make_up(self._root, client, known[file], missed)

    async def _mark(self) -> None:
        """Mark the runs that died; a server that is gone is for the others to say."""
        while True:
            await asyncio.sleep(MARK_SECONDS)
            with suppress(Exception):
                await asyncio.to_thread(self._mark_once)

    def _mark_once(self) -> None:
        from prefect.client.orchestration import get_client

        with get_client(sync_client=True) as client:
            known = deployments_of(client, self._root)
            mark_crashed(self._root, client, deployments=[one.id for one in known.values()])


@contextmanager
def _heeding_signals(tell: Callable[[], object]) -> Iterator[None]:
    """Call `tell` at each signal that ends this process, from within the event loop."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in heard_signals()}
    for number in before:
        loop.add_signal_handler(number, tell)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


async def _until_gone(url: str) -> None:
    """Return when the server does not answer any more."""
    missed = 0
    while missed < PATIENCE:
        await asyncio.sleep(WATCH_SECONDS)
        missed = 0 if await asyncio.to_thread(alive, url) else missed + 1
