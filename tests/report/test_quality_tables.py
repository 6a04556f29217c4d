"""Image quality: a row for each of a few cells, a shaded matrix of many."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity import MeasureInfo
from adversity.contracts.values import Measure
from adversity.report import write_html
from adversity.report.sections.quality_tables import each_cell_section, quality_tables
from adversity.report.values.blocks import Table
from adversity.report.values.model import CellResult, Report, StepSummary

if TYPE_CHECKING:
    from pathlib import Path

_INFO = MeasureInfo(title="PSNR", unit="dB", group="quality")


def _worse(names: int, levels: int) -> StepSummary:
    """A degradation whose PSNR is 40 minus ten times its number minus its severity."""
    cells = tuple(
        CellResult(
            {"corruption": f"noise_{name}", "severity": str(level)},
            50,
            {
                "psnr_db": Measure(
                    40.0 - 10 * name - level,
                    50,
                    39.9 - 10 * name - level,
                    unit="dB",
                    high=40.3 - 10 * name - level,
                    info=_INFO,
                )
            },
        )
        for name in range(names)
        for level in range(1, levels + 1)
    )
    return StepSummary(
        "worse",
        "degradation/$corruption",
        "degradation",
        "images",
        ("photos",),
        ("photos", "worse"),
        cells=cells,
    )


def test_many_cells_are_a_matrix(bare_report: Report) -> None:
    """Corruptions down, severities across, each value once; the darkest is the highest."""
    report = replace(bare_report, steps=(_worse(6, 5),))
    (table,) = quality_tables(report)
    assert table.columns == ("PSNR", "severity 1", "2", "3", "4", "5")
    assert [row[0] for row in table.rows] == [f"noise_{name}" for name in range(6)]
    assert table.rows[1][1:3] == ("29.00", "28.00")
    assert (table.shades[0][0], table.shades[5][4]) == (6, 0)
    assert "30 cells, n = 50; intervals of 95 % reach at most 0.20 to a side." in table.caption
    folded = each_cell_section(report)
    assert folded is not None
    assert folded.folded
    (every,) = (block for block in folded.blocks if isinstance(block, Table))
    assert len(every.rows) == 30


def test_few_cells_are_rows(bare_report: Report) -> None:
    """With their intervals, and nothing folded."""
    report = replace(bare_report, steps=(_worse(2, 5),))
    (table,) = quality_tables(report)
    assert len(table.rows) == 10
    assert not table.shades
    assert each_cell_section(report) is None


def test_what_another_step_repeats_stands_once(bare_report: Report) -> None:
    """Three models that see the same images say the same of them."""
    first = _worse(1, 5)
    same = [
        replace(
            first, id=name, kind="classifier", makes="predictions", path=("photos", "worse", name)
        )
        for name in ("net", "other")
    ]
    (table,) = quality_tables(replace(bare_report, steps=(first, *same)))
    assert len(table.rows) == 5
    assert {row[0] for row in table.rows} == {"worse"}


def test_the_page_shades_cells(bare_report: Report, tmp_path: Path) -> None:
    """By classes of the style sheet: the content policy lets no style of an element through."""
    path = tmp_path / "report.html"
    write_html(replace(bare_report, steps=(_worse(6, 5),)), path, interactive=False)
    page = path.read_text(encoding="utf-8")
    assert 'class="num shade-6">39.00' in page
    assert 'class="num shade-0">-15.00' in page
