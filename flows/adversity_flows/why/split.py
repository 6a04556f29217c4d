"""A change of one number, split into what changed: code, data, model, parameters, and a remainder."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from adversity.errors import AdversityError
from adversity_flows.runs.figure import figure_named
from adversity_flows.why.combination import Combinations, differing
from adversity_flows.why.shapley import orders_asked, shared_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from adversity.engine.summary.recorded_run import RecordedRun
    from adversity_flows.why.shapley import Shares

__all__ = ["Split", "split"]

CODE = "code and libraries"
LATER = "code and libraries since the later run"
REST = "cannot be told apart"
_WORDS = {"data": "data", "model": "model and weights", "parameters": "parameters"}


@dataclass(frozen=True, slots=True)
class Split:
    """What a change is made of.

    Attributes:
        asked: The number's name.
        before, after: As the runs recorded it.
        parts: By what changed, in order; they add up to the change exactly.
        computed: How many combinations were computed for it.
        orders, of: The parts of data, model and parameters are means over so many orders, of so many.
        failed: What could not be computed, each with the reason.
    """

    asked: str
    before: float
    after: float
    parts: Mapping[str, Fraction]
    computed: int
    orders: int
    of: int
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def change(self) -> Fraction:
        """After minus before, exactly."""
        return Fraction(self.after) - Fraction(self.before)

    def as_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "asked": self.asked,
            "before": self.before,
            "after": self.after,
            "change": float(self.change),
            "parts": {name: float(part) for name, part in self.parts.items()},
            "computed": self.computed,
            "orders": self.orders,
            "of_orders": self.of,
            "failed": dict(self.failed),
        }


def split(
    root: Path,
    before: RecordedRun,
    after: RecordedRun,
    number: str,
    *,
    workers: int = 1,
    say: Callable[[str], None],
) -> Split:
    """Split the change of a number between two runs of a pipeline.

    The old number against the old inputs computed now is what code and libraries changed. From
    there to the new inputs, computed now, data, model and parameters are taken one after the
    other in every order: each part is the mean of what changes as its factor is taken (Shapley
    1953). What the later run recorded against its inputs computed now is code, too, of after it.

    Args:
        root: The project's folder.
        before: The earlier run.
        after: The later one.
        number: Its name.
        workers: Shards at the same time.
        say: Told of each combination before it is computed.

    Raises:
        InputError: If one of the runs has no such number.
    """
    figure = figure_named(after, number)
    then, now = figure_named(before, str(figure)).measure.value, figure.measure.value
    factors = differing(before, after)
    combinations = Combinations(root, before, after, figure, workers=workers)
    values: dict[frozenset[str], float] = {}
    failed: dict[str, str] = {}
    asked_for = orders_asked(factors)
    for place, taken in enumerate(asked_for, start=1):
        words = _named(taken, factors)
        say(f"{place}/{len(asked_for)} {words}")
        try:
            values[taken] = combinations.value(taken)
        except AdversityError as error:
            failed[words] = str(error)
    shares = shared_out(factors, values)
    parts = _parts(then, now, factors, values, shares)
    return Split(str(figure), then, now, parts, len(values), shares.orders, shares.of, failed)


def _parts(
    then: float,
    now: float,
    factors: Sequence[str],
    values: Mapping[frozenset[str], float],
    shares: Shares,
) -> dict[str, Fraction]:
    """Return the parts; what the computed ones leave is the remainder."""
    first, last = values.get(frozenset()), values.get(frozenset(factors))
    parts = {_WORDS[factor]: part for factor, part in shares.parts.items()}
    if first is not None:
        parts = {CODE: Fraction(first) - Fraction(then), **parts}
    if last is not None:
        parts[LATER] = Fraction(now) - Fraction(last)
    rest = Fraction(now) - Fraction(then) - sum(parts.values(), Fraction(0))
    if not parts.get(LATER):
        parts.pop(LATER, None)
    if rest or not shares.orders:
        parts[REST] = rest
    return parts


def _named(taken: frozenset[str], factors: Sequence[str]) -> str:
    """Say what a combination is of."""
    sides = [f"{_WORDS[factor]} {'after' if factor in taken else 'before'}" for factor in factors]
    return ", ".join(sides) or "as it was"
