"""Plot files that `dvc plots` can show: a CSV with plain columns and a template for each chart.

A template is Vega-Lite with DVC's anchor where the data go. Its place is `<folder>/<chart>.json`
beside `<folder>/<chart>.csv`, so that `dvc.yaml` can name both:

    plots:
      - accuracy-by-severity.csv: {template: accuracy-by-severity.json}
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from adversity.report.charts.revisions import over_each_other
from adversity.report.sections.all_sections import contents

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.report.values.blocks import Chart
    from adversity.report.values.model import Report

__all__ = ["write_plots"]

_ANCHOR = "<DVC_METRIC_DATA>"


def write_plots(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write a data file and a template for each chart.

    Returns:
        The CSV files, in the order of the report.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for chart in contents(report).charts:
        path = folder / f"{chart.id}.csv"
        path.write_text(_csv(chart), encoding="utf-8", newline="")
        text = json.dumps(_template(chart), indent=1, sort_keys=True) + "\n"
        path.with_suffix(".json").write_text(text, encoding="utf-8")
        written.append(path)
    return tuple(written)


def _template(chart: Chart) -> dict[str, Any]:
    """Return the chart with all revisions over each other, as `dvc plots diff` compares them.

    A chart of another form, which a section of someone else may bring, is drawn as it is.
    """
    views = chart.spec.get("layer", [chart.spec])
    ours = all("mark" in view and "encoding" in view for view in views)
    drawn = over_each_other(chart.spec) if ours else dict(chart.spec)
    config = {"config": chart.spec["config"]} if "config" in chart.spec else {}
    return drawn | config | {"title": chart.title, "data": _data(chart)}


def _data(chart: Chart) -> dict[str, Any]:
    """Return the template's data: DVC puts CSV cells in as text, so numbers are parsed."""
    numbers = {
        column: "number"
        for column in chart.columns
        if any(isinstance(record.get(column), int | float) for record in chart.records)
    }
    return {"values": _ANCHOR, "format": {"type": "json", "parse": numbers}}


def _csv(chart: Chart) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, chart.columns, lineterminator="\n")
    writer.writeheader()
    for record in chart.records:
        writer.writerow({key: "" if value is None else value for key, value in record.items()})
    return buffer.getvalue()
