"""Steps that measure where they may not, or what is not there: each refused with its own message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from adversity import MeasureInfo
from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.registry.claims import claim_faults

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFUSED = {
    "images from predictions": (
        "  bad: {uses: metric/psnr, from: predictions}",
        "measures images, of a data set, a degradation, a restoration or an attack; predictions is",
    ),
    "images from a definition": (
        "  bad: {uses: metric/psnr, from: net}",
        "net is a definition",
    ),
    "a table from folded cells": (
        (
            "  bad: {uses: metric/ece, from: mean}\n"
            "  mean: {uses: metric/mean, from: predictions, over: severity}"
        ),
        "mean folds cells and keeps no rows",
    ),
    "columns that attacks alone have": (
        "  bad: {uses: metric/fooling, from: predictions}",
        "needs fooled, which attacks alone have; predictions is none",
    ),
    "columns of accepted answers": (
        "  bad: {uses: metric/accepting, from: predictions}",
        "needs accepted, which predictions does not decide; name a step that does",
    ),
    "columns of prediction sets": (
        "  bad: {uses: metric/covering, from: predictions}",
        "needs set_size, which predictions does not decide; name a step that does",
    ),
    "columns that attacks have": (
        "  bad: {uses: metric/unfooled, from: attacked}",
        "does not measure attacks; attacked is one",
    ),
    "a measure of the summary": (
        (
            "  bad: {uses: metric/mean, from: attacked, over: eps, with: {measure: "
            "worst_case_robust_accuracy}}"
        ),
        "worst_case_robust_accuracy compares attacks when all steps have run, so no step can fold",
    ),
    "a measure of a probe that is not made": (
        (
            "  bad: {uses: metric/mean, from: attacked, over: eps, with: {measure: "
            "full_budget_accuracy}}"
        ),
        "full_budget_accuracy is measured where the step says probe: N; it does not",
    ),
    "a table from images": (
        "  bad: {uses: metric/ece, from: enhanced}",
        "works on the table of a step, such as predictions, scores or adversarial images; enhanced",
    ),
    "a table from data": ("  bad: {uses: metric/ece, from: photos}", "photos is a data set"),
    "a table from a definition": (
        "  bad: {uses: metric/ece, from: net}",
        "net is a definition",
    ),
    "nothing": (
        "  bad: {uses: metric/same, against: predictions}",
        "needs from:, what it measures, beside against:",
    ),
    "two": ("  bad: {uses: metric/ece, from: [predictions, spread]}", "expected one step, got 2"),
    "no second table": (
        "  bad: {uses: metric/same, from: predictions}",
        "compares two tables; name the second one with against:",
    ),
    "an unwanted second table": (
        "  bad: {uses: metric/ece, from: predictions, against: spread}",
        "compares its table with no other; drop against:",
    ),
    "a second table that is none": (
        "  bad: {uses: metric/same, from: predictions, against: enhanced}",
        "enhanced is images",
    ),
    "a second table for images": (
        "  bad: {uses: metric/psnr, from: enhanced, against: predictions}",
        "against: is for a metric that compares two tables",
    ),
    "cells of a table": (
        "  bad: {uses: metric/ece, from: predictions, over: severity}",
        "measures each by itself",
    ),
    "no cells": (
        "  bad: {uses: metric/mean, from: predictions}",
        "goes over cells; name the variables with over:",
    ),
    "a variable that it has not": (
        "  bad: {uses: metric/mean, from: predictions, over: severty}",
        "predictions does not vary with severty; did you mean severity?; it has severity",
    ),
    "a variable of another step": (
        "  bad: {uses: metric/mean, from: predictions, over: eps}",
        "predictions does not vary with eps",
    ),
    "a variable that is folded and used": (
        "  bad: {uses: metric/mean, from: predictions, over: severity, with: {measure: $severity}}",
        "$severity has no one value here, since over: folds it",
    ),
    "a variable of a definition that is folded": (
        (
            "  bad: {uses: named, from: predictions, over: severity}\n"
            "  named: {uses: metric/mean, with: {weight: $severity}}"
        ),
        "$severity has no one value here, since over: folds it",
    ),
    "a variable of a classifier that is folded": (
        (
            "  bad: {uses: varied, from: predictions, over: severity}\n"
            "  varied: {uses: classifier/trained, fit_on: held_out, with: {seed: $severity}}"
        ),
        "$severity has no one value here, since over: folds it",
    ),
    "a variable for a plugin that is folded": (
        "  bad: {uses: $severity, from: predictions, over: severity}",
        "$severity has no one value here, since over: folds it",
    ),
    "over elsewhere": (
        "  bad: {uses: net, from: photos, over: severity}",
        'over: is for metrics and uncertainties; classifier "tiny" (toys 1.2) is none',
    ),
    "against elsewhere": (
        "  bad: {uses: net, from: photos, against: predictions}",
        "against: is for attacks and metrics",
    ),
}


@pytest.mark.parametrize("case", list(_REFUSED))
def test_each_wrong_place_has_its_own_message(case: str, refused: Any) -> None:
    """What was expected, what came, and what to do."""
    step, message = _REFUSED[case]
    findings = refused(f"{step}\n")
    assert message in findings
    assert "pipelines/toy.yaml:26:" in findings


def test_a_metric_that_needs_a_step_is_refused_elsewhere(
    load: Any, toys: Any, measuring: Any, pipeline_text: str
) -> None:
    """Under metrics: it would have nothing to compare; as `always` it is no plugin."""
    registry = toys.ToyRegistry([*toys.TOYS, *measuring.MEASURING])
    text = pipeline_text + "metrics: [metric/same, metric/mean]\n"
    with pytest.raises(PipelineError) as caught:
        make_plan(load(text), registry)
    first, second = caught.value.findings
    assert "metric/same stands in a step of its own, since it compares two tables" in first
    assert "since it goes over the cells of a step; write it under steps: with from:" in second
    always = type("Always", (measuring.Same,), {"always": True, "__doc__": "Too much."})
    assert any("cannot be computed always" in fault for fault in claim_faults(always))


def test_what_no_cell_can_have_is_refused_before_the_run(
    load: Any, toys: Any, measuring: Any, pipeline_text: str
) -> None:
    """A measure's name that is misspelt is found while planning, where all names are known."""
    plugins = [cls for cls in toys.TOYS if cls.kind != "metric"]
    registry = toys.ToyRegistry([*plugins, toys.Promising, measuring.Mean])
    step = (
        "  bad: {uses: metric/mean, from: predictions, over: severity, with: {measure: acuracy}}\n"
    )
    with pytest.raises(PipelineError, match="no measure acuracy; did you mean accuracy"):
        make_plan(load(pipeline_text.replace("gates:\n", f"{step}gates:\n")), registry)


def test_gates_know_what_a_fold_gives(
    load: Any, toys: Any, measuring: Any, pipeline_text: str
) -> None:
    """Names and ranges come with the parameters, and the report finds the words by name."""
    plugins = [cls for cls in toys.TOYS if cls.kind != "metric"]
    registry = toys.ToyRegistry([*plugins, toys.Promising, measuring.Mean])
    steps = (
        "  mean: {uses: metric/mean, from: attacked, over: eps}\n"
        "  again: {uses: metric/mean, from: mean, over: severity, with: {measure: accuracy_sd}}\n"
    )

    def planned(gate: str) -> Any:
        text = pipeline_text.replace("gates:\n", f"{steps}gates:\n{gate}")
        return make_plan(load(text), registry)

    spread = MeasureInfo(low=0.0, title="spread", unit="px")
    plan = planned("  - mean.accuracy_sd <= 0.1\n")
    assert plan.measures["accuracy_sd"] == plan.measures["accuracy_sd_sd"] == spread
    for gate, message in (
        ("  - mean.accuracy_ds <= 0.1\n", "no measure accuracy_ds; did you mean accuracy_sd?"),
        ("  - again.accuracy_sd <= -1\n", r"accuracy_sd lies in \[0, inf\]"),
    ):
        with pytest.raises(PipelineError, match=message):
            planned(gate)


def test_a_name_that_is_taken_is_refused_in_a_step_too(
    load: Any, toys: Any, measuring: Any, pipeline_text: str
) -> None:
    """Report and gates know a measure by its name: two metrics cannot both give it."""

    class Other(measuring.Same):  # type: ignore[name-defined, misc]
        """Measures accuracy in another way."""

        name: ClassVar[str] = "other"
        produces: ClassVar[Mapping[str, MeasureInfo]] = {"accuracy": MeasureInfo()}

    plugins = [cls for cls in toys.TOYS if cls.kind != "metric"]
    registry = toys.ToyRegistry([*plugins, toys.Promising, Other])
    step = "  bad: {uses: metric/other, from: predictions, against: clean_predictions}\n"
    with pytest.raises(PipelineError) as caught:
        make_plan(load(pipeline_text.replace("gates:\n", f"{step}gates:\n")), registry)
    (finding,) = caught.value.findings
    assert "both measure accuracy" in finding
    assert "pipelines/toy.yaml:26:" in finding
    assert "leave the step bad out" in finding


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ("gives", "gives raised KeyError: 'ece'"),
        ("gives", "gives raised SystemExit: 3"),
        ("gives", "gives raised TypeError: 'NoneType' object is not iterable"),
        ("gives", "gives raised TypeError: expected a MeasureInfo of accuracy, got str"),
        ("needs", "needs raised ValueError: which one?"),
        ("needs", "needs raised TypeError: 'NoneType' object is not iterable"),
    ],
)
def test_a_metric_that_fails_while_it_is_planned_is_named(
    method: str, says: str, plan_with: Any, measuring: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the line of its step: nothing was computed, and the traceback helps nobody."""

    def fails(*_: object) -> Any:
        if "KeyError" in says:
            raise KeyError("ece")
        if "SystemExit" in says:
            raise SystemExit(3)
        if "ValueError" in says:
            raise ValueError("which one?")
        return {"accuracy": "a share"} if "MeasureInfo" in says else None

    monkeypatch.setattr(measuring.Mean, method, fails)
    with pytest.raises(PipelineError) as caught:
        plan_with("  mean: {uses: metric/mean, from: predictions, over: severity}\n")
    (finding,) = caught.value.findings
    assert finding.startswith('pipelines/toy.yaml:26: metric "mean" (')
    assert f"): {says}; report it to the plugin's author" in finding
