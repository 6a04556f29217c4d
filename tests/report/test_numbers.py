"""Numbers that were estimated: their section, the line on what was tested, and few samples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adversity.contracts import Measure, MeasureInfo
from adversity.report.doubts.caveats import caveats
from adversity.report.doubts.judgement import what_was_tested
from adversity.report.sections.data_sets import data_section
from adversity.report.sections.further_measures import further_section
from adversity.report.sections.numbers import numbers_section
from adversity.report.values.blocks import Chart, Table, Text
from adversity.report.values.model import CellResult, DataSummary, ErrorGain, StepSummary

if TYPE_CHECKING:
    from adversity.report.values.model import Report

TURNED = DataSummary("turned", "dataset/turned", 50, 0, target_names=("angle_deg", "tilt_deg"))


def estimated(report: Report) -> Report:
    """Return a report of one step that estimates, in two cells, on 50 samples."""
    info = MeasureInfo(low=0.0, title="RMSE", better="lower", group="regression", headline=1)
    cells = tuple(
        CellResult({"severity": at}, 50, {"rmse": Measure(value, 50, info=info)})
        for at, value in (("1", 4.0), ("3", 6.5))
    )
    step = StepSummary(
        "angle",
        "regressor/line",
        "regressor",
        "numbers",
        cells=cells,
        path=("turned", "angle"),
        plugin={"name": "line"},
    )
    return replace(report, data=(TURNED,), steps=(step,), matrix={}, gates=(), caveats=())


def test_errors_have_a_section_of_their_own(bare_report: Report) -> None:
    """It says what is estimated and draws each measure; further measures leave it out."""
    report = estimated(bare_report)
    section = numbers_section(report)
    assert section is not None
    text, chart = section.blocks
    assert isinstance(text, Text)
    assert text.text == "What is estimated: angle_deg, tilt_deg."
    assert isinstance(chart, Chart)
    assert [record["value"] for record in chart.records] == [4.0, 6.5]
    assert further_section(report) is None
    assert numbers_section(bare_report) is None


def test_the_page_says_what_was_estimated(bare_report: Report) -> None:
    """The numbers stand where else the classes are counted."""
    report = estimated(bare_report)
    assert what_was_tested(report).startswith(
        "line on turned (dataset/turned, n = 50, angle_deg, tilt_deg)"
    )
    section = data_section(report)
    assert section is not None
    (table,) = section.blocks
    assert isinstance(table, Table)
    assert "angle_deg, tilt_deg" in table.rows[0]


def test_few_samples_say_how_well_errors_are_known(bare_report: Report) -> None:
    """Of 50 Gaussian errors the size is known to 1.96 / sqrt(100), and shares are not spoken of."""
    report = estimated(bare_report)
    (warned,) = caveats(report.data, report.steps)
    assert warned.text == (
        "Data set turned has n = 50 samples: how large errors are is known to about 20% at best."
    )


@pytest.mark.parametrize(
    ("name", "info", "value", "ends"),
    [
        ("rmse", MeasureInfo(low=0.0, title="RMSE", group="regression"), 4.0, (0.0, None)),
        (
            "r_squared",
            MeasureInfo(high=1.0, title="R squared", group="regression"),
            0.916,
            (None, 1.0),
        ),
        ("loss", MeasureInfo(title="loss", group="regression"), 3.0, (None, None)),
    ],
)
def test_one_value_alone_has_a_scale(
    bare_report: Report,
    name: str,
    info: MeasureInfo,
    value: float,
    ends: tuple[float | None, float | None],
) -> None:
    """An axis begins and ends where the measure does, and 0 is on it; else the values decide."""
    cells = (CellResult({}, 50, {name: Measure(value, 50, info=info)}),)
    report = estimated(bare_report)
    report = replace(report, steps=(replace(report.steps[0], cells=cells),))
    section = numbers_section(report)
    assert section is not None
    (chart,) = (block for block in section.blocks if isinstance(block, Chart))
    scales = [
        layer["encoding"]["x"]["scale"]
        for layer in chart.spec["layer"]
        if "scale" in layer.get("encoding", {}).get("x", {})
    ]
    assert scales
    for scale in scales:
        assert (scale.get("domainMin"), scale.get("domainMax")) == ends
        assert scale["zero"] == (ends != (None, None))


def test_what_restorations_did_to_errors_is_shown(bare_report: Report) -> None:
    """A row for each cell, with how many samples came nearer and the test's p-value."""
    info = MeasureInfo()
    gains = tuple(
        ErrorGain(
            "denoised",
            "noisy_angle",
            "denoised_angle",
            {"severity": at},
            Measure(value, 50, value - 1, value + 1, info=info, details={"p_value": p_value}),
            nearer,
            50 - nearer,
        )
        for at, value, p_value, nearer in (("1", 0.5, 0.2, 30), ("3", -2.5, 1e-5, 9))
    )
    section = numbers_section(replace(estimated(bare_report), error_gains=gains))
    assert section is not None
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    first, second = table.rows
    assert first[:3] == ("denoised_angle", "denoised", "severity = 1")
    assert first[3:] == ("+0.500", "[\N{MINUS SIGN}0.500, +1.500]", "50", "30", "20", "0.2")
    assert second[6:] == ("9", "41", "1e-05")
    chart = next(b for b in section.blocks if isinstance(b, Chart) and "gain" in b.id)
    assert [record["value"] for record in chart.records] == [0.5, -2.5]


def test_over_seeds_a_cell_has_one_row(bare_report: Report) -> None:
    """With the spread beside the mean, and no p, which would be that of one seed."""
    mean = Measure(0.5, 50, -0.2, 1.2, details={"seeds": 3, "spread": 0.25})
    each = tuple(
        ErrorGain("denoised", "noisy", "angle", {"seed": seed}, Measure(0.5, 50), 30, 20)
        for seed in "012"
    )
    report = replace(
        estimated(bare_report),
        error_gains=each,
        error_gains_over_seeds=(replace(each[0], cell={}, difference=mean, nearer=90, further=60),),
    )
    section = numbers_section(report)
    assert section is not None
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    assert table.columns[3:] == (
        "gain in RMSE",
        "± over seeds",
        "interval",
        "n",
        "nearer",
        "further",
    )
    (row,) = table.rows
    assert row[2:] == ("—", "+0.500", "0.250", "[\N{MINUS SIGN}0.200, +1.200]", "50", "90", "60")
    assert "Means over 3 seeds" in table.caption
    chart = next(b for b in section.blocks if isinstance(b, Chart) and "gain" in b.id)
    assert [record["value"] for record in chart.records] == [0.5]
