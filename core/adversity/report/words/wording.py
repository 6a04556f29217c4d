"""How numbers, cells and foreign text are written: once, for page, markdown and terminal."""

from __future__ import annotations

import math
import unicodedata
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.contracts.values import Measure

__all__ = [
    "MINUS",
    "NOTHING",
    "TIMES",
    "cell_text",
    "change_text",
    "eps_text",
    "interval_text",
    "measure_name",
    "measure_text",
    "number",
    "pairs",
    "parse_number",
    "plain",
    "plural",
    "seconds_text",
    "signed",
    "value_text",
]

NOTHING = "\N{EM DASH}"
"""Stands where a table has no value."""
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
_HIDDEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
_NAMES = {
    "accuracy": "accuracy",
    "accuracy_top5": "top-5 accuracy",
    "attack_success": "attack success",
    "brier": "Brier score",
    "ece": "ECE",
    "failure_distance": "distance to the nearest failure, median",
    "failures_found": "share with a failure at any distance",
    "full_budget_accuracy": "accuracy when anything is allowed",
    "more_restarts_gain_share": "share that fell to twice the restarts",
    "more_steps_gain_share": "share that fell to twice the steps",
    "nll": "NLL",
    "psnr_db": "PSNR",
    "robust_accuracy": "robust accuracy",
    "ssim": "SSIM",
    "worst_case_robust_accuracy": "worst-case robust accuracy",
}


def plain(text: object) -> str:
    """Return text with every invisible character made visible.

    Control, formatting and bidirectional characters could make a name read as another one
    or reorder the line around it, so `U+202E` is shown as `⟨U+202E⟩`. Line breaks and tabs
    stay.
    """
    return "".join(
        f"⟨U+{ord(letter):04X}⟩"
        if unicodedata.category(letter) in _HIDDEN and letter not in "\n\t"
        else letter
        for letter in str(text)
    )


def number(value: float, unit: str = "") -> str:
    """Write a number with three decimals, two for decibels, or an exponent where those hide it.

    What is below 1e-12 is rounding and written 0.000.
    """
    if not math.isfinite(value):
        return str(value)
    if abs(value) > 1e-12 and not 5e-4 <= abs(value) < 1e5:
        return f"{value:.2e}"
    return f"{value:.2f}" if unit == "dB" else f"{value:.3f}"


def signed(value: float, unit: str = "") -> str:
    """Write a change with its sign: `+0.012`, `+0.000`, a minus sign for less."""
    return f"{MINUS if value < 0 else '+'}{number(abs(value), unit)}"


def change_text(measure: Measure) -> tuple[str, str]:
    """Write a change since an earlier run and its interval, with signs."""
    value = f"{signed(measure.value, measure.unit)} {measure.unit}".strip()
    if measure.low is None or measure.high is None:
        return value, "no interval"
    ends = (signed(end, measure.unit) for end in (measure.low, measure.high))
    return value, f"[{', '.join(ends)}]"


def interval_text(measure: Measure) -> str:
    """Write the interval as `[low, high]`, or say that the measure has none."""
    if measure.low is None or measure.high is None:
        return "no interval"
    return f"[{number(measure.low, measure.unit)}, {number(measure.high, measure.unit)}]"


def value_text(measure: Measure) -> str:
    """Write the value with its unit; `at most` or `at least` before a bound."""
    side = {"upper": "at most ", "lower": "at least "}.get(str(measure.details.get("bound")), "")
    return f"{side}{number(measure.value, measure.unit)} {measure.unit}".strip()


def measure_text(measure: Measure) -> str:
    """Write value, interval and n: `0.912 [0.890, 0.930], n = 800`."""
    return f"{value_text(measure)} {interval_text(measure)}, n = {measure.n}"


def measure_name(name: str) -> str:
    """Return the name a reader expects: `ece` is written ECE."""
    return _NAMES.get(name, name.replace("_", " "))


def cell_text(cell: Mapping[str, str], *, without: tuple[str, ...] = ()) -> str:
    """Write a cell as `severity = 3, eps = 4/255`; the empty cell is the empty string."""
    return ", ".join(f"{name} = {value}" for name, value in cell.items() if name not in without)


def parse_number(text: object) -> float | None:
    """Read `3`, `0.5` or `4/255` as a number; None for anything else."""
    try:
        return float(Fraction(str(text)))
    except (ValueError, ZeroDivisionError):
        return None


def eps_text(eps: Any, norm: object = None) -> str:
    """Write a budget as people do: `4/255` for linf where it is one, else the number."""
    value = parse_number(eps)
    if value is None:
        return str(eps)
    levels = value * 255
    if norm == "linf" and abs(levels - round(levels)) < 1e-6 and levels >= 1:
        return f"{round(levels)}/255"
    return f"{value:.4g}"


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
    """Write `key: value` for each item, or that there is none."""
    return ", ".join(f"{key}: {value}" for key, value in values.items()) or NOTHING
