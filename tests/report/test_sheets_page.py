"""Sheets on the page: one image through everything, at a glance and whole, within the budget."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from adversity.report import report_json, write_html
from adversity.report.sections.story import hardest_cell
from adversity.report.values.sheets import Seen, Sheet, SheetRow

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.report.values.model import Report

RNG = np.random.default_rng(5)


def seen(severity: str, role: str, state: str | None, size: int = 24, **more: object) -> Seen:
    image = RNG.random((size, size, 3)).astype(np.float32)
    cell = {"severity": severity} if severity else {}
    facts = {"prediction": "cat", "confidence": 0.5, "right": 1, "answers": 1, **more}
    return Seen(cell, role, image, state=state, **facts)  # type: ignore[arg-type]


def sheet(name: str, size: int = 24) -> Sheet:
    """The photo, five dark ones and five brightened ones, one cell left out."""
    states = ("right", "right", "flipped", "wrong", "flipped")
    dark = tuple(seen(str(at), "degraded", states[at - 1], size) for at in range(1, 6))
    several = {"right": 2, "answers": 3, "confidence": None}
    lime = tuple(seen(str(at), "restored", None, size, **several) for at in range(1, 6))
    clean = (seen("", "clean", "right", size),)
    rows = (SheetRow("photos", clean), SheetRow("dark", dark, 1), SheetRow("enhanced", lime))
    return Sheet("photos", name, "cat", rows)


def written(report: Report, path: Path, **options: int) -> str:
    write_html(report, path, interactive=False, **options)
    return path.read_text(encoding="utf-8")


def test_a_sheet_shows_every_step_in_every_cell(full_report: Report, tmp_path: Path) -> None:
    """Eleven images with what they are and what was said; the cell that is left out is counted."""
    text = html.unescape(
        written(replace(full_report, sheets=(sheet("a.jpg"),)), tmp_path / "r.html")
    )
    body = re.search(r'<article class="sheet".*?</article>', text, re.DOTALL)
    assert body is not None
    assert body[0].count("<img ") == 11
    alts = re.findall(r'alt="([^"]*)"', body[0])
    assert alts[0] == "clean (photos), cat 0.50, is cat, right"
    assert "degraded (dark), severity = 3, cat 0.50, is cat, flipped" in alts
    assert "restored (enhanced), severity = 5, right in 2 of 3 cells, is cat" in alts
    assert "1 cell left out" in body[0]
    assert "low_light" in body[0]


def test_the_first_screen_shows_the_cell_of_the_story(full_report: Report, tmp_path: Path) -> None:
    """One image a step, between gates and sections: at the hardest severity, which the story tells."""
    hard = hardest_cell(full_report)
    assert hard["severity"] == "5"
    text = written(replace(full_report, sheets=(sheet("a.jpg"),)), tmp_path / "r.html")
    glance = text.split('id="glance"')[1].split("</section>")[0]
    assert re.findall(r"severity = (\d)", re.sub(r'alt="[^"]*"', "", glance)) == ["5", "5"]
    assert glance.count("<img ") == 3
    assert text.index('id="gates"') < text.index('id="glance"') < text.index("<nav")


def test_sheets_take_half_of_the_room_at_most(full_report: Report, tmp_path: Path) -> None:
    """Images shrink, then samples go from the end, and the page says how many."""
    sheets = tuple(sheet(f"{index}.jpg", 224) for index in range(4))
    report = replace(full_report, sheets=sheets)
    text = written(report, tmp_path / "small.html", budget=700_000)
    assert len(text.encode()) <= 700_000
    shown = text.count('<article class="sheet"')
    assert 0 < shown < 4
    assert f"{4 - shown} sample" in text
    assert '<article class="sample' in text, "rows have their half"
    whole = written(report, tmp_path / "large.html", budget=8_000_000)
    assert whole.count('<article class="sheet"') == 4


def test_pixels_stay_out_of_the_record(full_report: Report) -> None:
    """`sheets` in the JSON says what was shown and answered, without arrays."""
    record = report_json(replace(full_report, sheets=(sheet("a.jpg"),)))
    first = record["sheets"][0]["rows"][1]["seen"][0]
    assert "image" not in first
    assert (first["cell"], first["state"]) == ({"severity": "1"}, "right")


@pytest.mark.parametrize("name", ['"><img src=x onerror=alert(1)>', "wolf\u202egnp.exe"])
def test_hostile_names_stay_text(full_report: Report, tmp_path: Path, name: str) -> None:
    """Ids, labels and steps of a sheet are another's words."""
    own = sheet(name)
    rows = tuple(replace(row, step=f"{row.step}{name}") for row in own.rows)
    report = replace(full_report, sheets=(replace(own, label=name, data=name, rows=rows),))
    text = written(report, tmp_path / "r.html")
    assert "<img src=x" not in text
    assert "\u202e" not in text
