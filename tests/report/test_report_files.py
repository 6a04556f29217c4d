"""JSON, markdown and plot files: complete, deterministic, safe."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import adversity.report
from adversity.errors import PluginError
from adversity.report import report_json, write_json, write_markdown, write_plots
from adversity.report.sections.all_sections import contents
from adversity.report.writers.record import SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.report.values.model import Report


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_files_are_the_same_twice(full_report: Report, tmp_path: Path) -> None:
    """The same report gives the same bytes in every file."""
    for name in ("one", "two"):
        write_json(full_report, tmp_path / name / "report.json")
        write_markdown(full_report, tmp_path / name / "report.md")
        write_plots(full_report, tmp_path / name / "plots")
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_json_holds_every_measure_and_no_pixel(full_report: Report) -> None:
    """The record has schema, gates, measures with intervals and n; images without arrays."""
    record = report_json(full_report)
    assert record["schema"] == SCHEMA
    cells = [cell for step in record["steps"] for cell in step["cells"]]
    for cell in cells:
        for measure in cell["measures"].values():
            assert {"value", "n", "low", "high", "level", "method"} <= measure.keys()
    assert len(cells) == sum(len(step.cells) for step in full_report.steps)
    assert "image" not in record["rows"][0]["images"][0]
    assert "perturbation" not in record["rows"][0]


def test_json_is_sorted_and_takes_numpy_numbers(full_report: Report, tmp_path: Path) -> None:
    """Keys are sorted; a NumPy number in parameters or facts is a number."""
    data = replace(full_report.data[0], facts={"mean": np.float32(0.5), "of": np.arange(2)})
    path = tmp_path / "report.json"
    size = write_json(replace(full_report, data=(data,)), path)
    text = path.read_text(encoding="utf-8")
    record = json.loads(text)
    assert size == path.stat().st_size
    assert list(record) == sorted(record)
    assert record["data"][0]["facts"] == {"mean": 0.5, "of": [0, 1]}


def test_json_refuses_what_is_not_a_number(full_report: Report, tmp_path: Path) -> None:
    """Infinity is written as text, since JSON has none; NaN is refused with a message."""
    endless = replace(full_report.data[0], facts={"psnr": float("inf")})
    record = report_json(replace(full_report, data=(endless,)))
    assert record["data"][0]["facts"] == {"psnr": "inf"}
    data = replace(full_report.data[0], facts={"mean": float("nan")})
    with pytest.raises(PluginError, match="got NaN"):
        write_json(replace(full_report, data=(data,)), tmp_path / "report.json")


def test_markdown_has_tables_and_its_charts(full_report: Report, tmp_path: Path) -> None:
    """Gates are a table, every chart is a file that the text refers to."""
    size = write_markdown(full_report, tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert size == (tmp_path / "report.md").stat().st_size
    assert "| ✗ FAIL | attacked.robust\\_accuracy" in text
    drawn = {path.name for path in (tmp_path / "charts").iterdir()}
    assert drawn == {f"{chart.id}.svg" for chart in contents(full_report).charts}
    assert all(f"(charts/{name})" in text for name in drawn)


def test_hostile_text_stays_text_in_markdown(hostile_report: Report, tmp_path: Path) -> None:
    """No tag, no broken table row, no way out of a code fence, no hidden letter."""
    write_markdown(hostile_report, tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    outside = "\n".join(text.split("````")[::2])
    assert "<img" not in outside.replace("\\<", "")
    assert "<script" not in outside.replace("\\<", "")
    assert "\u202e" not in text
    gate = next(line for line in text.splitlines() if line.startswith("| ? UNDECIDED"))
    assert gate.replace("\\|", "").count("|") == 8
    for path in (tmp_path / "charts").iterdir():
        drawing = path.read_text(encoding="utf-8")
        assert "<script" not in drawing
        assert "<img" not in drawing


def test_plots_are_plain_columns_with_a_template(full_report: Report, tmp_path: Path) -> None:
    """Each chart has a CSV with one row a mark and a template with DVC's anchor."""
    written = write_plots(full_report, tmp_path / "plots")
    charts = {chart.id: chart for chart in contents(full_report).charts}
    assert [path.stem for path in written] == list(charts)
    for path in written:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        template = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        assert len(rows) == len(charts[path.stem].records)
        assert template["data"]["values"] == "<DVC_METRIC_DATA>"


def test_text_cells_are_drawn_as_numbers(full_report: Report, tmp_path: Path) -> None:
    """A template filled with the CSV's text draws the same marks as the page's numbers do."""
    import vl_convert

    write_plots(full_report, tmp_path)
    for chart in contents(full_report).charts[:4]:
        template, rows = template_and_rows(tmp_path, chart.id)
        template["data"]["values"] = [row | {"rev": "workspace"} for row in rows]
        numbers = [record | {"rev": "workspace"} for record in chart.records]
        drawn = [vl_convert.vegalite_to_svg(template | {"data": {"values": numbers}})]
        drawn.append(vl_convert.vegalite_to_svg(template))
        places = [re.findall(r' d="([^"]+)"', text) for text in drawn]
        assert places[0] == places[1]


@pytest.mark.slow
def test_plots_of_two_revisions_lie_over_each_other(full_report: Report, tmp_path: Path) -> None:
    """Filled with the rows of two revisions, one drawing has the marks of both, and says whose.

    Axes, names and the legend of the series are those of one revision alone, each once.
    """
    import vl_convert

    write_plots(full_report, tmp_path)
    for chart in contents(full_report).charts:
        template, rows = template_and_rows(tmp_path, chart.id)
        drawn, marks = [], []
        for revisions in (["workspace"], ["HEAD", "workspace"]):
            filled = [row | {"rev": revision} for revision in revisions for row in rows]
            template["data"]["values"] = filled
            drawn.append(vl_convert.vegalite_to_svg(template))
            assert all(f">{revision}<" in drawn[-1] for revision in revisions)
            marks.append(len(re.findall(r'aria-roledescription="(?:point|bar)"', drawn[-1])))
        assert marks[1] == 2 * marks[0] > 0
        texts = [Counter(re.findall(r"<text[^>]*>([^<]*)</text>", text)) for text in drawn]
        assert texts[1] - texts[0] == Counter(["HEAD"]), chart.id
        assert not texts[0] - texts[1], chart.id


@pytest.mark.slow
def test_what_is_there_now_is_drawn_in_full(full_report: Report, tmp_path: Path) -> None:
    """The working folder wherever DVC puts it (it puts it first), else the last one named."""
    import vl_convert

    write_plots(full_report, tmp_path)
    template, rows = template_and_rows(tmp_path, "accuracy-by-severity")
    legends = []
    for revisions in (["workspace", "HEAD"], ["HEAD", "workspace"], ["v1", "v2"], ["v2", "v1"]):
        filled = [row | {"rev": revision} for revision in revisions for row in rows]
        template["data"]["values"] = filled
        drawn = vl_convert.vegalite_to_svg(template)
        texts = re.findall(r"<text[^>]*>([^<]*)</text>", drawn)
        legends.append([text for text in texts if text in revisions])
    assert legends == [["workspace", "HEAD"]] * 2 + [["v2", "v1"], ["v1", "v2"]]


@pytest.mark.slow
def test_what_one_revision_alone_has_is_drawn(full_report: Report, tmp_path: Path) -> None:
    """Series, rows and bars of other names in each revision all have marks, and rows their names.

    A colour scale with a fixed domain would leave a mark without a colour, and going by the numbers
    of the rows would put one row in the place of another.
    """
    import vl_convert

    write_plots(full_report, tmp_path)
    for chart in contents(full_report).charts:
        template, rows = template_and_rows(tmp_path, chart.id)
        key = next((name for name in ("label", "series", "name") if name in chart.columns), None)
        if key is None:
            continue
        old = [row | {"rev": "HEAD"} for row in rows]
        new = [{**row, key: f"new {row[key]}", "rev": "workspace"} for row in rows]
        template["data"]["values"] = [*old, *new]
        drawn = vl_convert.vegalite_to_svg(template)
        texts = {unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", drawn)}
        assert texts >= {row[key] for row in (*old, *new)}, chart.id
        marks = re.findall(r'<path aria-label="[^"]*" role="graphics-symbol"[^>]*>', drawn)
        coloured = [mark for mark in marks if re.search(r'(?:fill|stroke)="(?:#|rgb)', mark)]
        assert len(coloured) == len(marks) > 0, chart.id


def template_and_rows(folder: Path, chart: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Read a chart's template and its rows, as text."""
    with (folder / f"{chart}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return json.loads((folder / f"{chart}.json").read_text(encoding="utf-8")), rows


def test_chart_names_are_safe_and_unique(hostile_report: Report) -> None:
    """Chart ids are file names: letters, digits and dashes, each once."""
    names = [chart.id for chart in contents(hostile_report).charts]
    assert len(names) == len(set(names))
    assert all(name.replace("-", "").isalnum() and name.isascii() for name in names)


def test_public_names() -> None:
    """What the package says it exports is there, and nothing else is promised."""
    for name in adversity.report.__all__:
        assert callable(getattr(adversity.report, name))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        adversity.report.nonsense  # noqa: B018
