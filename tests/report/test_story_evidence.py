"""What the first screen says of figures that were the best of several: how much that is worth."""

from __future__ import annotations

from dataclasses import replace

from test_story import CLEAN, DARK, DARK_ANSWERS, answers, made, view

from adversity.contracts.measure_info import MeasureInfo
from adversity.contracts.values import Measure
from adversity.report import story_lines
from adversity.report.values.model import CellResult, DataSummary, Gain, Report, StepSummary
from adversity.report.values.paired import HELPS


def test_a_gain_that_the_correction_does_not_tell_from_none_is_said_so(bare_report: Report) -> None:
    """The interval lies above 0; a test that allows for all may not."""
    difference = Measure(0.35, 20, 0.086, 0.55)
    cell = {"severity": "5"}
    best = Gain("lime", "dark_answers", "lime_answers", cell, difference, 7, 0, 0.016, 0.094)
    other = replace(best, cell={"severity": "1"}, difference=Measure(0.05, 20, -0.1, 0.2))
    steps = (
        *(CLEAN, DARK, DARK_ANSWERS, view("lime", "restoration", "lime", "dark")),
        answers("lime_answers", ("dark", "lime"), {"1": 16, "3": 6, "5": 10}),
    )
    told = story_lines(made(bare_report, *steps, gains=(best, other)))[1]
    end = "which is no evidence after Holm's correction for 2 changes (p = 0.094)."
    assert told.endswith(f"(7 recovered, 0 newly broken), {end}")
    found = replace(best, p_holm=0.032, finding=HELPS)
    assert "evidence" not in story_lines(made(bare_report, *steps, gains=(found, other)))[1]
    assert "evidence" not in story_lines(made(bare_report, *steps, gains=(best,)))[1]


def test_who_tells_unfamiliar_images_best_is_told(bare_report: Report) -> None:
    """Of each other data set, of how many methods, and that the best was chosen on these images."""
    info = MeasureInfo(0.0, 1.0, better="higher", scale="share", title="AUROC", headline=1)

    def telling(name: str, other: str, values: dict[str, float]) -> StepSummary:
        cells = tuple(
            CellResult({"score": score}, 30, {"auroc": Measure(value, 30, 0.4, 1.0).known_as(info)})
            for score, value in values.items()
        )
        return StepSummary(name, "metric/auroc", "metric", "measure", path=("photos", "clean", name),
                           cells=cells, compared=(other, "more"))  # fmt: skip

    def told(*steps: StepSummary) -> str:
        data = tuple(DataSummary(name, "dataset/x", 9, 2) for name in ("photos", "letters", "fog"))
        lines = story_lines(replace(made(bare_report, CLEAN, *steps), data=data))
        return next((line for line in lines if line.startswith("Told apart.")), "")

    scores = telling("by_score", "letters", {"entropy": 0.7, "energy": 0.9})
    assert told(scores, telling("fogged", "fog", {"energy": 0.6})) == (
        "Told apart. By AUROC, higher is better, from the images of photos: letters 0.900 [0.400, "
        "1.000], n = 30, by by_score at score = energy, the best of 2; fog 0.600 [0.400, 1.000], "
        "n = 30, by fogged at score = energy. Chosen on these images, which flatters the best."
    )
    assert told(telling("attacked", "photos", {"entropy": 0.7})) == "", "the same images, attacked"
