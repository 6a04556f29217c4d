"""The report as markdown: the verdict on line 1, the same tables, the charts as SVG beside it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from adversity.report.charts.chart_style import svg
from adversity.report.charts.drawings import UNKEPT
from adversity.report.charts.for_paper import CHARTS, vega_lite
from adversity.report.doubts.judgement import verdict, what_was_tested
from adversity.report.sections.all_sections import contents
from adversity.report.sections.summary import caveat_texts, gate_table
from adversity.report.values.blocks import Chart, Code, Table, Text
from adversity.report.words.wording import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from adversity.report.charts.drawings import Drawings
    from adversity.report.values.blocks import Block
    from adversity.report.values.model import Report

__all__ = ["markdown_of", "write_markdown"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&!])")


def write_markdown(report: Report, path: Path, *, drawings: Drawings = UNKEPT) -> int:
    """Write `report.md` and, in `charts/` beside it, an SVG for each chart and all as Vega-Lite.

    Args:
        report: What to say.
        path: The file; its folder is made.
        drawings: Where charts may lie, drawn before.

    Returns:
        The number of bytes of the markdown file.
    """
    gates = gate_table(report)
    body = contents(report)
    warnings = (text for text in caveat_texts(report, void=False) if text.level == "warning")
    first: list[Block] = [*body.story, *caveat_texts(report, void=True), *warnings]
    parts = [verdict(report)[1], _escaped(what_was_tested(report)), *markdown_of(first)]
    for section in body.first:
        parts += [f"## {section.title}", *markdown_of(section.blocks)]
    parts += markdown_of([*([] if gates is None else [gates]), *body.summary])
    for section in body.sections:
        parts.append(f"## {section.title}")
        parts.extend(markdown_of(section.blocks))
    data = ("\n\n".join(parts) + "\n").encode("utf-8", "replace")
    folder = path.parent / "charts"
    folder.mkdir(parents=True, exist_ok=True)
    for chart in body.charts:
        (folder / f"{chart.id}.svg").write_text(
            _drawn_on_white(svg(chart, drawings)), encoding="utf-8"
        )
    charts = [vega_lite(chart) for chart in body.charts]
    text = json.dumps(charts, ensure_ascii=False, allow_nan=False)
    (path.parent / CHARTS).write_bytes(text.encode("utf-8", "replace"))
    path.write_bytes(data)
    return len(data)


def markdown_of(blocks: Sequence[Block]) -> Iterator[str]:
    """Go through blocks as markdown; charts are named by their files."""
    for block in blocks:
        if isinstance(block, Chart):
            alt = _escaped(block.finding).replace("\n", " ")
            yield f"### {_escaped(block.title)}\n\n![{alt}](charts/{block.id}.svg)"
            yield f"_{_escaped(block.caption)}_"
        elif isinstance(block, Table):
            yield _table(block)
        elif isinstance(block, Code):
            yield _code(block)
        else:
            yield _text(block)


def _text(block: Text) -> str:
    lead = block.lead or (block.level.capitalize() + ":" if block.level else "")
    start = f"**{_escaped(lead)}** " if lead else ""
    items = "".join(f"\n- {_escaped(item)}" for item in block.items)
    return start + _escaped(block.text) + (f"\n{items}" if items else "")


def _table(block: Table) -> str:
    rule = ("---:" if column in block.numeric else "---" for column in block.columns)
    lines = [block.columns, tuple(rule), *block.rows]
    written = [
        "| " + " | ".join(cell if index == 1 else _escaped(cell) for cell in line) + " |"
        for index, line in enumerate(lines)
    ]
    return "\n".join(written) + f"\n\n_{_escaped(block.caption)}_"


def _code(block: Code) -> str:
    """Fence text with more backticks than it holds, so that it cannot leave the fence."""
    longest = max((len(run) for run in re.findall(r"`+", block.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{_escaped(block.caption)}:\n\n{fence}\n{plain(block.text).rstrip()}\n{fence}"


def _escaped(text: str) -> str:
    """Return text that markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(plain(text).split()))


def _drawn_on_white(drawing: str) -> str:
    """Give a drawing its own ground: beside markdown nothing adapts its colours."""
    return drawing.replace(">", '><rect width="100%" height="100%" fill="#ffffff"/>', 1) + "\n"
