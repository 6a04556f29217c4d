"""The report: what people look at, made from stored measures and a few images.

A section of another distribution imports `section` and the blocks from here: nothing of the
machinery comes with them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adversity.report.doubts.judgement import exit_code as exit_code
    from adversity.report.doubts.judgement import problems as problems
    from adversity.report.doubts.judgement import verdict as verdict
    from adversity.report.sections.register import section as section
    from adversity.report.sections.story import story_lines as story_lines
    from adversity.report.values.blocks import Chart as Chart
    from adversity.report.values.blocks import Code as Code
    from adversity.report.values.blocks import Section as Section
    from adversity.report.values.blocks import Table as Table
    from adversity.report.values.blocks import Text as Text
    from adversity.report.values.model import Report as Report
    from adversity.report.writers.html import write_html as write_html
    from adversity.report.writers.markdown import write_markdown as write_markdown
    from adversity.report.writers.plots import write_plots as write_plots
    from adversity.report.writers.record import report_json as report_json
    from adversity.report.writers.record import write_json as write_json

_HOMES = {
    "Chart": "values.blocks",
    "Code": "values.blocks",
    "Report": "values.model",
    "Section": "values.blocks",
    "Table": "values.blocks",
    "Text": "values.blocks",
    "section": "sections.register",
    "report_json": "writers.record",
    "story_lines": "sections.story",
    "exit_code": "doubts.judgement",
    "problems": "doubts.judgement",
    "verdict": "doubts.judgement",
    "write_html": "writers.html",
    "write_json": "writers.record",
    "write_markdown": "writers.markdown",
    "write_plots": "writers.plots",
}
__all__ = sorted(_HOMES)  # noqa: PLE0605  (a test proves it equal to the imports)


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'adversity.report' has no attribute {name!r}")
    return getattr(import_module(f"adversity.report.{_HOMES[name]}"), name)
