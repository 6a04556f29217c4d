"""The section on defences: what an attacker who knows them leaves of what they seemed to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.charts.caption_words import intervals_in_words
from adversity.report.charts.chart_kinds import dumbbells
from adversity.report.charts.forest import row_chart
from adversity.report.sections.register import section
from adversity.report.values.blocks import Block, Chart, Section, Table, Text
from adversity.report.words.reading import record, slug
from adversity.report.words.wording import (
    NOTHING,
    cell_text,
    interval_text,
    number,
    plain,
    value_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.report.values.model import DefenceGap, Report

__all__ = ["defence_gap_section"]

_LONGEST = 16
"""More rows than this are split into a chart for each defence."""
_ENDS = ("the attacker does not know the defence (grey-box)", "the attacker knows it (adaptive)")


@section(order=600)
def defence_gap_section(report: Report) -> Section | None:
    """Show for each defence what withstood an attacker who knows it and one who does not."""
    gaps = report.illusions  # the key of the JSON
    if not gaps:
        return None
    blocks: list[Block] = [
        Text(
            "A defence is easily believed when the attacker does not know it: the images are "
            "computed on the classifier alone and only then pass the defence (grey-box). But "
            "attackers learn what they are up against, and then they compute through the defence "
            "(adaptive). Here the same method attacked the same images within the same budget "
            "both ways. What withstood only the attacker who did not know was never robustness."
        ),
        Text(_finding(report, gaps), lead="Here."),
        *_charts(report, gaps),
        _table(report, gaps),
    ]
    return Section("illusion", "What a defence loses to an attacker who knows it", blocks)


def _finding(report: Report, gaps: Sequence[DefenceGap]) -> str:
    """Say which defence lost most, and where the adaptive attack was the weaker one."""
    worst = max(gaps, key=lambda item: item.difference.value)
    words = [
        f"The most was lost by {_label(report, worst)}: {number(worst.seeming.value)} of the "
        f"images seem safe, {number(worst.actual.value)} are left when the attacker knows; "
        f"the difference, {number(worst.difference.value)}, only seemed to be robustness."
        if worst.difference.value > 0
        else "No defence lost anything to the attacker who knows it."
    ]
    weaker = [item for item in gaps if item.difference.value < 0]
    if weaker:
        names = "; ".join(_label(report, item) for item in weaker)
        words.append(
            f"Below zero, so the attack through the defence was the weaker one: {names}. There its "
            "gradient says too little, and only what withstood both may be claimed."
        )
    return plain(" ".join(words))


def _charts(report: Report, gaps: Sequence[DefenceGap]) -> Iterator[Chart]:
    """Draw both shares of every row, and their difference with its interval."""
    defences = dict.fromkeys(item.defence for item in gaps)
    groups = (
        [[item for item in gaps if item.defence == name] for name in defences]
        if len(gaps) > _LONGEST
        else [list(gaps)]
    )
    for group in groups:
        of = f" of {plain(_defence(report, group[0]))}" if len(groups) > 1 else ""
        knows = plain(_defence(report, group[0])) if of else "the defence"
        key = slug("-".join(("illusion", *(group[0].defence if of else ()))))
        yield _pairs(report, group, key, f"What withstands the attack{of}")
        rows = [(_label(report, item), item.difference) for item in group]
        yield row_chart(
            f"{key}-difference",
            f"What is lost once the attacker knows {knows}",
            rows,
            top=None,
            zero=True,
            axis="share lost once the attacker knows the defence",
        )


def _pairs(report: Report, group: Sequence[DefenceGap], key: str, title: str) -> Chart:
    records = tuple(
        record(measure, row=index, label=_label(report, item), series=end)
        for index, item in enumerate(group)
        for end, measure in zip(_ENDS, (item.seeming, item.actual), strict=True)
    )
    words = "; ".join(
        f"{_label(report, item)}: {number(item.seeming.value)} while the attacker does not know "
        f"the defence, {number(item.actual.value)} when it does"
        for item in group
    )
    counts = sorted({item.difference.n for item in group})
    n = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    intervals = intervals_in_words([item.seeming for item in group])
    return Chart(
        id=key,
        title=title,
        finding=plain(f"{title}. {words}."),
        caption=f"The grey bar between the two is the gap. {intervals} n = {n} for each row.",
        records=records,
        spec=dumbbells(_ENDS, x="share of images that withstand the attack", rows=len(group)),
        heads={"label": "defence", "series": "attacker", "value": "robust accuracy"},
    )


def _defence(report: Report, item: DefenceGap) -> str:
    """Name a defence: its steps with their plugins."""
    uses = {step.id: step.uses.partition("/")[2] for step in report.steps}
    names = [f"{name} ({uses[name]})" if uses.get(name) else name for name in item.defence]
    return " → ".join(names)


def _label(report: Report, item: DefenceGap) -> str:
    attacks = {other.attack for other in report.illusions}
    by = f"by {item.attack}" if len(attacks) > 1 else ""
    parts = (_defence(report, item), by, cell_text(item.cell))
    return plain(", ".join(part for part in parts if part))


def _table(report: Report, gaps: Sequence[DefenceGap]) -> Table:
    heads = ("not knowing", "knowing", "gap", "fell", "held", "both", "p", "n")
    rows = tuple(
        (
            _label(report, item),
            *(
                f"{value_text(measure)} {interval_text(measure)}"
                for measure in (item.seeming, item.actual, item.difference)
            ),
            f"{item.fell:,}",
            f"{item.held:,}",
            value_text(item.both),
            NOTHING if item.p_value is None else f"{item.p_value:.2g}",
            f"{item.difference.n:,}",
        )
        for item in gaps
    )
    return Table(
        "illusions",
        "Robust accuracy where the attacker does not know the defence and where it does; their "
        "difference on the same images is the gap. Fell: images that only the attacker "
        "who knows could turn; held: those that only the other could. Both: the share that "
        "withstood both, the most that may be claimed; a stronger attack may leave less. "
        "p: exact McNemar test that fell and held are equally likely; several rows are several "
        "tests.",
        ("defence", *heads),
        rows,
        numeric=frozenset(heads),
    )
