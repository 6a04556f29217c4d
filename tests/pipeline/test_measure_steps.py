"""Steps that measure, planned: what a metric may stand on, its cells, and what makes it stale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adversity import MeasureInfo
from adversity.pipeline.plan.apart import meetings
from adversity.pipeline.plan.engine_measures import OF_ANSWERS

if TYPE_CHECKING:
    import pytest


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
    plan_with: Any, toys: Any, pipeline_text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another range of the folded measure is another interval; other metrics change nothing."""
    steps = (
        "  quality: {uses: metric/psnr, from: enhanced}\n"
        "  mean: {uses: metric/mean, from: quality, over: severity, with: {measure: psnr}}\n"
        "  strong: {uses: metric/mean, from: attacked, over: eps, with: {measure: queries}}\n"
    )

    def hashes(text: str = pipeline_text) -> dict[str, str]:
        plan = plan_with(steps, text)
        for name in ("mean", "strong"):
            keys = plan.stage(name).params["pipelines/.resolved/toy-under-attack.yaml"]
            assert f"steps.{name}" in keys
            assert "metrics" not in keys
        return {name: plan.resolved["steps"][name]["measures"] for name in ("mean", "strong")}

    before = hashes()
    assert hashes(f"metrics: [metric/ece]\n{pipeline_text}")["mean"] == before["mean"]
    monkeypatch.setattr(toys.Psnr, "produces", {"psnr": MeasureInfo(0.0, 60.0)})
    changed = hashes()
    assert changed["mean"] != before["mean"]
    monkeypatch.setitem(OF_ANSWERS, "queries", MeasureInfo(0.0))
    assert hashes()["strong"] != changed["strong"]
    assert hashes()["mean"] == changed["mean"]


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
