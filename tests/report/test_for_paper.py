"""Charts for a paper: the size that was asked for, measured in the files that come out."""

from __future__ import annotations

import json
import re
import zlib
from typing import TYPE_CHECKING

import pytest

from adversity.errors import InputError
from adversity.report.charts.chart_kinds import lines
from adversity.report.charts.for_paper import CHARTS, drawn_for_paper, points_of, vega_lite
from adversity.report.sections.all_sections import contents
from adversity.report.writers.markdown import write_markdown
from synthetic_methods import report_of_methods

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

FONT = re.compile(r'font-size="([\d.]+)px"')


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    """Accuracy by severity, as it lies in a run."""
    charts = {chart.id: chart for chart in contents(report_of_methods()).charts}
    spec: dict[str, Any] = json.loads(json.dumps(vega_lite(charts["accuracy-by-severity"])))
    return spec


@pytest.mark.parametrize(
    ("length", "points"),
    [("1in", 72.0), ("2.54cm", 72.0), ("25.4 mm", 72.0), ("100pt", 100.0), ("96px", 72.0)],
)
def test_lengths_are_points_of_an_inch(length: str, points: float) -> None:
    """72 to the inch, and 96 pixels."""
    assert points_of(length) == pytest.approx(points, abs=1e-9)


@pytest.mark.parametrize("length", ["84", "84 miles", "-3mm", "1mm", "9in9", "900in"])
def test_what_is_no_length_is_refused(length: str) -> None:
    """The message says what a length is, or between what it must lie."""
    with pytest.raises(InputError, match="expected a length"):
        points_of(length)


@pytest.mark.parametrize(("width", "size"), [(240.0, 8.0), (500.0, 11.0)])
def test_an_svg_is_as_wide_and_its_text_as_large_as_asked(
    spec: dict[str, Any], width: float, size: float
) -> None:
    """The width in points is that of the file; the font is that of the drawing times its scale."""
    text = drawn_for_paper(spec, form="svg", width=width, font_size=size).decode()
    head = text[: text.index(">")]
    [wide, high] = re.findall(r'\b(?:width|height)="([\d.]+)pt"', head)
    box = [float(one) for one in re.findall(r'viewBox="([^"]+)"', head)[0].split()]
    # The renderer writes the size with three decimals.
    assert float(wide) == pytest.approx(width, abs=1e-3)
    assert float(high) / float(wide) == pytest.approx(box[3] / box[2], rel=1e-4)
    fonts = [float(one) * float(wide) / box[2] for one in FONT.findall(text)]
    assert fonts
    assert fonts == pytest.approx([size] * len(fonts), rel=1e-4)


def test_a_pdf_is_as_wide_as_asked_and_holds_its_fonts(spec: dict[str, Any]) -> None:
    """The page's box says points; a journal refuses a PDF whose fonts are missing."""
    data = drawn_for_paper(spec, form="pdf", width=240.0, font_size=8.0, height=180.0)
    streams = [zlib.decompress(part) for part in _streams(data)]
    text = b"\n".join([data, *streams])
    box = re.search(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)", text)
    assert box is not None
    assert [float(one) for one in box.groups()] == pytest.approx([240.0, 180.0], abs=0.01)
    assert b"/FontFile" in text


def _streams(data: bytes) -> list[bytes]:
    found = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    return [part for part in found if part[:1] == b"\x78"]


def test_a_font_of_the_paper_is_taken(spec: dict[str, Any]) -> None:
    """The name stands in the drawing."""
    text = drawn_for_paper(spec, form="svg", width=240, font_size=8, font="Liberation Serif")
    assert b'font-family="Liberation Serif"' in text


@pytest.mark.parametrize(
    ("width", "size", "words"),
    [(240.0, 1.0, "font size from 3 to 72"), (80.0, 12.0, "at least 138pt, got 80pt")],
)
def test_what_cannot_be_drawn_is_refused(
    spec: dict[str, Any], width: float, size: float, words: str
) -> None:
    """Text that no axis has room for is not drawn over itself."""
    with pytest.raises(InputError, match=words):
        drawn_for_paper(spec, form="svg", width=width, font_size=size)


def test_a_run_keeps_its_charts_as_vega_lite(tmp_path: Path) -> None:
    """Every chart of the page, with its records and its words, in the page's order."""
    report = report_of_methods()
    write_markdown(report, tmp_path / "report.md")
    kept = json.loads((tmp_path / CHARTS).read_text(encoding="utf-8"))
    charts = contents(report).charts
    assert [one["usermeta"]["adversity"]["id"] for one in kept] == [chart.id for chart in charts]
    assert [len(one["data"]["values"]) for one in kept] == [len(c.records) for c in charts]


@pytest.mark.parametrize("count", [2, 6])
def test_the_axis_has_its_title_with_few_curves_and_with_many(count: int) -> None:
    """Many have whiskers alone, since bands would hide each other: the axis says the same."""
    names = tuple(f"s{index}" for index in range(count))
    layers = lines(names, x="severity", y="accuracy")["layer"]
    kinds = [layer["mark"]["type"] for layer in layers]
    assert kinds == [*(["area"] if count == 2 else []), "rule", "line", "point"]
    assert {layer["encoding"]["y"]["title"] for layer in layers} == {"accuracy"}
