"""A classifier that does no better than a guess: what it was fed stands in the warning."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adversity.metrics import share
from adversity.report.doubts.caveats import caveats
from adversity.report.sections.method import method_section
from adversity.report.values.blocks import Table
from adversity.report.values.model import CellResult, Report, StepSummary
from adversity.report.words.wording import NOTHING


def answers(step: str, *rights: int, classes: object = 10, **more: Any) -> StepSummary:
    """Return a prediction step that is right for so many of 100 in each cell."""
    cells = tuple(CellResult({}, 100, {"accuracy": share(right, 100)}) for right in rights)
    facts = {
        "input": {"pixel_range": "0..1", "channel_order": "rgb"},
        "by_default": ["pixel_range"],
        "classes": classes,
        **more,
    }
    plugin = {"facts": facts}
    return StepSummary(
        step, "classifier/onnx", "classifier", "predictions", cells=cells, plugin=plugin
    )


def warnings(*steps: StepSummary) -> list[str]:
    """Return the warnings on guesses."""
    found = caveats((), steps)
    return [caveat.text for caveat in found if "a guess among" in caveat.text]


@pytest.mark.parametrize(
    ("right", "classes", "warned"),
    [(9, 10, True), (14, 10, True), (20, 10, True), (26, 10, False), (55, 2, True), (70, 2, False)],
)
def test_near_a_guess_is_warned_of(right: int, classes: int, warned: bool) -> None:
    """What an interval cannot tell from 1/K, or is twice that at most, is; better figures are not."""
    assert bool(warnings(answers("clean", right, classes=classes))) == warned


def test_the_warning_names_what_was_assumed() -> None:
    """Accuracy, n, chance, the input and what nobody said stand in one sentence."""
    (text,) = warnings(answers("clean", 9))
    assert "clean: classifier/onnx is right for 9.0% of n = 100 at best" in text
    assert "among its 10 classes for 10.0%" in text
    assert "(pixel_range 0..1, channel_order rgb; nobody has said pixel_range, these are" in text


def test_a_guess_in_bad_weather_says_nothing_of_the_input() -> None:
    """The best of all steps of the same classifier counts, and each classifier is warned of once."""
    assert warnings(answers("clean", 90), answers("dark", 9)) == []
    assert warnings(answers("dark", 9, 12, 60)) == []
    assert len(warnings(answers("clean", 9), answers("dark", 8))) == 1


def in_turn(*rights: int) -> StepSummary:
    """Return a step whose cells have a classifier each."""
    alone = answers("clean", *rights)
    cells = [replace(cell, cell={"k": str(k), "s": "1"}) for k, cell in enumerate(alone.cells)]
    models = [
        {"uses": f"classifier/m{k}", "cell": {"k": str(k)}, "facts": alone.plugin["facts"]}
        for k in range(len(rights))
    ]
    plugin = {
        "models": models,
        "plugins": [{"uses": one["uses"], "version": "1"} for one in models],
    }
    return replace(alone, uses="classifier/$k", cells=tuple(cells), plugin=plugin)


def test_a_good_classifier_hides_no_other_one_of_its_step() -> None:
    """Each that takes turns is judged by its own cells, and named with them."""
    (text,) = warnings(in_turn(90, 9))
    assert "clean [k=1]: classifier/m1 is right for 9.0%" in text
    assert warnings(in_turn(90, 80)) == []


def test_each_classifier_of_a_step_has_its_own_rows(full_report: Report) -> None:
    """Under its own name, with its cells; the variable that stands for them is no plugin."""
    blocks = method_section(replace(full_report, steps=(in_turn(90, 9),))).blocks
    classifiers, plugins = (
        next(b for b in blocks if isinstance(b, Table) and b.id == id_)
        for id_ in ("classifiers", "plugins")
    )
    assert ("clean [k=1]", "classifier/m1", "classes", "10") in classifiers.rows
    assert [row[:4] for row in plugins.rows] == [
        ("clean", "classifier/m0", NOTHING, "1"),
        ("clean", "classifier/m1", NOTHING, "1"),
    ]


@pytest.mark.parametrize("facts", [{"input": "224 x 224"}, {"classes": None}, {"classes": "ten"}])
def test_who_says_nothing_is_not_judged(facts: dict[str, Any]) -> None:
    """Facts of another author's that have other shapes are no reason to warn or to fail."""
    assert warnings(answers("clean", 1, **facts)) == []


def test_what_classifiers_say_of_themselves_is_listed_once(full_report: Report) -> None:
    """Two steps of one network share their rows; what is inside a mapping has a row of its own."""
    steps = (answers("clean", 90), answers("dark", 50))
    blocks = method_section(replace(full_report, steps=steps)).blocks
    (table,) = (b for b in blocks if isinstance(b, Table) and b.id == "classifiers")
    assert table.rows == (
        ("clean, dark", "classifier/onnx", "input, pixel range", "0..1"),
        ("clean, dark", "classifier/onnx", "input, channel order", "rgb"),
        ("clean, dark", "classifier/onnx", "by default", "pixel_range"),
        ("clean, dark", "classifier/onnx", "classes", "10"),
    )
