"""Whether the answer to a row depends on the rows beside it: tried once, then refused.

Every number of a report belongs to a sample. Something that normalises over the batch (batch
norm without running statistics, a division by the brightest value of all images) gives a sample
another answer in other company, and then no accuracy, budget or verdict means anything. The
conformance kit tries it in many ways; a user's own network meets this probe alone.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from adversity.contracts import Predictive
    from adversity.engine.calls.ready import Ready

__all__ = ["each_by_itself", "rows_of"]

SAME = 1e-4
"""By how much, of the largest value, two answers to one row may differ: far above what another
kernel rounds in float32, far below what a statistic over the batch does."""


def each_by_itself(
    ready: Ready,
    given: Tensor,
    answered: Sequence[Tensor],
    again: Callable[[list[int]], Sequence[Tensor]],
    ids: Sequence[str],
    *,
    copies: int | None = None,
    what: str = "answer",
) -> None:
    """Ask once more for one row, beside nothing but copies of itself, and compare.

    Once for each plugin that is set up, each of its methods and each shape of a row. The row
    stays at its place, and there are as many as before, so that the same kernels round in the
    same way. An answer that changes by itself when the call is repeated says nothing of
    neighbours.

    Args:
        ready: The plugin.
        given: `[N, ...]`, its input, without padding.
        answered: What it answered, each with first axis B; rows after the first N are padding.
        again: From B row numbers below N to the answers for these.
        ids: N sample ids.
        copies: How many rows to call it with; B if not given.
        what: Its answer, in words.

    Raises:
        PluginError: If the answer is another; an `InputError` for a user's own network.
    """
    call = (what, *given.shape[1:])
    if ready.looked is None or call in ready.looked or len(ids) < 2:
        return
    row = _middle(given)
    if row is None:
        return
    ready.looked.add(call)
    rows = len(answered[0])
    copies = copies or rows
    alone = [value[min(row, copies - 1)] for value in again([row] * copies)]
    among = [value[row] for value in answered]
    gap = _gap(among, alone, answered)
    if gap <= SAME:
        return
    same = [min(i, len(ids) - 1) for i in range(rows)]
    repeated = [value[row] for value in again(same)]
    if _gap(among, repeated, answered) <= SAME:
        ready.mixes(ids[row], gap, what)


def rows_of(predictive: Predictive, index: slice | list[int], device: str) -> Predictive:
    """Return some rows of a prediction, on a device; members have their rows on the second axis."""

    def cut(name: str, value: Any) -> Any:
        if value is None:
            return None
        if name == "groups":
            return value[index] if isinstance(index, slice) else tuple(value[i] for i in index)
        if name == "scores":
            return {key: cut(key, each) for key, each in value.items()}
        return (value[:, index] if name == "members" else value[index]).to(device)

    given = {field.name: getattr(predictive, field.name) for field in fields(predictive)}
    return replace(predictive, **{name: cut(name, value) for name, value in given.items()})


def _middle(rows: Tensor) -> int | None:
    """Return the row of middle brightness, or None if all rows are the same.

    Where the whole is divided by its largest value, the row that holds it notices nothing.
    """
    flat = rows.flatten(1)
    if not bool((flat[1:] != flat[:1]).any()):
        return None
    return int(flat.double().mean(1).argsort(stable=True)[len(flat) // 2])


def _gap(first: Sequence[Tensor], second: Sequence[Tensor], all_rows: Sequence[Tensor]) -> float:
    """Return how far two answers to a row lie apart, as a share of the largest finite value."""
    gaps = [0.0]
    for one, other, values in zip(first, second, all_rows, strict=True):
        if one.shape != other.shape:
            return float("inf")
        # Infinite values (the PSNR of equal images) are the same where both are infinite.
        one, other = one.cpu().double(), other.cpu().double()
        off = (one - other).abs().masked_fill(one == other, 0.0)
        size = values[values.isfinite()].cpu().double().abs()
        scale = float(size.max()) if size.numel() else 0.0
        gap = float(off.max()) if off.numel() else 0.0
        gaps.append(gap / scale if scale else (float("inf") if gap else 0.0))
    return max(gaps)
