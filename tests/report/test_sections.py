"""Sections of the report make themselves known, those of other distributions as well."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from adversity.errors import PluginError
from adversity.report import Section, write_html, write_markdown, write_plots
from adversity.report.sections import register
from adversity.report.sections.all_sections import contents

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.report import Report

FOREIGN = """
from adversity.report import Chart, Section, Text, section


@section(order=550)
def certificates(report):
    chart = Chart("radii", "Radii", "One radius.", "n = 1.", ({"x": 1.0, "y": 2.0},), {
        "mark": "bar", "encoding": {"x": {"field": "x"}, "y": {"field": "y"}},
    })
    return Section("certificates", "Certified radii", [Text(f"Of {report.pipeline}."), chart])


@section(order=1450)
def silent(report):
    return None


@section(order=1450)
def appendix(report):
    return Section("appendix", "Appendix", [Text("At the end.")])
"""


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of another distribution with three sections, imported; forgotten afterwards."""
    (tmp_path / "acme_certificates.py").write_text(FOREIGN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(register, "_KNOWN", dict(register._KNOWN))
    monkeypatch.delitem(sys.modules, "acme_certificates", raising=False)
    __import__("acme_certificates")
    monkeypatch.delitem(sys.modules, "acme_certificates")


def test_sections_of_the_package_stand_in_their_order(full_report: Report) -> None:
    """The built-in sections come as they always did, before and behind the images."""
    assert [part.id for part in contents(full_report).evidence] == [
        *("headline", "accuracy", "restoration", "uncertainty", "attacks", "illusion"),
    ]
    behind = ["caveats", "data", "cost", "conventions", "method", "raw"]
    assert [part.id for part in contents(full_report).background] == behind


@pytest.mark.usefixtures("foreign")
def test_section_in_one_file_stands_where_it_says(full_report: Report, tmp_path: Path) -> None:
    """A section that another module registers is in the page, the markdown and the plots."""
    before = [part.id for part in contents(full_report).evidence]
    assert before[before.index("certificates") - 1 :] == ["attacks", "certificates", "illusion"]
    assert [part.id for part in contents(full_report).background][-3:] == [
        "method",
        "appendix",
        "raw",
    ]
    write_html(full_report, tmp_path / "report.html", interactive=False)
    write_markdown(full_report, tmp_path / "report.md")
    written = write_plots(full_report, tmp_path / "plots")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert page.index("Certified radii") < page.index("Appendix")
    assert "Of photos-under-adversity." in page
    assert text.index("## Certified radii") < text.index("## Appendix")
    assert "radii" in {path.stem for path in written}


@pytest.mark.usefixtures("foreign")
def test_a_section_that_fails_is_named(full_report: Report) -> None:
    """Its module and function, its error and what to do; it would fail every report."""

    @register.section(order=560)
    def broken(report: Report) -> None:
        raise KeyError("radius")

    with pytest.raises(
        PluginError, match=r"section .*broken of the report raised KeyError: 'radius'; report it to"
    ):
        contents(full_report)


@pytest.mark.usefixtures("foreign")
def test_no_two_charts_of_a_report_share_a_file(full_report: Report, tmp_path: Path) -> None:
    """One called as a chart of the first screen, or of a section before, gets a number."""
    before = contents(full_report).charts
    first, radii = before[0].id, next(chart for chart in before if chart.id == "radii")

    @register.section(order=1460)
    def same(report: Report) -> Section:
        return Section("same", "The same", [replace(radii, id=first), radii])

    charts = contents(full_report).charts
    ids = [chart.id for chart in charts]
    assert ids == [*(chart.id for chart in before), f"{first}-2", "radii-2"]
    assert len(write_plots(full_report, tmp_path)) == len({*ids}) == len(ids)


@pytest.mark.parametrize(
    "spec",
    [
        {"hconcat": [{"mark": "bar", "encoding": {"x": {"field": "x"}}}]},
        {"layer": [{"mark": "bar"}], "encoding": {"x": {"field": "x"}}},
    ],
    ids=["side by side", "shared channels"],
)
@pytest.mark.usefixtures("foreign")
def test_a_chart_of_another_form_is_a_plot_as_it_is(
    full_report: Report, tmp_path: Path, spec: dict[str, Any]
) -> None:
    """Revisions are not laid over each other in what we cannot read; DVC draws it all the same."""
    radii = next(chart for chart in contents(full_report).charts if chart.id == "radii")

    @register.section(order=1460)
    def other(report: Report) -> Section:
        return Section("other", "Another", [replace(radii, id="another", spec=spec)])

    write_plots(full_report, tmp_path)
    drawn = json.loads((tmp_path / "another.json").read_text(encoding="utf-8"))
    assert spec.items() <= drawn.items()
    assert "values" in drawn["data"]


def test_what_registers_sections_imports_no_machinery() -> None:
    """A plugin may import `adversity.report` for its section: neither torch nor the engine come."""
    code = (
        "import sys; from adversity.report import Chart, Section, Table, Text, section; "
        "heavy = {'torch', 'numpy', 'altair', 'pydantic', 'adversity.engine'} & set(sys.modules); "
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
