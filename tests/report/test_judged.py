"""What is judged, and what only fitted: the headline and the first warning know the difference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.report.doubts.caveats import caveats
from adversity.report.doubts.judgement import problems, what_was_tested
from adversity.report.sections.all_sections import contents
from adversity.report.sections.summary import caveat_texts, headline, headline_section
from adversity.report.values.apart import judged_data
from adversity.report.values.blocks import Table
from adversity.report.values.model import (
    Caveat,
    CellResult,
    DataSummary,
    GateResult,
    Report,
    StepSummary,
)

if TYPE_CHECKING:
    from adversity.contracts.values import Measure

DATA = tuple(
    DataSummary(name, "dataset/digits", n, 10)
    for name, n in (("train", 80), ("held_out", 120), ("test", 541))
)


def _steps(measures: dict[str, Measure]) -> tuple[StepSummary, ...]:
    """A network fitted on `train`, a calibrator on its predictions of `held_out`."""

    def step(name: str, data: str, fit_on: str, source: str) -> StepSummary:
        cells = (CellResult({}, 541, measures),)
        path = (data, name) if source == data else (data, source, name)
        kind = "uncertainty" if name == "sure" else "classifier"
        made = StepSummary(name, f"{kind}/x", kind, "predictions", (source,), path, cells=cells)
        return replace(made, fit_on=fit_on)

    return (
        StepSummary("net", "classifier/small_cnn", "classifier", "predictions", fit_on="train"),
        step("clean", "test", "train", "test"),
        step("held", "held_out", "train", "held_out"),
        step("sure", "test", "held", "clean"),
    )


def test_only_what_is_judged_is_called_tested(full_report: Report) -> None:
    """Training and calibration data stand in no headline, and are not warned of as too few."""
    steps = _steps(dict(full_report.steps[-1].cells[0].measures))
    report = replace(full_report, data=DATA, steps=steps, gates=())
    assert [item.id for item in judged_data(DATA, steps)] == ["test"]
    said = what_was_tested(report)
    assert "on test (dataset/digits, n = 541, 10 classes)" in said
    assert "train" not in said
    assert "held_out" not in said
    assert {step.id for step, *_ in headline(report)} == {"clean", "sure"}
    assert not any("n = 80" in item.text or "n = 120" in item.text for item in caveats(DATA, steps))


def test_only_images_that_are_judged_are_called_degraded(full_report: Report) -> None:
    """Noise on training images makes no test under noise, in the sentence and in the section."""
    cells = [cell for step in full_report.steps for cell in step.cells]
    measures = next(cell.measures for cell in cells if "accuracy" in cell.measures)
    clean, sure = _steps(dict(measures))[1:4:2]
    noisy = StepSummary(
        "noisy", "degradation/fog", "degradation", "images", ("train",), ("train", "noisy")
    )
    noisy = replace(noisy, image_role="degraded")
    report = replace(full_report, data=DATA, steps=(noisy, clean, sure), gates=())
    assert "fog" not in what_was_tested(report)
    titles = {part.title for part in contents(report).sections}
    assert "Accuracy" in titles
    assert "Accuracy under degradation" not in titles
    behind = replace(clean, path=("train", "noisy", "clean"), source=("noisy",))
    report = replace(report, steps=(noisy, behind, sure))
    assert "degraded by fog" in what_was_tested(report)
    assert "Accuracy under degradation" in {part.title for part in contents(report).sections}


def test_a_gate_makes_a_step_one_that_is_judged(full_report: Report) -> None:
    """Whoever asks for a number of the calibration data gets it, with the warning of its size."""
    steps = _steps(dict(full_report.steps[-1].cells[0].measures))
    gate = GateResult("held.accuracy >= 0.9", "pass", "", step="held")
    assert [item.id for item in judged_data(DATA, steps, (gate,))] == ["held_out", "test"]
    found = caveats(DATA, steps, gates=(gate,))
    assert any("held_out has n = 120" in item.text for item in found)
    assert not any("train" in item.text for item in found)


def test_a_void_figure_is_marked_in_the_headline_table(full_report: Report) -> None:
    """Its value bears the mark and the caption says what it means; the same figure elsewhere not."""
    steps = _steps(dict(full_report.steps[-1].cells[0].measures))
    report = replace(full_report, data=DATA, steps=steps, gates=(), caveats=())
    doubted = replace(report, caveats=(Caveat("void", "sure: no gradient", "sure"),))
    before, after = (_headline_table(each) for each in (report, doubted))
    assert {row[0] for row in after.rows} == {"clean", "sure"}
    for old, new in zip(before.rows, after.rows, strict=True):
        value = f"VOID {old[3]}" if old[0] == "sure" else old[3]
        assert new == (*old[:3], value, *old[4:])
    assert "VOID: not to be believed" in after.caption
    assert "VOID" not in before.caption


def test_a_step_is_named_once_in_what_is_said_against_it(full_report: Report) -> None:
    """The page puts the step's name before a note that lacks it, and before no other."""
    said = {
        "net: noise fools more": "net: noise fools more",
        "net [eps=1/255]: no gradient": "net [eps=1/255]: no gradient",
        "net is grey-box": "net is grey-box",
        "networks differ": "net: networks differ",
        "too few rows": "net: too few rows",
    }
    found = tuple(Caveat("void", text, "net") for text in said)
    texts = caveat_texts(replace(full_report, caveats=found), void=True)
    assert [text.text for text in texts] == list(said.values())
    assert [
        text.removeprefix("VOID ")
        for text in problems(replace(full_report, gates=(), caveats=found))
    ] == list(said.values())


def _headline_table(report: Report) -> Table:
    section = headline_section(report)
    assert section is not None
    (table,) = section.blocks
    assert isinstance(table, Table)
    return table
