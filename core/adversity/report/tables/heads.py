"""What figures are told by: facets, their values, and how they are written in the heads of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from adversity.report.words.wording import measure_name, parse_number

if TYPE_CHECKING:
    from adversity.report.tables.figures import Figure

__all__ = [
    "MEASURE",
    "NONE",
    "STEP",
    "as_given",
    "differing",
    "facets_of",
    "fixed_in",
    "is_asked",
    "label_of",
    "numbers_in",
    "said_twice",
    "same_value",
    "values_of",
]

NONE, STEP, MEASURE = "none", "step", "measure"
Facets = Mapping[str, str]


def facets_of(figure: Figure) -> dict[str, str]:
    """Return all that a figure can be chosen by."""
    title = measure_name(figure.measure, figure.mean)
    return {**figure.facets, STEP: figure.step, MEASURE: title}


def same_value(first: str, second: str) -> bool:
    """Say whether two values are the same; numbers are compared as numbers."""
    numbers = parse_number(first), parse_number(second)
    return first == second or (None not in numbers and numbers[0] == numbers[1])


def values_of(facets: Facets, names: Sequence[str]) -> tuple[str, ...]:
    """Return the values of these facets, `none` for one that is not there."""
    return tuple(facets.get(name, NONE) for name in names)


def differing(facets: Sequence[Facets]) -> list[str]:
    """Return the facets in which these differ, in their order."""
    names = dict.fromkeys(name for one in facets for name in one)
    return [name for name in names if len({one.get(name, NONE) for one in facets}) > 1]


def fixed_in(facets: Sequence[Facets], taken: Sequence[str]) -> dict[str, str]:
    """Return what is the same everywhere, but for what is taken."""
    differ = {*differing(facets), *taken}
    first = facets[0] if facets else {}
    return {name: value for name, value in first.items() if name not in differ}


def is_asked(values: Sequence[str]) -> int:
    """Return how much was asked of a method: columns with nothing, as clean ones, come first."""
    return sum(value != NONE for value in values) > 0


def numbers_in(values: Sequence[str]) -> list[float]:
    """Return the values that are numbers."""
    return [number for number in map(parse_number, values) if number is not None]


def as_given(facets: Sequence[Facets], across: Sequence[str]) -> dict[str, str]:
    """Return what is the same wherever it is anything, and need not stand in each column's head.

    A degradation that all columns with a severity have is one; it takes another facet to tell its
    columns from those without it.
    """
    same: dict[str, str] = {}
    for name in across:
        there = [one for one in facets if one.get(name, NONE) != NONE]
        values = {one[name] for one in there}
        others = [other for other in across if other not in (name, *same)]
        told = all(any(one.get(other, NONE) != NONE for other in others) for one in there)
        if len(values) == 1 and parse_number(*values) is None and told:
            same[name] = values.pop()
    return same


def said_twice(facets: Sequence[Facets], across: Sequence[str]) -> set[str]:
    """Return what another one before it says in every column, as a variable of plugins' names does."""
    return {
        name
        for at, name in enumerate(across)
        for earlier in across[:at]
        if all(one.get(name, NONE) == one.get(earlier, NONE) for one in facets)
    }


def label_of(names: Sequence[str], values: Sequence[str], same: set[str]) -> str:
    """Write a column's head: `gaussian_noise, severity = 3`; what is nothing only if all is."""
    there = [(name, value) for name, value in zip(names, values, strict=True) if value != NONE]
    if not there:
        return " ".join(f"no {name}" for name in names[:1]) or "value"
    there = [(name, value) for name, value in there if name not in same]
    words = (v if parse_number(v) is None else f"{n} = {v}" for n, v in there)
    return ", ".join(words)
