"""A Ray cluster by the address of its client server, on however many machines.

The run is a client: it needs no Ray of its own around it, and when the cluster ends it lives on to
say so.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adversity.engine.public.mirror import keep_blobs
from adversity.errors import InputError, RunError
from adversity_flows.runners.cluster import SECONDS, Cluster, died_again, introduced
from adversity_flows.runners.processes import LIVES
from adversity_flows.runners.worker import fetch_and_compute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.engine.public.shard_order import Facts, ShardAnswer, ShardOrder

__all__ = ["RayCluster"]

_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",  # else a call after the end starts a Ray on this machine
    "RAY_CLIENT_RECONNECT_GRACE_PERIOD": str(SECONDS),
}
_OF_A_NODE = "ray.io/node-id"


class RayCluster(Cluster):
    """Nodes of a Ray cluster; a worker is `address:process`, and files are sent to its node."""

    called = "the Ray cluster"

    def __init__(self, address: str, **how: Any) -> None:
        """Connect to nothing yet; arguments as `Cluster` takes them."""
        super().__init__(address, **how)
        self._nodes: dict[str, str] = {}
        self._ended = threading.Event()

    def ask(self, order: ShardOrder, *, at: str | None = None) -> ShardAnswer:
        """Let a node compute it, and wait."""
        answer: ShardAnswer
        node, answer = self._result(_compute_there, order, at=at)
        self._nodes[answer.worker] = node
        return answer

    def give(self, worker: str, blobs: Sequence[bytes]) -> None:
        """Send contents to a worker's node."""
        self._result(_keep_there, list(blobs), at=worker, kept=True)

    def connect(self) -> Any:
        """Connect to the client server, and return Ray.

        Raises:
            InputError: If Ray is not installed or of another version, or nobody answers in time.
        """
        for name, value in _SETTINGS.items():
            os.environ.setdefault(name, value)
        try:
            import grpc  # noqa: F401  (what a client needs beside Ray)
            import ray
        except ImportError as error:
            raise InputError(
                "run.runner: ray needs Ray; install it with `pip install 'adversity[ray]'`"
            ) from error
        _require_answer(self.address)
        _be_quiet()
        try:
            ray.init(self.address, log_to_driver=False, logging_level=logging.CRITICAL)
        except Exception as error:
            raise InputError(
                f"run.address {self.address}: expected a Ray cluster with Ray {ray.__version__} and "
                f"the Python of this run, got {_last_line(error)}; install the same versions there, "
                "give the run the token of the cluster if it has one, or correct the address"
            ) from error
        return ray

    def introductions(self, client: Any) -> Mapping[str, tuple[Facts, str]]:
        """Let a worker of every node say what it rests on, by the node's address."""
        nodes = {node["NodeID"]: node["NodeManagerAddress"] for node in self._able(client)}
        if not nodes:
            raise InputError(
                f"run.address {self.address}: expected nodes of the Ray cluster that compute, got "
                "none; start some with `ray start --address=HOST:6379`"
            )
        asked = {
            f"{address} {node[:8]}": self._submit(client, introduced, self.device, node=node)
            for node, address in nodes.items()
        }
        return {name: _received(future) for name, future in asked.items()}

    def threads(self, client: Any) -> int:
        """Count processors, or cards where they compute."""
        return max(1, int(sum(node["Resources"][self._unit] for node in self._able(client))))

    def leave(self, client: Any) -> None:
        """Disconnect."""
        with suppress(Exception):
            client.shutdown()

    @property
    def _unit(self) -> str:
        """What a shard takes one of."""
        return "GPU" if self.device.startswith("cuda") else "CPU"

    def _able(self, client: Any) -> list[dict[str, Any]]:
        """Return the nodes that live and compute."""
        return [
            node
            for node in client.nodes()
            if node["Alive"] and node["Resources"].get(self._unit, 0) >= 1
        ]

    def _result(self, work: Any, given: Any, *, at: str | None, kept: bool = False) -> Any:
        """Let a worker do something, and wait.

        Args:
            work: A function of a module.
            given: Its argument.
            at: The worker on whose node it is done, if that is there.
            kept: The argument is large: it goes ahead, in parts.

        Raises:
            RunError: If the cluster is gone, or worker after worker died.
        """
        client = self.connected()
        if self._ended.is_set():
            raise self.gone()
        from ray.exceptions import NodeDiedError, RayError, RayTaskError, WorkerCrashedError

        try:
            argument = client.put(given) if kept else given
            node = None if at is None else self._nodes.get(at)
            return _received(self._submit(client, work, argument, node=node, soft=True))
        except (WorkerCrashedError, NodeDiedError) as error:
            raise died_again(error) from error
        except RayTaskError as error:
            raise RunError(f"a worker failed: {_last_line(error)}") from error
        except (RayError, OSError, _rpc_error()) as error:
            self._ended.set()
            raise self.gone() from error

    def _submit(
        self, client: Any, work: Any, given: Any, *, node: str | None, soft: bool = False
    ) -> Any:
        """Hand a call over; return its future, which takes no thread of the cluster while it waits."""
        from ray.util import scheduling_strategies as strategies

        among: dict[str, Any] = {}
        if node is not None:
            among["scheduling_strategy"] = strategies.NodeAffinitySchedulingStrategy(node, soft)
        elif self.excluded:
            left_out = {self._nodes[worker] for worker in self.excluded}
            if left_out >= {there["NodeID"] for there in self._able(client)}:
                raise self.nobody()
            others = {_OF_A_NODE: strategies.NotIn(*sorted(left_out))}
            among["scheduling_strategy"] = strategies.NodeLabelSchedulingStrategy(others)
        unit = {"num_gpus": 1} if self._unit == "GPU" else {"num_cpus": 1}
        return client.remote(work).options(max_retries=LIVES - 1, **unit, **among).remote(given)


def _received(future: Any) -> Any:
    return future.future().result()


def _require_answer(address: str) -> None:
    """Raise unless somebody listens at an address: Ray itself would try for a minute."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), SECONDS).close()
    except OSError as error:
        raise InputError(
            f"run.address {address}: expected a Ray cluster, got no answer in {SECONDS} s; start one "
            "with `ray start --head --ray-client-server-port=10001`, or correct the address"
        ) from error


def _be_quiet() -> None:
    """Let what goes wrong be said once, by us."""
    from ray.util.client import logsclient

    logging.getLogger("ray").setLevel(logging.CRITICAL)
    logsclient.logger.setLevel(logging.CRITICAL)


def _rpc_error() -> type[Exception]:
    import grpc

    error: type[Exception] = grpc.RpcError
    return error


def _last_line(error: BaseException) -> str:
    """Say an error whose message may hold a traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1] if lines else ''}"


def _compute_there(order: ShardOrder) -> tuple[str, ShardAnswer]:
    """Compute on a worker; return its node and its answer."""
    import ray

    name = f"{ray.util.get_node_ip_address()}:{os.getpid()}"
    return ray.get_runtime_context().get_node_id(), replace(fetch_and_compute(order), worker=name)


def _keep_there(blobs: Sequence[bytes]) -> None:
    keep_blobs(blobs)
