"""How numbers, cells and foreign text are written: once, for page, markdown and terminal."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adversity.contracts.measure_info import MeasureInfo
from adversity.numerals import parse_number

if TYPE_CHECKING:
    from adversity.contracts.values import Measure

__all__ = [
    "MINUS",
    "NOTHING",
    "TIMES",
    "bare_text",
    "capital",
    "cell_text",
    "change_text",
    "change_unit",
    "eps_text",
    "interval_text",
    "measure_name",
    "measure_text",
    "method_name",
    "number",
    "pairs",
    "parse_number",
    "plain",
    "plural",
    "seconds_text",
    "signed",
    "value_text",
    "written",
]

NOTHING = "\N{EM DASH}"
"""Stands where a table has no value."""
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
_DECIMALS = {"dB": 2, "%": 1}
_WRITTEN = MeasureInfo()
_SPELT = {
    "clopper-pearson": "Clopper-Pearson",
    "delong": "DeLong",
    "obuchowski": "Obuchowski",
    "student": "Student",
    "wald": "Wald",
    "wilson": "Wilson",
    "woodruff": "Woodruff",
}
_PERSONS = re.compile(rf"\b({'|'.join(_SPELT)})\b")
_HIDDEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def plain(text: object) -> str:
    """Return text with every invisible character made visible.

    Control, formatting and bidirectional characters could make a name read as another one
    or reorder the line around it, so `U+202E` is shown as `⟨U+202E⟩`. Line breaks and tabs
    stay.
    """
    written = str(text)
    if written.isprintable():  # nearly all text is, and the data of images are long
        return written
    return "".join(
        f"⟨U+{ord(letter):04X}⟩"
        if unicodedata.category(letter) in _HIDDEN and letter not in "\n\t"
        else letter
        for letter in written
    )


def capital(text: str) -> str:
    """Return text that begins with a capital, as a heading does; the rest stays as it is."""
    return text[:1].upper() + text[1:]


def number(value: float, unit: str = "") -> str:
    """Write a number with three decimals, fewer for dB and %, or an exponent where those hide it.

    What is below 1e-12 is rounding and written 0.000.
    """
    if not math.isfinite(value):
        return str(value)
    if abs(value) > 1e-12 and not 5e-4 <= abs(value) < 1e5:
        return f"{value:.2e}"
    return f"{value:.{_DECIMALS.get(unit, 3)}f}"


def signed(value: float, unit: str = "") -> str:
    """Write a change with its sign: `+0.012`, `+0.000`, a minus sign for less."""
    return f"{MINUS if value < 0 else '+'}{number(abs(value), unit)}"


def written(measure: Measure) -> Measure:
    """Return a measure as it is written and drawn: a share in per cent from 0 to 100."""
    if measure.info.scale != "percent":
        return measure
    low, high = (None if end is None else 100 * end for end in (measure.low, measure.high))
    return replace(measure, value=100 * measure.value, low=low, high=high, unit="%", info=_WRITTEN)


def change_unit(measure: Measure) -> str:
    """Return the unit of a difference of two values.

    That of two percentages is in points: `+5.0 %` would read as a twentieth more.
    """
    unit = written(measure).unit
    return "points" if unit == "%" else unit


def change_text(measure: Measure) -> tuple[str, str]:
    """Write a difference of two values and its interval, with signs."""
    shown = written(measure)
    value = f"{signed(shown.value, shown.unit)} {change_unit(measure)}".strip()
    if shown.low is None or shown.high is None:
        return value, "no interval"
    ends = (signed(end, shown.unit) for end in (shown.low, shown.high))
    return value, f"[{', '.join(ends)}]"


def interval_text(measure: Measure) -> str:
    """Write the interval as `[low, high]`, or say that the measure has none."""
    shown = written(measure)
    if shown.low is None or shown.high is None:
        return "no interval"
    return f"[{number(shown.low, shown.unit)}, {number(shown.high, shown.unit)}]"


def value_text(measure: Measure) -> str:
    """Write the value with its unit; `at most` or `at least` before a bound."""
    side = {"upper": "at most ", "lower": "at least "}.get(str(measure.details.get("bound")), "")
    return side + bare_text(measure)


def bare_text(measure: Measure) -> str:
    """Write the value with its unit."""
    shown = written(measure)
    return f"{number(shown.value, shown.unit)} {shown.unit}".strip()


def measure_text(measure: Measure) -> str:
    """Write value, interval and n: `0.912 [0.890, 0.930], n = 800`."""
    return f"{value_text(measure)} {interval_text(measure)}, n = {measure.n}"


def measure_name(name: str, measure: Measure) -> str:
    """Return what a reader calls a measure: its title, or its name with spaces."""
    return measure.info.title or name.replace("_", " ")


def method_name(name: str | None) -> str:
    """Write the name of an interval's method: a person's with a capital."""
    if name is None:
        return "interval"
    return _PERSONS.sub(lambda word: _SPELT[word[0]], name.replace("_", " "))


def cell_text(cell: Mapping[str, str], *, without: tuple[str, ...] = ()) -> str:
    """Write a cell as `severity = 3, eps = 4/255`; the empty cell is the empty string."""
    return ", ".join(f"{name} = {value}" for name, value in cell.items() if name not in without)


def eps_text(eps: Any, norm: object = None) -> str:
    """Write a budget as people do: in linf `4/255` or `0.5/255`, unless it is as short without.

    Example:
        >>> eps_text(0.5 / 255, "linf"), eps_text(0.03, "linf"), eps_text(0.5, "l2")
        ('0.5/255', '0.03', '0.5')
    """
    value = parse_number(eps)
    if value is None:
        return str(eps)
    levels = value * 255
    if norm != "linf" or math.isclose(float(f"{value:.2g}"), value, rel_tol=1e-9):
        return f"{value:.4g}"
    digits = f"{levels:.3g}" if levels < 999.5 else f"{levels:.0f}"
    return f"{digits}/255" if math.isclose(float(digits), levels, rel_tol=1e-6) else f"{value:.4g}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Write `1 gate`, `2 gates`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def seconds_text(seconds: float) -> str:
    """Write a duration: `0.4 s`, `12 s`, `3 min 12 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def pairs(values: Mapping[str, Any]) -> str:
    """Write `key: value` for each item, those of an item in brackets, or that there is none."""
    written = {
        key: f"({pairs(value)})" if isinstance(value, Mapping) else value
        for key, value in values.items()
    }
    return ", ".join(f"{key}: {value}" for key, value in written.items()) or NOTHING
