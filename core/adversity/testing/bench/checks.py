"""What a check is: one promise, tried on one plugin."""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversity.errors import AdversityError, PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

__all__ = [
    "Check",
    "Failed",
    "NotApplicable",
    "apart",
    "check",
    "error_line",
    "furthest",
    "json_text",
    "require",
]


class Failed(Exception):  # noqa: N818  (the outcome's name)
    """The promise is broken; the message says what was expected and what came."""


class NotApplicable(Exception):  # noqa: N818  (the outcome's name)
    """The promise does not concern this plugin, or cannot be tried here; the message says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise and how it is tried.

    Attributes:
        name: What `expected_failures` and reports call it.
        promise: One sentence in the present tense: what holds.
        run: Takes a bench; returns what was found, in words with figures, or raises `Failed`
            or `NotApplicable`.
    """

    name: str
    promise: str
    run: Callable[[Any], str]


def check(promise: str) -> Callable[[Callable[[Any], str]], Check]:
    """Make a check of a function: its name is the check's name.

    Args:
        promise: One sentence, ended by a full stop.
    """

    def decorate(function: Callable[[Any], str]) -> Check:
        return Check(function.__name__, promise, function)

    return decorate


def require(holds: object, message: str) -> None:
    """Raise `Failed` with the message unless it holds."""
    if not holds:
        raise Failed(message)


def apart(first: Tensor, second: Tensor, *, relative: bool = False) -> float:
    """Return the largest difference of two tensors of any type; infinite if shapes differ.

    Args:
        first: Of any shape.
        second: Of any shape.
        relative: Whether a difference counts as a share of the first's value, where that is
            above 1.
    """
    if first.shape != second.shape:
        return float("inf")
    if not first.numel():
        return 0.0
    difference = (first.double() - second.double()).abs()
    if relative:
        difference = difference / first.double().abs().clamp_min(1)
    # Two infinities of one sign are the same value, and their difference is NaN.
    infinite = float("inf")
    unequal = difference.where(first != second, 0.0)
    return float(unequal.nan_to_num(nan=infinite, posinf=infinite).max())


def furthest(
    first: Mapping[str, Tensor], second: Mapping[str, Tensor], *, relative: bool = False
) -> tuple[str, float]:
    """Return which of two answers' tensors are furthest apart, and how far, as `apart` says.

    One that only one of the answers has is infinitely far; `("", 0.0)` for two empty answers.
    """
    both = first.keys() & second.keys()
    gaps = {
        name: apart(first[name], second[name], relative=relative) if name in both else float("inf")
        for name in {**first, **second}
    }
    return max(gaps.items(), key=lambda gap: gap[1], default=("", 0.0))


def json_text(value: object, what: str) -> str:
    """Return a value as JSON.

    Args:
        value: What a plugin describes.
        what: What messages call it, such as `describe()`.

    Raises:
        Failed: If it is not of JSON's values: texts, finite numbers, lists and dicts of them.
    """
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Failed(f"expected JSON values from {what}, got {error}") from error


def error_line(error: BaseException) -> str:
    """Say what an exception says; for one that nobody raised on purpose, also where."""
    if isinstance(error, AdversityError):
        inner = error.__cause__ if isinstance(error, PluginError) else None
        unraised = inner is None or inner.__traceback__ is None
        return str(error) if unraised else f"{error} ({_raised_by(inner)})"
    return f"{type(error).__name__}: {error} ({_raised_by(error)})"


def _raised_by(error: Any) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"raised by {last.name} in {last.filename.rsplit('/', 1)[-1]}:{last.lineno}"
