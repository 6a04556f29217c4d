"""Tables of figures as text: the words of their entries and captions, CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any, Literal

from adversity.report.values.compared import TOLD_APART
from adversity.report.values.data_versions import version_text
from adversity.report.words.reading import slug
from adversity.report.words.wording import (
    MINUS,
    NOTHING,
    TIMES,
    interval_text,
    number,
    parse_number,
    plain,
    plural,
    value_text,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from adversity.report.tables.choice import Entry, ResultTable

__all__ = [
    "SHOWS",
    "Show",
    "as_csv",
    "as_latex",
    "as_markdown",
    "caption",
    "entry_texts",
    "fitting",
    "marked_text",
]

Show = Literal["spread", "interval", "value"]
SHOWS: tuple[Show, ...] = ("spread", "interval", "value")
BEST, TIED = "★", "†"
VOID = "void"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$&!])")
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "[": "{[}",  # after the end of a row, [ would begin an optional argument
    "]": "{]}",
    MINUS: "$-$",
    "±": r"$\pm$",
    "†": r"$^\dagger$",
    "→": r"$\rightarrow$",
    TIMES: r"$\times$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "∞": r"$\infty$",
    "⟨": r"$\langle$",
    "⟩": r"$\rangle$",
    "—": "---",
}


def fitting(tables: Iterable[ResultTable]) -> Show:
    """Return what stands beside the values: the spread where any is over seeds, else intervals."""
    entries = [entry for table in tables for entry in table.shown]
    return "spread" if any(entry.figure.spread is not None for entry in entries) else "interval"


def entry_texts(entry: Entry | None, show: Show) -> tuple[str, str]:
    """Return a value, and what stands beside it: `0.912`, `± 0.004`; empty for nothing."""
    if entry is None:
        return NOTHING, ""
    figure, mean = entry.figure, entry.figure.mean
    value = f"{VOID} {value_text(mean)}" if entry.void else value_text(mean)
    if show == "interval":
        return value, interval_text(mean)
    if show == "spread" and figure.spread is not None:
        factor = 100 if mean.info.scale == "percent" else 1
        return value, f"± {number(factor * figure.spread, written(mean).unit)}"
    return value, ""


def marked_text(entry: Entry | None, show: Show) -> str:
    """Return an entry as a page without bold type shows it: `0.912 ± 0.004 ★`."""
    text = " ".join(part for part in entry_texts(entry, show) if part)
    sign = {"best": f" {BEST}", "tied": f" {TIED}"}.get(entry.mark if entry else "", "")
    return text + sign


def caption(table: ResultTable, show: Show, *, best: str = BEST) -> str:
    """Say what a table shows: on what, over how many samples and seeds, and what the marks mean.

    Args:
        table: The table.
        show: What stands beside the values.
        best: How the best of a column is marked.
    """
    fixed = ", ".join(
        f"{name} {plain(value)}" for name, value in table.fixed.items() if value != "none"
    )
    shown = table.shown
    samples = _range({entry.figure.mean.n for entry in shown})
    seeds = {entry.figure.seeds for entry in shown}
    over = f" over {_range(seeds)} seeds" if max(seeds, default=1) > 1 else ""
    ways = {"spread": " ± standard deviation" if over else "", "value": ""}
    levels = {entry.figure.mean.level for entry in shown if entry.figure.mean.low is not None}
    level = f"{max(levels):.0%}".replace("%", " %") if levels else ""
    beside = ways.get(show, f" and {level} interval{over and ' (of other seeds)'}" if level else "")
    what = f"{table.title}{f' ({fixed})' if fixed else ''}: "
    parts = [f"{what}{'mean' if over else 'value'}{beside}{over}, n = {samples}."]
    marks = {entry.mark for entry in shown}
    apart = (
        f"paired by image, Holm's correction for {plural(table.comparisons, 'comparison')}, "
        f"{TOLD_APART:.0%}".replace("%", " %")
    )
    if "best" in marks:
        parts.append(f"{best}: better than each other of its column ({apart}).")
    if "tied" in marks:
        parts.append(
            f"{TIED}: not told apart from the best of its column"
            f"{'' if 'best' in marks else f' ({apart})'}."
        )
    unmarked = [
        name
        for at, name in enumerate(table.columns)
        for column in [[row[at] for row in table.entries if row[at] is not None]]
        if len(column) > 1 and not any(entry and entry.mark for entry in column)
    ]
    if unmarked and marks - {""}:
        parts.append(f"Not compared: {', '.join(map(plain, unmarked))}.")
    if any(entry.void for entry in shown):
        parts.append(f"{VOID}: not to be believed, the report says why.")
    versions = dict.fromkeys(version_text(entry.data) for entry in shown if entry.data)
    if versions:
        parts.append(f"Data: {', '.join(map(plain, versions))}.")
    return " ".join(parts)


def as_markdown(table: ResultTable, show: Show) -> str:
    """Return a table for a README or a pull request."""
    heads = [*table.heads, *table.columns]
    rule = ["---"] * len(table.heads) + ["---:"] * len(table.columns)
    lines = ["| " + " | ".join(map(_marked_down, heads)) + " |", "| " + " | ".join(rule) + " |"]
    for names, entries in zip(table.rows, table.entries, strict=True):
        cells = [*map(_marked_down, names), *(_in_markdown(entry, show) for entry in entries)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", _marked_down(caption(table, show, best="Bold"))]) + "\n"


def as_latex(table: ResultTable, show: Show) -> str:
    r"""Return a `table` with rules of the package booktabs, for `\input`."""
    columns = "l" * len(table.heads) + "r" * len(table.columns)
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{_in_latex(caption(table, show, best='Bold'))}}}",
        rf"  \label{{tab:{slug(table.id)}}}",
        rf"  \begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        _latex_row([*map(_in_latex, (*table.heads, *table.columns))]),
        r"    \midrule",
        *(
            _latex_row([*map(_in_latex, names), *(_latex_entry(entry, show) for entry in entries)])
            for names, entries in zip(table.rows, table.entries, strict=True)
        ),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def as_csv(tables: Iterable[ResultTable]) -> str:
    """Return a line for each figure, for other programs: numbers as numbers, shares in [0, 1]."""
    entries = [entry for table in tables for entry in table.shown]
    facets = [*dict.fromkeys(name for entry in entries for name in entry.figure.facets)]
    tail = ("value", "low", "high", "level", "interval_by", "n", "seeds", "spread")
    versions = ("data_revision", "data_content")
    heads = ("measure", "step", *facets, *tail, "unit", "better", "mark", "void", *versions)
    buffer = io.StringIO()
    lines = csv.writer(buffer, lineterminator="\n")
    lines.writerow(heads)
    for entry in entries:
        figure, mean = entry.figure, entry.figure.mean
        known = (_number(figure.facets.get(name, "")) for name in facets)
        level = mean.level if mean.low is not None else ""
        numbers = (mean.value, mean.low, mean.high, level, mean.method, mean.n, figure.seeds)
        rest = (figure.spread, mean.unit, mean.better, entry.mark, entry.void)
        data = entry.data
        version = (data.facts.get("revision"), data.content) if data else (None, None)
        lines.writerow(
            "" if cell is None else cell
            for cell in (figure.measure, figure.step, *known, *numbers, *rest, *version)
        )
    return buffer.getvalue()


def _range(values: set[int]) -> str:
    low, high = min(values, default=0), max(values, default=0)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _number(value: str) -> Any:
    """Return a matrix value as a number if it is one: `4/255` as 0.0157."""
    found = parse_number(value)
    if found is None:
        return plain(value)
    return int(found) if found == int(found) else found


def _marked_down(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", " ".join(plain(text).split()))


def _in_markdown(entry: Entry | None, show: Show) -> str:
    value, beside = map(_marked_down, entry_texts(entry, show))
    return _assembled(f"**{value}**" if _is(entry, "best") else value, beside, entry, TIED)


def _in_latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in " ".join(plain(text).split()))


def _latex_entry(entry: Entry | None, show: Show) -> str:
    value, beside = map(_in_latex, entry_texts(entry, show))
    bold = rf"\textbf{{{value}}}" if _is(entry, "best") else value
    return _assembled(bold, beside and rf"{{\small {beside}}}", entry, _LATEX[TIED])


def _assembled(value: str, beside: str, entry: Entry | None, sign: str) -> str:
    return " ".join(part for part in (value, beside) if part) + (sign if _is(entry, "tied") else "")


def _is(entry: Entry | None, mark: str) -> bool:
    return entry is not None and entry.mark == mark


def _latex_row(cells: Sequence[str]) -> str:
    return "    " + " & ".join(cells) + r" \\"
