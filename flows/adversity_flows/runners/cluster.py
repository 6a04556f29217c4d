"""What clusters have in common that are reached by an address: who is there, and who may compute."""

from __future__ import annotations

import threading
from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from adversity.engine.public.shard_order import computes_with, differing, libraries, other_code
from adversity.errors import InputError, RunError
from adversity_flows.runners.orders import OrderRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adversity.engine.public.shard_order import Facts
    from adversity.engine.set_up.workspace import Workspace

__all__ = ["SECONDS", "Cluster", "died_again", "introduced"]

SECONDS = 10
"""So long a cluster may take to answer, and then to have a worker."""


class Cluster(OrderRunner):
    """Workers of a cluster; a dead one's shard goes to another."""

    called: ClassVar[str]
    """What answers at the address, for people."""

    def __init__(self, address: str, *, device: str, warn: Callable[[str], None]) -> None:
        """Connect to nothing yet.

        Args:
            address: Where the cluster is reached.
            device: Where networks run.
            warn: Told of workers that are not asked, and of unequal ones.
        """
        super().__init__()
        self.address, self.device, self._warn = address, device, warn
        self.excluded: set[str] = set()
        self._connecting = threading.Lock()
        self._client: Any = None
        self._places = 1

    @abstractmethod
    def connect(self) -> Any:
        """Connect, and return what others are asked through.

        Raises:
            InputError: If the library is not installed, or nobody answers in time.
        """

    @abstractmethod
    def introductions(self, client: Any) -> Mapping[str, tuple[Facts, str]]:
        """Let every worker say what `introduced` does, by the name that people know it by.

        Raises:
            InputError: If there is no worker.
            Exception: What they failed with.
        """

    @abstractmethod
    def threads(self, client: Any) -> int:
        """Return how many shards the cluster computes at a time."""

    @abstractmethod
    def leave(self, client: Any) -> None:
        """Disconnect; the workers stay."""

    def places(self, workers: int) -> int:
        """Return two for each thread of the cluster: the next shard is there when one is done."""
        self.connected()
        return max(workers, 2 * self._places)

    def meet(self) -> None:
        """Connect."""
        self.connected()

    def workspace(self, given: Workspace) -> Workspace:
        """Return the workspace with the types of the cluster's processors, if they are others."""
        self.connected()
        if self.types == (computes_with(self.device),):
            return given
        parts = tuple(self.types[0].split(" + ")) if len(self.types) == 1 else self.types
        return replace(given, processors=parts)

    def exclude(self, worker: str, why: str) -> None:
        """Ask a worker no more, and say so once."""
        with self._lock:
            new = worker not in self.excluded
            self.excluded.add(worker)
        if new:
            self.warn(f"worker {worker} is left out: {why}")

    def warn(self, text: str) -> None:
        """Tell whoever listens to warnings."""
        self._warn(f"warning: {text}")

    def close(self) -> None:
        """Leave the cluster; its workers stay."""
        super().close()
        if self._client is not None:
            self.leave(self._client)

    def connected(self) -> Any:
        """Return what others are asked through; connect, and meet the workers, the first time."""
        with self._connecting:
            if self._client is None:
                client = self.connect()
                try:
                    self._meet(client)
                except BaseException:
                    self.leave(client)
                    raise
                self._client = client
            return self._client

    def gone(self) -> RunError:
        """Return the error for a cluster that answers no more."""
        return RunError(
            f"{self.called} at {self.address} is gone; finished shards are kept: run again"
        )

    def nobody(self) -> RunError:
        """Return the error for a cluster all of whose workers are left out."""
        return RunError(f"no worker of {self.called} at {self.address} may compute")

    def _meet(self, client: Any) -> None:
        """Ask every worker for its code and its processor, before any computes.

        Raises:
            InputError: If there is no worker, or one has other code.
        """
        try:
            met = self.introductions(client)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"run.address {self.address}: expected workers with adversity, got "
                f"{type(error).__name__}: {error}; install the same versions there"
            ) from error
        ours = libraries()
        for worker, (theirs, _) in sorted(met.items()):
            if fault := differing(theirs, ours):
                raise InputError(other_code(worker, fault))
        self.types = tuple(sorted({there for _, there in met.values()}))
        self._places = self.threads(client)
        if len(self.types) > 1:
            self._warn(
                f"warning: the workers compute with {' and with '.join(self.types)}: their last bits "
                "differ, so shards are kept apart from those of one type alone"
            )


def introduced(device: str) -> tuple[Facts, str]:
    """Say what a worker rests on and computes with; runs there."""
    return libraries(), computes_with(device)


def died_again(error: Exception) -> RunError:
    """Return the error for a shard of which worker after worker died."""
    return RunError(
        f"its workers died again and again ({error}); a system ends a process for want of memory: "
        "a smaller run.shard_size or more memory a worker helps"
    )
