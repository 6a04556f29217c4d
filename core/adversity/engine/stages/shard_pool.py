"""The shards of a stage in threads, for every door."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from adversity.engine.stages.stage import Shard

__all__ = ["run_shards"]


def run_shards(
    shards: Iterable[Shard], compute: Callable[[Shard], None], *, workers: int
) -> Iterator[Shard]:
    """Run shards in threads and yield each as it is done.

    At the first error, or when the loop over it is left or interrupted, shards that have not
    started never do; those at work end first, and what they made is kept.

    Args:
        shards: What to run.
        compute: What runs one, usually `StageRun.run_shard`; its first error is raised.
        workers: Shards at the same time, at least one.
    """
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="shard")
    try:
        futures: dict[Future[None], Shard] = {
            pool.submit(compute, shard): shard for shard in shards
        }
        for future in as_completed(futures):
            future.result()
            yield futures[future]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
