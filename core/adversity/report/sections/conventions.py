"""The section on how the measures are defined: the convention that each one follows, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adversity.report.sections.register import section
from adversity.report.values.blocks import Section, Table
from adversity.report.words.wording import measure_name, pairs, plain

if TYPE_CHECKING:
    from adversity.report.values.model import Report

__all__ = ["conventions_section"]

_GROUPS = ("accuracy", "regression", "quality", "uncertainty", "attack")
"""In the order of their sections; measures of other groups come behind."""


@section(order=1350)
def conventions_section(report: Report) -> Section | None:
    """Say what definition each measure follows that the report shows somewhere."""
    seen: dict[tuple[str, str], str] = {}
    for step in report.steps:
        for cell in step.cells:
            for name, measure in cell.measures.items():
                if measure.convention:
                    words = plain(pairs(_in_words(measure.convention)))
                    seen[plain(measure_name(name, measure)), words] = measure.info.group
    rows = sorted(seen, key=lambda row: _place(seen[row]))
    if not rows:
        return None
    table = Table(
        id="conventions",
        caption="Other libraries may define a measure of the same name otherwise: compare these "
        "before numbers",
        columns=("measure", "as it is defined"),
        rows=tuple(rows),
    )
    return Section("conventions", "How the measures are defined", [table], folded=True)


def _in_words(convention: Mapping[str, Any]) -> dict[str, Any]:
    """Return a convention with names as people write them, yes and no in place of Python's."""
    return {key.replace("_", " "): _value(value) for key, value in convention.items()}


def _value(value: object) -> object:
    if isinstance(value, Mapping):
        return _in_words(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value


def _place(group: str) -> int:
    return _GROUPS.index(group) if group in _GROUPS else len(_GROUPS)
