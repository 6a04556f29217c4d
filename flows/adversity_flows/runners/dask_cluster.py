"""A Dask cluster by the address of its scheduler, on however many machines."""

from __future__ import annotations

import logging
import ssl
import uuid
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adversity.engine.public.mirror import keep_blobs
from adversity.errors import InputError
from adversity_flows.runners.cluster import SECONDS, Cluster, died_again, introduced
from adversity_flows.runners.worker import fetch_and_compute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.engine.public.shard_order import Facts, ShardAnswer, ShardOrder

__all__ = ["DaskCluster"]


class DaskCluster(Cluster):
    """Workers of a Dask cluster, each known by its address."""

    called = "the Dask scheduler"

    def ask(self, order: ShardOrder, *, at: str | None = None) -> ShardAnswer:
        """Submit it, and wait."""
        from distributed import KilledWorker

        client = self.connected()
        try:
            answer: ShardAnswer = client.submit(
                _compute_there,
                order,
                pure=False,
                key=f"{order.step}-{order.index}-{uuid.uuid4().hex[:8]}",
                **self._among(client, at),
            ).result()
        except KilledWorker as error:
            raise died_again(error) from error
        except (CancelledError, OSError, TimeoutError) as error:
            raise self.gone() from error
        return answer

    def give(self, worker: str, blobs: Sequence[bytes]) -> None:
        """Send contents to a worker's machine."""
        client = self.connected()
        try:
            among = self._among(client, worker)
            client.submit(_keep_there, list(blobs), pure=False, **among).result()
        except (CancelledError, OSError, TimeoutError) as error:
            raise self.gone() from error

    def connect(self) -> Any:
        """Connect to the scheduler."""
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
            return connect(self.address, timeout=SECONDS, set_as_default=False)
        except (TypeError, FileNotFoundError, ssl.SSLError) as error:
            raise InputError(
                f"run.address {self.address}: expected certificates in Dask's configuration, got "
                f"{type(error).__name__}: {error}; set distributed.comm.tls, or the environment "
                "variables of it"
            ) from error
        except (OSError, TimeoutError, ValueError) as error:
            raise InputError(
                f"run.address {self.address}: expected a Dask scheduler, got no answer in {SECONDS} "
                "s; start one with `dask scheduler`, or correct the address"
            ) from error

    def introductions(self, client: Any) -> Mapping[str, tuple[Facts, str]]:
        """Let every worker say what it rests on, by its address."""
        try:
            client.wait_for_workers(1, timeout=SECONDS)
        except TimeoutError as error:
            raise InputError(
                f"run.address {self.address}: expected workers at the Dask scheduler, got none in "
                f"{SECONDS} s; start some with `dask worker {self.address} --nthreads 1`"
            ) from error
        met: dict[str, tuple[Facts, str]] = client.run(introduced, self.device)
        return met

    def threads(self, client: Any) -> int:
        """Count those of all workers."""
        return sum(client.nthreads().values())

    def leave(self, client: Any) -> None:
        """Close the client."""
        client.close(timeout=2)

    def _among(self, client: Any, at: str | None) -> dict[str, Any]:
        """Return which workers may compute, as `submit` takes it."""
        if not at and not self.excluded:
            return {}
        there = set(client.scheduler_info(n_workers=-1)["workers"]) - self.excluded
        if not there:
            raise self.nobody()
        if at in there:
            return {"workers": [at], "allow_other_workers": True}
        return {"workers": sorted(there)}


def _compute_there(order: ShardOrder) -> ShardAnswer:
    """Compute on a worker, which goes by its address."""
    from distributed import get_worker

    return replace(fetch_and_compute(order), worker=get_worker().address)


def _keep_there(blobs: Sequence[bytes]) -> None:
    keep_blobs(blobs)
