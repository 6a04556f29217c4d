"""A change shared out among what changed: the Shapley split, exact, over what could be computed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Shares", "orders_asked", "shared_out"]

Taken = frozenset[str]
"""The factors that are as in the later run; the others are as in the earlier one."""


@dataclass(frozen=True, slots=True)
class Shares:
    """What each factor has to do with a change.

    Attributes:
        parts: By factor; empty where no order could be computed.
        orders: So many orders of the factors the parts are the mean of.
        of: So many there are.
    """

    parts: Mapping[str, Fraction]
    orders: int
    of: int

    @property
    def total(self) -> Fraction:
        """All parts together: the whole change, exactly."""
        return sum(self.parts.values(), Fraction(0))


def shared_out(factors: Sequence[str], values: Mapping[Taken, float]) -> Shares:
    """Share out the change from no factor taken to all of them.

    A factor's part is what changes as it is taken, as a mean over the orders in which factors can
    be taken one by one (Shapley 1953). An order one of whose steps has no value is left out, so
    the parts of those that are left still add up to the whole change, to the last bit.

    Args:
        factors: Their names.
        values: The number with these factors taken, the others not; what could not be computed is
            missing.
    """
    orders = list(permutations(factors))
    whole = [order for order in orders if all(taken in values for taken in _steps(order))]
    parts = dict.fromkeys(factors, Fraction(0)) if whole else {}
    for order in whole:
        for before, after, factor in zip(_steps(order), _steps(order)[1:], order, strict=False):
            parts[factor] += (Fraction(values[after]) - Fraction(values[before])) / len(whole)
    return Shares(parts, len(whole), len(orders))


def orders_asked(factors: Sequence[str]) -> list[Taken]:
    """Return what is to be computed, none taken and all taken first, each once."""
    found = [frozenset[str](), frozenset(factors)]
    found += [taken for order in permutations(factors) for taken in _steps(order)]
    return list(dict.fromkeys(found))


def _steps(order: Sequence[str]) -> list[Taken]:
    return [frozenset(order[:count]) for count in range(len(order) + 1)]
