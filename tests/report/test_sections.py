"""Sections of the report make themselves known, those of other distributions as well."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from adversity.report import write_html, write_markdown, write_plots
from adversity.report.sections import register
from adversity.report.sections.all_sections import background, evidence

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
    assert [part.id for part in evidence(full_report)] == [
        *("headline", "accuracy", "restoration", "uncertainty", "attacks", "illusion"),
    ]
    behind = ["caveats", "data", "cost", "method", "raw"]
    assert [part.id for part in background(full_report)] == behind


@pytest.mark.usefixtures("foreign")
def test_section_in_one_file_stands_where_it_says(full_report: Report, tmp_path: Path) -> None:
    """A section that another module registers is in the page, the markdown and the plots."""
    before = [part.id for part in evidence(full_report)]
    assert before[before.index("certificates") - 1 :] == ["attacks", "certificates", "illusion"]
    assert [part.id for part in background(full_report)][-3:] == ["method", "appendix", "raw"]
    write_html(full_report, tmp_path / "report.html", interactive=False)
    write_markdown(full_report, tmp_path / "report.md")
    written = write_plots(full_report, tmp_path / "plots")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert page.index("Certified radii") < page.index("Appendix")
    assert "Of photos-under-adversity." in page
    assert text.index("## Certified radii") < text.index("## Appendix")
    assert "radii" in {path.stem for path in written}


def test_what_registers_sections_imports_no_machinery() -> None:
    """A plugin may import `adversity.report` for its section: neither torch nor the engine come."""
    code = (
        "import sys; from adversity.report import Chart, Section, Table, Text, section; "
        "heavy = {'torch', 'numpy', 'altair', 'pydantic', 'adversity.engine'} & set(sys.modules); "
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
