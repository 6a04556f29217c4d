"""What the first screen says of regressors: the same sentences, in RMSE."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from test_story import CLEAN, DARK, DARK_ANSWERS, made, view

from adversity.contracts.values import Measure
from adversity.report import story_lines
from adversity.report.sections.story import hardest_cell
from adversity.report.values.model import CellResult, ErrorGain, Report, StepSummary


def estimates(step: str, path: tuple[str, ...], errors: dict[str, float]) -> StepSummary:
    """Numbers with an RMSE in each cell of `severity`."""
    cells = tuple(
        CellResult({"severity": at} if at else {}, 40, {"rmse": Measure(e, 40, e - 0.5, e + 0.5)})
        for at, e in errors.items()
    )
    whole = ("dials", *path, step)
    return StepSummary(step, "regressor/line", "regressor", "numbers", path=whole, cells=cells)


TURNED_DARK = replace(view("dim", "degradation", "low_light"), path=("dials", "dim"))
TURNED_LIT = replace(view("lit", "restoration", "lime"), path=("dials", "dim", "lit"))
ESTIMATES = (
    estimates("angle", (), {"": 2.0}),
    TURNED_DARK,
    estimates("dim_angle", ("dim",), {"1": 3.0, "5": 12.5}),
    TURNED_LIT,
    estimates("lit_angle", ("dim", "lit"), {"1": 3.5, "5": 9.0}),
)


def error_gain(at: str, value: float, **more: Any) -> ErrorGain:
    difference = Measure(value, 40, value - 1, value + 1, **more)
    return ErrorGain("lit", "dim_angle", "lit_angle", {"severity": at}, difference, 31, 9)


def test_regressors_are_told_of_in_errors(bare_report: Report) -> None:
    """The largest RMSE is the hardest cell; what a restoration gains there is in RMSE, too."""
    gains = (error_gain("1", -0.5), error_gain("5", 3.5))
    report = made(bare_report, *ESTIMATES, error_gains=gains)
    assert story_lines(report) == (
        (
            "Degraded. As they are, the RMSE of angle is 2.000 [1.500, 2.500], n = 40. Through dim "
            "(low_light) at severity = 5, the worst of 2 cells, the RMSE of dim_angle is 12.500 "
            "[12.000, 13.000], n = 40."
        ),
        (
            "Restored. lit (lime) brings that to 9.000: gain in RMSE +3.500 [+2.500, +4.500], paired "
            "by image (31 nearer to the target, 9 further)."
        ),
    )
    assert hardest_cell(report) == {"severity": "5"}
    means = (replace(error_gain("5", 3.5, details={"seeds": 4}), nearer=120),)
    said = story_lines(replace(report, error_gains_over_seeds=means))[1]
    assert (
        "paired by image over 4 seeds (120 nearer to the target, 9 further in all of them)" in said
    )


def test_classes_and_numbers_are_told_of_by_themselves(bare_report: Report) -> None:
    """An RMSE of 12.5 is not worse than 3 of 20 right: each has its own sentences."""
    steps = (CLEAN, DARK, DARK_ANSWERS, *ESTIMATES)
    report = made(bare_report, *steps, error_gains=(error_gain("5", 3.5),))
    leads = [line.split(",")[0] for line in story_lines(report)]
    assert leads[0] == "Degraded. As they are"
    assert leads[1] == "Degraded. As they are"
    assert "3 still are" in story_lines(report)[0]
    assert "the RMSE of dim_angle" in story_lines(report)[1]
    assert story_lines(report)[2].startswith("Restored. lit (lime)")
    assert len(leads) == 3
