"""What a plugin promises that goes by weights of samples while it is fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from adversity.engine.public.in_memory import learnt, with_sources
from adversity.testing.bench.checks import NotApplicable, check, furthest, require
from adversity.testing.common.row_by_row import ROUNDING

if TYPE_CHECKING:
    from adversity.contracts import Fitted
    from adversity.engine.public.in_memory import TensorRows
    from adversity.testing.bench.bench import Answer, Bench

__all__ = ["weights_count"]

_NEXT_TO_NOTHING = 1e-6
_CLOSER = 0.7
"""How far it may be from what it should be, of how far it is from the opposite: a fit that takes
random steps takes others with twice the rows. One that ignores weights is as far from both."""


@check("Weights count: rows of weight 1 as without, and those of next to none next to nothing.")
def weights_count(bench: Bench) -> str:
    """Give half of the rows wrong labels; then next to no weight to these, and to the others.

    Each fit must come nearer to the one without such rows than to the one without the others.
    """
    if not cast("type[Fitted]", bench.cls).takes_weights:
        raise NotApplicable("it does not go by weights")
    rows = bench.stream()
    bare = _answer(bench, rows)
    name, gap = furthest(bare, _answer(bench, rows.again(weights=[1.0] * len(rows))))
    largest = max(1.0, float(bare[name].abs().max()))
    require(
        gap <= ROUNDING * largest,
        f"expected the same {name} with weights of 1 as without, they differ by up to {gap:.3g}",
    )
    first = [float(i % 4 < 2) for i in range(len(rows))]
    second = [1 - counts for counts in first]
    mixed = _mislabelled(rows, first)
    alone, weighted = (
        [
            _answer(bench, mixed.again(weights=[w or least for w in half]))
            for half in (first, second)
        ]
        for least in (0.0, _NEXT_TO_NOTHING)
    )
    if _distance(*alone) <= ROUNDING * largest:
        raise NotApplicable("it learns the same of half of the rows as of the others")
    near = sum(_distance(one, other) for one, other in zip(alone, weighted, strict=True))
    far = sum(_distance(one, other) for one, other in zip(alone, weighted[::-1], strict=True))
    require(
        near <= _CLOSER * far,
        f"expected that rows that weigh next to nothing change little, got answers that differ by "
        f"{near / 2:.3g} in the mean from those without them, and by {far / 2:.3g} from those without "
        "the others: multiply each row's loss by `block.weights`",
    )
    return f"{near / 2:.2g} from fits without those that weigh nothing, {far / 2:.2g} from the opposite"


def _mislabelled(rows: TensorRows, right: list[float]) -> TensorRows:
    """Return the rows with the next class as the label of those that are not right.

    Of numbers it is those of the next row.
    """
    if rows.labels is None:
        return rows
    if rows.target_names:
        from torch import stack

        others = rows.labels.roll(-1, 0)
        pairs = zip(rows.labels.unbind(), others.unbind(), right, strict=True)
        return rows.again(labels=stack([own if kept else other for own, other, kept in pairs]))
    moved = rows.labels.clone()
    for row, kept in enumerate(right):
        if not kept:
            moved[row] = (moved[row] + 1) % len(rows.class_names)
    return rows.again(labels=moved)


def _answer(bench: Bench, rows: TensorRows) -> Answer:
    """Fit on these rows in the place of the bench's own; return what it answers."""
    first, *needed = cast("type[Fitted]", bench.cls).fit_sources
    data = with_sources(rows, first, {name: bench.stream() for name in needed})
    state = learnt(bench.set_up(bench.make()), data, 0)
    return bench.answer(bench.set_up(bench.make(), state), bench.as_fitted_on())


def _distance(first: Answer, second: Answer) -> float:
    """Return how far two answers are apart, in the mean over all that is in them."""
    return max(
        float((value.double() - second[name].double()).abs().mean())
        for name, value in first.items()
    )
