"""The charts are Vega-Lite as its schema has it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import altair
import pytest

from adversity import MeasureInfo, Plot
from adversity.contracts.values import Measure
from adversity.report.charts import chart_kinds
from adversity.report.charts.chart_style import SERIES_COLOURS, svg, with_data
from adversity.report.charts.measure_plots import measure_plots
from adversity.report.charts.reliability_chart import reliability
from adversity.report.charts.spreads import boxes
from adversity.report.sections.all_sections import contents
from adversity.report.values.model import CellResult, StepSummary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.report.values.model import Report

TWO, SIX = ("a", "b"), tuple("abcdef")
FORMS = {
    "lines": chart_kinds.lines(TWO, x="severity", y="accuracy", ticks=(0.0, 1.0)),
    "many lines": chart_kinds.lines(SIX, x="severity", y="PSNR", top=None),
    "percentages": chart_kinds.lines(TWO, x="severity", y="recall", top=100.0),
    "points": chart_kinds.points(x="accuracy", rows=3),
    "differences": chart_kinds.points(x="gain", rows=3, top=None, zero=True),
    "limits": chart_kinds.points(x="NLL", rows=2, top=None, limits=True, ends=(0.0, None)),
    "both ends": chart_kinds.points(x="MCC", rows=2, top=None, ends=(-1.0, 1.0)),
    "staircase": chart_kinds.staircase(TWO, x="eps", y="robust accuracy", ticks=(1.0, 4.0)),
    "decades": chart_kinds.staircase(TWO, x="queries", y="success", ticks=(900.0,), log=True),
    "dumbbells": chart_kinds.dumbbells(("grey", "adaptive"), x="robust accuracy", rows=4),
    "reliability": reliability(),
    "reliability with a histogram": reliability(120),
    "boxes": boxes(SIX, x="severity", y="ECE"),
    "boxes of no share": boxes(TWO, x="severity", y="NLL", top=None),
}


def invalid(spec: Mapping[str, Any]) -> str:
    """Return what the schema says against a specification; empty if it says nothing."""
    kind = altair.LayerChart if "layer" in spec else altair.Chart
    # No ground is null for Vega, which the schema does not know in `config`.
    config = {key: value for key, value in spec["config"].items() if value is not None}
    try:
        kind.from_dict({**spec, "config": config}, validate=True)
    except Exception as error:  # noqa: BLE001  (what it says is the answer)
        return str(error)
    return ""


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_valid(form: str) -> None:
    """Each form, with each of its options, is what the schema allows."""
    assert invalid({**FORMS[form], "data": {"values": []}}) == ""


def test_every_chart_of_a_report_is_valid(full_report: Report) -> None:
    """So is each chart of a whole report, bars and histograms among them."""
    assert {chart.id: invalid(with_data(chart)) for chart in contents(full_report).charts} == {
        chart.id: "" for chart in contents(full_report).charts
    }


def test_a_slip_is_seen() -> None:
    """The schema is asked in earnest: it refuses a channel and a mark that do not exist."""
    spec = {**FORMS["reliability"], "data": {"values": []}}
    first = spec["layer"][0]
    for slip in (
        {"mark": {"type": "pont"}},
        {"encoding": {**first["encoding"], "colour": {"value": "red"}}},
    ):
        assert invalid({**spec, "layer": [{**first, **slip}, *spec["layer"][1:]]})


@pytest.mark.parametrize("form", ["lines", "many lines", "staircase", "decades"])
def test_a_series_looks_the_same_in_all_its_marks(form: str) -> None:
    """Colour, dash and shape are given by one list of names, and the legend picks by it."""
    spec = FORMS[form]
    channels = [
        channel
        for layer in spec["layer"]
        for channel in layer["encoding"].values()
        if isinstance(channel, dict) and channel.get("field") == "series"
    ]
    names = [channel["scale"]["domain"] for channel in channels]
    assert names == [names[0]] * len(channels)
    assert all(len(set(map(str, one["scale"]["range"]))) == len(names[0]) for one in channels)
    assert spec["layer"][0]["encoding"]["color"]["scale"]["range"] == list(
        SERIES_COLOURS[: len(names[0])]
    )
    (parameter,) = spec["params"]
    assert parameter["views"] == [spec["layer"][0]["name"]]


def test_bars_of_a_histogram_stand_on_zero(bare_report: Report) -> None:
    """From edge to edge, each as high as its value: 4 over 1 wide, 5 over 2 wide."""
    details = {"plot": Plot("histogram", [0, 1, 3], [4, 5]).as_json()}
    spread = Measure(1.0, 3, details=details).known_as(MeasureInfo(group="uncertainty"))
    cell = CellResult({}, 3, {"spread": spread})
    step = StepSummary("answers", "classifier/net", "classifier", "predictions", cells=(cell,))
    (chart,) = measure_plots(replace(bare_report, steps=(step,)), "uncertainty")
    bars = re.findall(r'"bar" d="M[\d.]+,[\d.]+h([\d.]+)v([\d.]+)h-[\d.]+Z"', svg(chart))
    (narrow, low), (wide, high) = [tuple(map(float, bar)) for bar in bars]
    assert wide == pytest.approx(2 * narrow)
    assert high == pytest.approx(low * 5 / 4)
