"""The report as JSON: everything but the images, in one fixed order."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from adversity.contracts.measure_info import MeasureInfo
from adversity.contracts.values import Measure
from adversity.errors import PluginError
from adversity.report.doubts.judgement import problems, verdict, what_was_tested
from adversity.report.sections.story import story_lines
from adversity.report.values.model import CellResult
from adversity.report.words.wording import parse_number

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.report.values.model import Report

__all__ = ["SCHEMA", "json_values", "report_json", "write_json"]

SCHEMA = "adversity-report/1"
"""Changes when a reader of the JSON would have to change."""
_LEFT_OUT = {"image", "perturbation"}


def report_json(report: Report) -> dict[str, Any]:
    """Return the report as JSON values: verdict first, images' pixels left out.

    Raises:
        PluginError: If a number is NaN.
    """
    state, line = verdict(report)
    body = json_values(report)
    return {
        "schema": SCHEMA,
        "verdict": state,
        "verdict_line": line,
        "problems": list(problems(report)),
        "story": list(story_lines(report)),
        "tested": what_was_tested(report),
        "measures": _known(report),
        **body,
    }


def _known(report: Report) -> dict[str, Any]:
    """Return what is known of each measure, for those who read this without the plugins."""
    infos = {
        name: measure.info
        for step in report.steps
        for cell in step.cells
        for name, measure in cell.measures.items()
    }
    plain = MeasureInfo()
    return {
        name: {
            item.name: json_values(getattr(info, item.name))
            for item in fields(info)
            if getattr(info, item.name) != getattr(plain, item.name)
        }
        for name, info in infos.items()
    }


def write_json(report: Report, path: Path) -> int:
    """Write `report_json` with sorted keys; the same report gives the same bytes.

    Returns:
        The number of bytes written.
    """
    text = json.dumps(
        report_json(report), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False
    )
    data = (text + "\n").encode("utf-8", errors="backslashreplace")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return len(data)


def json_values(value: Any) -> Any:
    """Return anything that a report is made of as JSON values.

    Raises:
        PluginError: If a number is NaN.
    """
    if isinstance(value, Measure):
        return json_values(value.as_json())
    if is_dataclass(value):
        names = (item.name for item in fields(value) if item.name not in _LEFT_OUT)
        record = {name: json_values(getattr(value, name)) for name in names}
        return record | ({"numbers": _numbers(value)} if isinstance(value, CellResult) else {})
    if isinstance(value, Mapping):
        return {str(key): json_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_values(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return _infinite(value)
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return _plain_number(value)


def _numbers(cell: CellResult) -> dict[str, float]:
    """Return the values of a cell that are numbers as such: `4/255` is one, too."""
    numbers = {name: parse_number(value) for name, value in cell.cell.items()}
    return {
        name: int(number) if number == int(number) else number
        for name, number in numbers.items()
        if number is not None
    }


def _infinite(value: float) -> str:
    """Write an infinite number as text, since JSON has none; NaN says nothing and is refused."""
    if math.isnan(value):
        raise PluginError(
            "expected a number in the report, got NaN: a metric or a data set's facts gave it; "
            "find it with `adversity check`, or leave that metric out"
        )
    return str(value)


def _plain_number(value: Any) -> Any:
    """Turn NumPy scalars and arrays into JSON values; everything else into text."""
    as_list = getattr(value, "tolist", None)
    return json_values(as_list()) if callable(as_list) else str(value)
