"""How measures are defined stands in a section of its own, folded, and in words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.contracts.measure_info import MeasureInfo
from adversity.contracts.values import Measure
from adversity.report.sections.all_sections import contents
from adversity.report.sections.conventions import conventions_section
from adversity.report.sections.uncertainty import uncertainty_section
from adversity.report.values.blocks import Table
from adversity.report.values.model import CellResult
from adversity.report.writers.html import write_html

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.report.values.model import Report


def only(report: Report, **measures: Measure) -> Report:
    """Return a report of one step, with these measures alone."""
    step = replace(report.steps[0], cells=(CellResult({}, 5, measures),))
    return replace(report, steps=(step,))


def test_definitions_are_said_once_and_in_words(full_report: Report) -> None:
    """Names without underscores, yes for Python's True; the same one in many cells is one row."""
    how = {"data_range": 1.0, "per_image": True, "cells": {"min_size": 8}}
    psnr = Measure(30.0, 5, convention=how, info=MeasureInfo(title="PSNR", group="quality"))
    report = only(full_report, psnr=psnr)
    twice = replace(report, steps=(report.steps[0], replace(report.steps[0], id="again")))
    section = conventions_section(twice)
    assert section is not None
    assert section.folded
    (table,) = section.blocks
    assert isinstance(table, Table)
    assert table.rows == (("PSNR", "data range: 1.0, per image: yes, cells: (min size: 8)"),)


def test_two_definitions_of_one_measure_are_both_there(full_report: Report) -> None:
    """Whoever compares the two must see it; measures of no section come last."""
    one, two = (Measure(0.1, 5, convention={"bins": bins}) for bins in (10, 15))
    (table,) = conventions_section(only(full_report, a_ece=one, b_ece=two)).blocks  # type: ignore[union-attr]
    assert isinstance(table, Table)
    assert [row[1] for row in table.rows] == ["bins: 10", "bins: 15"]


def test_a_report_without_uncertainty_has_no_section_of_that_name(full_report: Report) -> None:
    """Conventions of other measures do not make one."""
    how = {"data_range": 1.0}
    report = only(full_report, psnr=Measure(30.0, 5, convention=how))
    assert uncertainty_section(report) is None
    assert "conventions" in [part.id for part in contents(report).background]
    assert conventions_section(only(full_report, psnr=Measure(30.0, 5))) is None


def test_perturbations_are_explained_only_where_some_are_shown(
    full_report: Report, tmp_path: Path
) -> None:
    """Without an attack there are none, and no factor that amplifies them."""

    def page(report: Report) -> str:
        write_html(report, tmp_path / "report.html", interactive=False)
        return (tmp_path / "report.html").read_text(encoding="utf-8")

    assert "Perturbations: mid-grey is no change" in page(full_report)
    rows = tuple(replace(row, perturbation=None) for row in full_report.rows)
    plain = page(replace(full_report, rows=rows))
    assert "Display copies" in plain
    assert "mid-grey" not in plain
