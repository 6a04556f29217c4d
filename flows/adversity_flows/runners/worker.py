"""What workers do that may not see the run's files: fetch what they lack where they can, and compute."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.engine.public.mirror import keep_blobs, listed_files
from adversity.engine.public.shard_worker import compute
from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adversity.engine.public.shard_order import ShardAnswer, ShardOrder
    from adversity_flows.dvc.remote_source import OpenSource

__all__ = ["fetch_and_compute"]

_AT_ONCE = 8
"""Objects that are read from a remote at the same time."""
_refused: dict[str, str] = {}
"""Remotes that gave this process nothing, and why: they are not asked again."""


def fetch_and_compute(order: ShardOrder) -> ShardAnswer:
    """Compute a shard; contents that are lacking come from the remote of DVC, where it has them.

    Returns:
        The answer; what it lacks, the remote has not, or does not give to this machine.
    """
    answer = compute(order)
    while answer.lacks and order.source and order.source not in _refused:
        if not _fetched(order, answer.lacks):
            break
        answer = compute(order)
    if answer.lacks and order.source in _refused:
        return replace(answer, refused=_refused[order.source])
    return answer


def _fetched(order: ShardOrder, lacks: Iterable[str]) -> bool:
    """Keep what the remote has of some contents; say whether that was any.

    Nothing is kept that is not what its SHA-256 says.
    """
    from adversity_flows.dvc.remote_source import RemoteSource

    known = {sha256: md5 for _, sha256, _, md5 in listed_files(order.inputs) if md5}
    wanted = [(sha256, known[sha256]) for sha256 in lacks if sha256 in known]
    if not wanted:
        return False
    try:
        source = RemoteSource.from_json(order.source).open()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return any(list(pool.map(lambda pair: _kept(source, *pair), wanted)))
    except Exception as error:  # noqa: BLE001  (each remote has errors of its own)
        said = next(iter(str(error).splitlines()), "").rstrip(".")
        _refused[order.source] = without_secrets(f"{type(error).__name__}: {said}")
        return False


def _kept(source: OpenSource, sha256: str, md5: str) -> bool:
    content = source.read(md5)
    if content is None or hashlib.sha256(content).hexdigest() != sha256:
        return False
    keep_blobs([content])
    return True
