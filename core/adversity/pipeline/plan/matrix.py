"""The matrix: which combinations of values a step is multiplied over."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from adversity.pipeline.plan.model import Cell
from adversity.pipeline.read.load import VARIABLE

__all__ = ["count", "expand", "fill", "filled"]


def expand(matrix: Mapping[str, Sequence[str]], names: Collection[str]) -> tuple[Cell, ...]:
    """Return the cells over some of the variables, the last variable fastest.

    Args:
        matrix: Every variable with its values as written, in the file's order.
        names: The variables that matter; the others do not multiply.

    Example:
        >>> [cell.key for cell in expand({"a": ["1", "2"], "b": ["x"]}, {"a"})]
        ['a=1', 'a=2']
    """
    used = [name for name in matrix if name in names]
    rows = itertools.product(*(matrix[name] for name in used))
    return tuple(Cell(tuple(zip(used, row, strict=True))) for row in rows)


def count(matrix: Mapping[str, Sequence[str]], names: Collection[str]) -> int:
    """Return how many cells `expand` would give, without making one.

    Example:
        >>> count({"a": ["1", "2"], "b": ["x", "y", "z"]}, {"a", "b"})
        6
    """
    return math.prod(len(values) for name, values in matrix.items() if name in names)


def filled(text: str, values: Mapping[str, Any]) -> str:
    """Put values in the place of `$name` inside a text: `degradation/$corruption`."""
    return VARIABLE.sub(lambda match: str(values[match[1]]), text)


def fill(parameters: Any, values: Mapping[str, Any]) -> Any:
    """Put values in the place of `$name`, in nested lists and mappings too."""
    if isinstance(parameters, str) and parameters.startswith("$"):
        return values.get(parameters[1:], parameters)
    if isinstance(parameters, Mapping):
        return {key: fill(item, values) for key, item in parameters.items()}
    if isinstance(parameters, list | tuple):
        return [fill(item, values) for item in parameters]
    return parameters
