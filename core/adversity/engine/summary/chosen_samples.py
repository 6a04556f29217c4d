"""Which samples a report shows: decided by ids and cells alone, so that the next report agrees."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.engine.stages.fit_streams import stored_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell

__all__ = ["chosen", "counted", "id_order", "order_of"]

Numbers = np.ndarray[Any, Any]


def id_order(ids: Sequence[str]) -> list[int]:
    """Return the places of ids in the order of their SHA-256, the same for the same ids always.

    Example:
        >>> id_order(["b", "a", "c"]), id_order(["c", "b"])
        ([2, 0, 1], [0, 1])
    """
    return sorted(range(len(ids)), key=lambda at: hashlib.sha256(ids[at].encode()).digest())


def order_of(toolbox: Toolbox, step: str, cells: Sequence[Cell], counts: Sequence[int]) -> Numbers:
    """Return the samples of all cells of a step in an order that ids and cells alone decide.

    More samples or other answers leave the order of the others as it is, so that two reports show
    the same images as far as they can.

    Args:
        toolbox: Of the run.
        step: Whose table names the samples.
        cells: Its cells.
        counts: How many samples of each count; of a cell all or none.

    Returns:
        `[N]` places in the samples of all cells, one behind the other.
    """
    known: dict[tuple[str, ...], Numbers] = {}
    keys = [np.zeros(0, dtype=np.uint64)]
    for cell, count in zip(cells, counts, strict=True):
        if count:
            ids = tuple(map(str, stored_rows(toolbox, step, cell)["id"].tolist()))
            if ids not in known:
                known[ids] = _hashed(ids)
            keys.append(_mixed(known[ids] ^ _hashed([cell.key])))
    order: Numbers = np.argsort(np.concatenate(keys), kind="stable")
    return order


def chosen(strata: Numbers, quotas: Sequence[int], count: int, order: Numbers) -> list[int]:
    """Take each stratum's quota, scaled to `count`, in an order, then fill up with what is left.

    Args:
        strata: `[N]`, the stratum of each sample as a place in `quotas`; below 0 for none.
        quotas: How many of each, of their sum.
        count: How many in all.
        order: `[N]` places.
    """
    order = order[strata[order] >= 0]
    scale = count / sum(quotas)
    drawn: list[int] = []
    for number, quota in enumerate(quotas):
        members = order[strata[order] == number]
        drawn += members[: max(1, int(quota * scale))].tolist()
    rest = order[~np.isin(order, drawn)]
    return [*drawn, *rest[:count].tolist()][:count]


def counted(strata: Numbers, called: Sequence[str]) -> dict[str, int]:
    """Return how many samples each stratum has in all, those that have any."""
    counts = np.bincount(strata[strata >= 0], minlength=len(called))
    return {name: count for name, count in zip(called, counts.tolist(), strict=True) if count}


def _hashed(texts: Sequence[str]) -> Numbers:
    """Return 64 bits of the SHA-256 of each text."""
    digests = (hashlib.sha256(text.encode()).digest()[:8] for text in texts)
    return np.array([int.from_bytes(digest, "little") for digest in digests], dtype=np.uint64)


def _mixed(numbers: Numbers) -> Numbers:
    """Spread what two hashes have in common: else cells would be ordered by the same bits.

    Reference: Steele, Lea, Flood, Fast splittable pseudorandom number generators, 2014: the
        finalizer, with the constants of variant 13 by Stafford.
    """
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    spread: Numbers = numbers ^ (numbers >> np.uint64(31))
    return spread
