"""Steps that measure, planned: what a metric may stand on, its cells, and what makes it stale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adversity import CellMetric, Measure, MeasureInfo, Metric
from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.plan.apart import meetings
from adversity.pipeline.plan.engine_measures import OF_ATTACKS
from adversity.registry.claims import claim_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adversity import MeasuredCell, Table


class Same(Metric):
    """Compares the answers of two tables, sample by sample."""

    name: ClassVar[str] = "same"
    compares = "samples"
    wants: ClassVar[tuple[str, ...]] = ("prediction",)
    produces: ClassVar[tuple[str, ...]] = ("same_share",)

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        raise NotImplementedError


class Mean(CellMetric):
    """The mean of a measure over cells."""

    name: ClassVar[str] = "mean"
    measure: str = "accuracy"

    def needs(self) -> tuple[str, ...]:
        return (self.measure,)

    def fold(self, cells: Sequence[MeasuredCell]) -> Mapping[str, Measure]:
        raise NotImplementedError


@pytest.fixture
def plan_with(load: Any, toys: Any) -> Callable[..., Any]:
    """Plan the good pipeline with more steps and gates, and the metrics of this file."""
    registry = toys.ToyRegistry([*toys.TOYS, Same, Mean])

    def planned(steps: str, text: str | None = None, gates: str = "") -> Any:
        text = text if text is not None else _text(load)
        text = text.replace("gates:\n", f"{steps}gates:\n{gates}")
        return make_plan(load(text), registry)

    return planned


def _text(load: Any) -> str:
    return str(load().text)


@pytest.fixture
def refused(plan_with: Any) -> Callable[..., str]:
    """Plan more steps that must be refused; return the findings."""

    def findings(steps: str, gates: str = "") -> str:
        with pytest.raises(PipelineError) as caught:
            plan_with(steps, gates=gates)
        return "\n".join(caught.value.findings)

    return findings


def test_each_shape_is_planned(plan_with: Any) -> None:
    """Images, a table, two tables and cells: role, cells and what each reads."""
    plan = plan_with(
        "  quality: {uses: metric/psnr, from: enhanced}\n"
        "  exact: {uses: metric/ece, from: predictions}\n"
        "  agree: {uses: metric/same, from: predictions, against: clean_predictions}\n"
        "  mean: {uses: metric/mean, from: predictions, over: severity}\n"
    )
    steps = plan.steps
    assert {steps[name].role for name in ("quality", "exact", "agree", "mean")} == {"measure"}
    assert [cell.key for cell in steps["agree"].cells] == ["severity=1", "severity=3"]
    assert [cell.key for cell in steps["mean"].cells] == [""]
    assert steps["agree"].reads == ("predictions", "clean_predictions")
    art = "artifacts/toy-under-attack/"
    assert set(plan.stage("agree").deps) == {f"{art}predictions", f"{art}clean_predictions"}
    assert plan.stage("mean").deps == (f"{art}predictions",)
    assert plan.stage("quality").deps == ("data/photos",)
    assert plan.stage("quality").views == ("dark", "enhanced")
    assert plan.stage("quality").metrics == "metrics/toy-under-attack/quality.json"


def test_metrics_of_the_pipeline_are_not_in_its_key(plan_with: Any) -> None:
    """A step that measures hangs on its own metric: another one under `metrics:` changes nothing."""
    steps = "  exact: {uses: metric/ece, from: predictions}\n"
    params = plan_with(steps).stage("exact").params
    assert "metrics" not in {key for keys in params.values() for key in keys}
    keys = params["pipelines/.resolved/toy-under-attack.yaml"]
    assert "steps.exact" in keys
    assert "metrics" in {
        key for keys in plan_with(steps).stage("predictions").params.values() for key in keys
    }


def test_a_folded_variable_stays_in_the_key(plan_with: Any) -> None:
    """Another list of values is another mean."""
    stage = plan_with("  mean: {uses: metric/mean, from: predictions, over: [severity]}\n")
    assert "matrix.severity" in stage.stage("mean").params["pipelines/toy.yaml"]


def test_a_fold_hangs_on_what_is_known_of_the_measures_it_folds(
    load: Any, toys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another range of the folded measure is another interval; other metrics change nothing."""
    steps = (
        "  quality: {uses: metric/psnr, from: enhanced}\n"
        "  mean: {uses: metric/mean, from: quality, over: severity, with: {measure: psnr}}\n"
        "  strong: {uses: metric/mean, from: attacked, over: eps, with: {measure: queries}}\n"
    )
    text = _text(load).replace("gates:\n", f"{steps}gates:\n")
    registry = toys.ToyRegistry([*toys.TOYS, Same, Mean])

    def hashes(text: str = text) -> dict[str, str]:
        plan = make_plan(load(text), registry)
        for name in ("mean", "strong"):
            keys = plan.stage(name).params["pipelines/.resolved/toy-under-attack.yaml"]
            assert f"steps.{name}" in keys
            assert "metrics" not in keys
        return {name: plan.resolved["steps"][name]["measures"] for name in ("mean", "strong")}

    before = hashes()
    assert hashes(f"metrics: [metric/ece]\n{text}")["mean"] == before["mean"]
    monkeypatch.setattr(toys.Psnr, "produces", {"psnr": MeasureInfo(0.0, 60.0)})
    changed = hashes()
    assert changed["mean"] != before["mean"]
    monkeypatch.setitem(OF_ATTACKS, "queries", MeasureInfo(0.0))
    assert hashes()["strong"] != changed["strong"]
    assert hashes()["mean"] == changed["mean"]


_REFUSED = {
    "images from predictions": (
        "  bad: {uses: metric/psnr, from: predictions}",
        "measures images, of data, views or attacks; predictions is predictions",
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
    "over elsewhere": (
        "  bad: {uses: net, from: photos, over: severity}",
        'over: is for metrics; classifier "tiny" (toys 1.2) is none',
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


def test_a_metric_that_needs_a_step_is_refused_elsewhere(load: Any, toys: Any) -> None:
    """Under metrics: it would have nothing to compare; as `always` it is no plugin."""
    registry = toys.ToyRegistry([*toys.TOYS, Same, Mean])
    text = _text(load) + "metrics: [metric/same, metric/mean]\n"
    with pytest.raises(PipelineError) as caught:
        make_plan(load(text), registry)
    first, second = caught.value.findings
    assert "metric/same stands in a step of its own, since it compares two tables" in first
    assert "since it goes over the cells of a step; write it under steps: with from:" in second
    always = type("Always", (Same,), {"always": True, "__doc__": "Too much."})
    assert any("cannot be computed always" in fault for fault in claim_faults(always))


def test_what_no_cell_can_have_is_refused_before_the_run(load: Any, toys: Any) -> None:
    """A measure's name that is misspelt is found while planning, where all names are known."""
    plugins = [cls for cls in toys.TOYS if cls.kind != "metric"]
    registry = toys.ToyRegistry([*plugins, toys.Promising, Mean])
    step = (
        "  bad: {uses: metric/mean, from: predictions, over: severity, with: {measure: acuracy}}\n"
    )
    with pytest.raises(PipelineError, match="no measure acuracy; did you mean accuracy"):
        make_plan(load(_text(load).replace("gates:\n", f"{step}gates:\n")), registry)


def test_gates_know_what_a_step_measures(plan_with: Any, refused: Any) -> None:
    """Its own measures alone; one of another step is refused with what there is."""
    step = "  agree: {uses: metric/same, from: predictions, against: clean_predictions}\n"
    plan = plan_with(step, gates="  - agree[severity=3].same_share >= 0.5\n")
    assert plan.gates[0].metric == "same_share"
    assert "agree has no measure accuracy" in refused(step, gates="  - agree.accuracy >= 0.5\n")
    mean = "  mean: {uses: metric/mean, from: predictions, over: severity}\n"
    message = "mean does not depend on severity"
    assert message in refused(mean, gates="  - mean[severity=3].accuracy >= 0.5\n")


def test_a_gate_cannot_rest_on_a_grey_box_table_in_either_place(refused: Any, load: Any) -> None:
    """Compared with, it is no better than measured."""
    steps = (
        "  grey: {uses: attack/push, from: dark, against: confidence, knowledge: grey-box, with: "
        "{norm: linf, eps: 0.1, steps: 1}}\n"
        "  behind: {uses: net, from: grey}\n"
        "  agree: {uses: metric/same, from: predictions, against: behind}\n"
    )
    found = refused(steps, gates="  - agree.same_share >= 0.5\n")
    assert "grey attacks as grey-box" in found


def test_two_tables_are_judged_each_on_its_own_data(plan_with: Any, refused: Any) -> None:
    """What fitted one network may judge the other; on its own fitting data none is judged."""
    steps = (
        "  one: {uses: classifier/trained, fit_on: photos}\n"
        "  two: {uses: classifier/trained, fit_on: held_out}\n"
        "  of_one: {uses: one, from: held_out}\n"
        "  of_two: {uses: two, from: photos}\n"
        "  of_dark: {uses: one, from: held_dark}\n"
        "  far: {uses: metric/same, from: of_dark, against: of_two}\n"
        "  mean: {uses: metric/mean, from: far, over: severity, with: {measure: same_share}}\n"
    )
    dark = "  held_dark: {uses: degradation/darker, from: held_out, with: {severity: $severity}}\n"
    plan = plan_with(dark + steps)
    found = meetings(plan.steps, plan.data, behind="far")
    assert {(meeting.fitting, meeting.judging) for meeting in found} == {
        ("photos", "held_out"),
        ("held_out", "photos"),
    }
    assert all(meeting.judged == ("far", "mean") for meeting in found)
    assert "images that fitted two" in refused(
        dark + steps.replace("two, from: photos", "two, from: held_out")
    )


def test_a_name_that_is_taken_is_refused_in_a_step_too(load: Any, toys: Any) -> None:
    """Report and gates know a measure by its name: two metrics cannot both give it."""

    class Other(Same):
        """Measures accuracy in another way."""

        name: ClassVar[str] = "other"
        produces: ClassVar[Mapping[str, MeasureInfo]] = {"accuracy": MeasureInfo()}

    plugins = [cls for cls in toys.TOYS if cls.kind != "metric"]
    registry = toys.ToyRegistry([*plugins, toys.Promising, Other])
    step = "  bad: {uses: metric/other, from: predictions, against: clean_predictions}\n"
    with pytest.raises(PipelineError) as caught:
        make_plan(load(_text(load).replace("gates:\n", f"{step}gates:\n")), registry)
    (finding,) = caught.value.findings
    assert "both measure accuracy" in finding
    assert "pipelines/toy.yaml:26:" in finding
    assert "leave the step bad out" in finding


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None
)
@given(data=st.data())
def test_over_folds_exactly_what_it_names(data: st.DataObject, plan_with: Any) -> None:
    """Random matrices: the cells of a step are those of the variables that are left."""
    names = data.draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True))
    sizes = {name: data.draw(st.integers(1, 4)) for name in names}
    over = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    matrix = "".join(f"  {name}: {list(range(1, size + 1))}\n" for name, size in sizes.items())
    # Each variable is used by a degradation of its own; they stand behind each other.
    views = ["photos", *(f"v_{name}" for name in names)]
    steps = "".join(
        f"  v_{name}: {{uses: degradation/darker, from: {before}, with: {{severity: ${name}}}}}\n"
        for before, name in zip(views, names, strict=False)
    )
    text = (
        "name: cells\ndata: {photos: {uses: dataset/toy_folder, with: {path: p}}}\n"
        f"matrix:\n{matrix}steps:\n{steps}"
        f"  answers: {{uses: classifier/tiny, from: {views[-1]}}}\n"
        f"  mean: {{uses: metric/mean, from: answers, over: {over}}}\ngates:\n"
    ).replace("'", "")
    # Severities end at 5.
    plan = plan_with("", text.removesuffix("gates:\n"))
    left = [name for name in names if name not in over]
    mean, answers = plan.steps["mean"], plan.steps["answers"]
    assert mean.variables == tuple(left)
    assert len(mean.cells) == math.prod(sizes[name] for name in left)
    assert len(answers.cells) == math.prod(sizes.values())
    folded = [cell.restrict(mean.variables) for cell in answers.cells]
    each = math.prod(sizes[name] for name in over)
    assert sorted(folded) == sorted(cell for cell in mean.cells for _ in range(each))
