"""`adversity plot`: which chart, into which file; without any plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adversity.report import write_json, write_markdown
from adversity.report.charts.for_paper import CHARTS
from adversity_flows.runs.past_runs import PAGE, RESULT, RunFolder
from synthetic_methods import report_of_methods

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Answer


@pytest.fixture
def run(project: Path) -> str:
    """The id of a run with charts."""
    folder = RunFolder(project, "methods")
    folder.make()
    write_json(report_of_methods(), folder.path / RESULT)
    write_markdown(report_of_methods(), folder.path / "report.md")
    (folder.path / PAGE).write_text("page")
    return folder.write_manifest({"pipeline": "methods", "state": "done"}).id


def test_without_a_name_the_charts_are_listed(call: Callable[..., Answer], run: str) -> None:
    """Name and title of each."""
    answer = call("plot", run)
    assert answer.code == 0
    assert answer.out.splitlines()[0].split() == ["chart", "title"]
    assert "accuracy-by-severity  Accuracy by severity" in " ".join(answer.out.split("\n"))


def test_a_chart_is_drawn_in_the_format_of_the_name(
    call: Callable[..., Answer], run: str, project: Path
) -> None:
    """PDF or SVG; the caption that belongs to it is said."""
    for name, start in (("a.pdf", b"%PDF"), ("a.svg", b"<svg")):
        answer = call("plot", run, "--chart", "accuracy-by-severity", "-o", name)
        assert answer.code == 0
        said = f"{name}: Accuracy by severity, run {run}\nHigher is better. Intervals: 95 %"
        assert answer.out.startswith(said)
        assert (project / name).read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--chart", "accuracy-by-sevrity"), "did you mean accuracy-by-severity?"),
        (("--chart", "accuracy-by-severity", "-o", "a.png"), "ends in .pdf or .svg, got a.png"),
        (("--chart", "accuracy-by-severity", "--width", "84"), "a length with its unit"),
        (("--chart", "accuracy-by-severity", "-o", "no/a.pdf"), "cannot write no/a.pdf"),
    ],
    ids=["chart", "form", "width", "file"],
)
def test_wrong_input_is_one_message(
    arguments: tuple[str, ...], words: str, call: Callable[..., Answer], run: str
) -> None:
    """It says what was expected and what there is."""
    answer = call("plot", run, *arguments)
    assert answer.code in (2, 3)
    assert words in " ".join(answer.err.split())


def test_a_run_without_charts_is_named(
    call: Callable[..., Answer], run: str, project: Path
) -> None:
    """As one of an earlier version is; the message says what to do."""
    (project / "runs" / run / CHARTS).unlink()
    answer = call("plot", run)
    assert answer.code == 2
    assert "run the pipeline again" in answer.err
