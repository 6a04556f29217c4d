"""A plot that a measure brings along in its details, drawn by the report as it is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from adversity.errors import DataError

__all__ = ["Plot"]

Form = Literal["line", "steps", "histogram", "bars"]


@dataclass(frozen=True, slots=True)
class Plot:
    """What lies behind a figure: `Measure(..., details={"plot": Plot(...).as_json()})`.

    Attributes:
        form: `line`: points joined. `steps`: y holds from its x to the next. `histogram`: y
            counts from its x to the next, so x has one more. `bars`: a bar for each name in x.
        x: Numbers that rise; of bars names.
        y: Finite numbers, one for each x; or several such curves by name, which are drawn together
            and told apart. Bars have one.
        x_title: What x is, with its unit.
        y_title: What y is, with its unit.

    Raises:
        DataError: If the form is unknown, the lengths do not fit, a number is not finite, or x
            does not rise.
    """

    form: Form
    x: Sequence[float | str]
    y: Sequence[float] | Mapping[str, Sequence[float]]
    x_title: str = ""
    y_title: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        fault = self._fault()
        if fault is not None:
            raise DataError(f"expected a plot that can be drawn: {fault}")

    @property
    def curves(self) -> Mapping[str, Sequence[float]]:
        """The values of y by name; one alone has the empty name."""
        return self.y if isinstance(self.y, Mapping) else {"": self.y}

    def _fault(self) -> str | None:
        if self.form not in get_args(Form):
            return f"its form must be one of {', '.join(get_args(Form))}, got {self.form!r}"
        if not self.curves or (self.form == "bars" and isinstance(self.y, Mapping)):
            return f"{self.form} needs one curve" if self.curves else "y must hold some curve"
        for values in self.curves.values():
            length = len(values) + (self.form == "histogram")
            if not len(values) or len(self.x) != length:
                return (
                    f"{self.form} with {len(values)} values of y needs "
                    f"{length or 'some'} of x, got {len(self.x)}"
                )
            if not all(math.isfinite(value) for value in values):
                return "every y must be a finite number"
        if self.form == "bars":
            named = all(isinstance(name, str) for name in self.x) and len({*self.x}) == length
            return None if named else "the x of bars must be names, each once"
        numbers = [value for value in self.x if not isinstance(value, str)]
        if len(numbers) != length or not all(map(math.isfinite, numbers)):
            return "every x must be a finite number"
        rising = all(a < b for a, b in itertools.pairwise(numbers))
        return None if rising else "x must rise"

    def as_json(self) -> dict[str, Any]:
        """Return the plot as JSON values, for `Measure.details`."""
        return {
            "form": self.form,
            "x": [value if isinstance(value, str) else float(value) for value in self.x],
            "y": (
                {name: list(map(float, values)) for name, values in self.y.items()}
                if isinstance(self.y, Mapping)
                else [float(value) for value in self.y]
            ),
            "x_title": self.x_title,
            "y_title": self.y_title,
        }

    @classmethod
    def from_json(cls, record: object) -> Plot:
        """Read back what `as_json` wrote.

        Raises:
            DataError: If it is no plot, or one that cannot be drawn.
        """
        try:
            if not isinstance(record, Mapping):
                raise TypeError(f"got {type(record).__name__}")
            return cls(**record)
        except TypeError as error:
            raise DataError(
                f"expected `details['plot']` to be what Plot(...).as_json() gives: {error}"
            ) from error
