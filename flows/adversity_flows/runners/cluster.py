"""A Dask cluster by the address of its scheduler, on however many machines."""

from __future__ import annotations

import logging
import threading
import uuid
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adversity.engine.public.mirror import keep_blobs
from adversity.engine.public.shard_order import computes_with, differing, libraries, other_code
from adversity.engine.public.shard_worker import compute
from adversity.errors import InputError, RunError
from adversity_flows.runners.orders import OrderRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adversity.engine.public.shard_order import Facts, ShardAnswer, ShardOrder
    from adversity.engine.set_up.workspace import Workspace

__all__ = ["SECONDS", "DaskCluster"]

SECONDS = 10
"""So long a scheduler may take to answer, and then to have a worker."""


class DaskCluster(OrderRunner):
    """Workers of a Dask cluster; the scheduler gives a dead one's shard to another."""

    def __init__(self, address: str, *, device: str, warn: Callable[[str], None]) -> None:
        """Connect to nothing yet.

        Args:
            address: The scheduler's, such as `tcp://10.0.0.5:8786`.
            device: Where networks run.
            warn: Told of workers that are not asked, and of unequal ones.
        """
        super().__init__()
        self._address, self._device, self._warn = address, device, warn
        self._connecting = threading.Lock()
        self._client: Any = None
        self._places = 1
        self._excluded: set[str] = set()

    def places(self, workers: int) -> int:
        """Return two for each thread of the cluster: the next shard is there when one is done."""
        self._connected()
        return max(workers, 2 * self._places)

    def workspace(self, given: Workspace) -> Workspace:
        """Return the workspace with the types of the cluster's processors, if they are others."""
        self._connected()
        if self.types == (computes_with(self._device),):
            return given
        parts = tuple(self.types[0].split(" + ")) if len(self.types) == 1 else self.types
        return replace(given, processors=parts)

    def ask(self, order: ShardOrder, *, at: str | None = None) -> ShardAnswer:
        """Submit it, and wait."""
        from distributed import KilledWorker

        client = self._connected()
        try:
            answer: ShardAnswer = client.submit(
                _compute_there,
                order,
                pure=False,
                key=f"{order.step}-{order.index}-{uuid.uuid4().hex[:8]}",
                **self._among(client, at),
            ).result()
        except KilledWorker as error:
            raise RunError(
                f"its workers died again and again ({error}); a system ends a process for want of "
                "memory: a smaller run.shard_size or more memory a worker helps"
            ) from error
        except (CancelledError, OSError, TimeoutError) as error:
            raise RunError(
                f"the Dask scheduler at {self._address} is gone; finished shards are kept: run again"
            ) from error
        return answer

    def give(self, worker: str, blobs: Sequence[bytes]) -> None:
        """Send contents to a worker's machine."""
        client = self._connected()
        future = client.submit(_keep_there, list(blobs), pure=False, **self._among(client, worker))
        try:
            future.result()
        except (CancelledError, OSError, TimeoutError) as error:
            raise RunError(f"the Dask scheduler at {self._address} is gone; run again") from error

    def exclude(self, worker: str, why: str) -> None:
        """Ask a worker no more, and say so once."""
        with self._lock:
            new = worker not in self._excluded
            self._excluded.add(worker)
        if new:
            self._warn(f"warning: worker {worker} is left out: {why}")

    def close(self) -> None:
        """Leave the cluster; its workers stay."""
        super().close()
        if self._client is not None:
            self._client.close(timeout=2)

    def _among(self, client: Any, at: str | None) -> dict[str, Any]:
        """Return which workers may compute, as `submit` takes it."""
        if not at and not self._excluded:
            return {}
        there = set(client.scheduler_info(n_workers=-1)["workers"]) - self._excluded
        if not there:
            raise RunError(f"no worker of the Dask scheduler at {self._address} may compute")
        if at in there:
            return {"workers": [at], "allow_other_workers": True}
        return {"workers": sorted(there)}

    def _connected(self) -> Any:
        with self._connecting:
            if self._client is None:
                client = _client(self._address)
                try:
                    self._meet(client)
                except BaseException:
                    client.close(timeout=2)
                    raise
                self._client = client
            return self._client

    def _meet(self, client: Any) -> None:
        """Ask every worker for its code and its processor, before any computes.

        Raises:
            InputError: If there is no worker, or one has other code.
        """
        try:
            client.wait_for_workers(1, timeout=SECONDS)
        except TimeoutError as error:
            raise InputError(
                f"run.address {self._address}: expected workers at the Dask scheduler, got none in "
                f"{SECONDS} s; start some with `dask worker {self._address} --nthreads 1`"
            ) from error
        try:
            met: dict[str, tuple[Facts, str]] = client.run(_introduced, self._device)
        except Exception as error:
            raise InputError(
                f"run.address {self._address}: expected workers with adversity, got "
                f"{type(error).__name__}: {error}; install the same versions there"
            ) from error
        ours = libraries()
        for worker, (theirs, _) in sorted(met.items()):
            if fault := differing(theirs, ours):
                raise InputError(other_code(worker, fault))
        self.types = tuple(sorted({there for _, there in met.values()}))
        self._places = sum(client.nthreads().values())
        if len(self.types) > 1:
            self._warn(
                f"warning: the workers compute with {' and with '.join(self.types)}: their last bits "
                "differ, so shards are kept apart from those of one type alone"
            )


def _client(address: str) -> Any:
    """Connect to a scheduler.

    Raises:
        InputError: If Dask is not installed, or nobody answers in time.
    """
    try:
        import distributed
    except ImportError as error:
        raise InputError(
            "run.runner: dask needs Dask; install it with `pip install 'adversity[dask]'`"
        ) from error
    for name in ("distributed", "tornado"):  # what goes wrong is said once, by us
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        connect: Any = distributed.Client
        return connect(address, timeout=SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(
            f"run.address {address}: expected a Dask scheduler, got no answer in {SECONDS} s; start "
            "one with `dask scheduler`, or correct the address"
        ) from error


def _introduced(device: str) -> tuple[Facts, str]:
    """Say what a worker rests on and computes with; runs there."""
    return libraries(), computes_with(device)


def _compute_there(order: ShardOrder) -> ShardAnswer:
    """Compute on a worker, which goes by its address."""
    from distributed import get_worker

    return replace(compute(order), worker=get_worker().address)


def _keep_there(blobs: Sequence[bytes]) -> None:
    keep_blobs(blobs)
