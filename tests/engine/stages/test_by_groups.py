"""`by: camera`: a metric on each group of samples, whose cells are the groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from toy_labels import TOYS, run_all
from toy_metrics import More, Same

from adversity.data.tables import read_table
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages import by_groups
from adversity.engine.summary.summarise import summarise
from adversity.errors import DataError, PipelineError
from adversity.metrics import accuracy_of, ece, grouped
from adversity.pipeline.gates.verdicts import judge
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

STEPS = """
  noisy: {uses: degradation/gaussian_noise, from: photos, with: {severity: $severity}}
  answers: {uses: classifier/bright, from: noisy}
  clean: {uses: classifier/bright, from: photos}
  few: {uses: attack/fgsm, from: photos, against: clean, with: {eps: 0.03}}
"""
MORE = """
  right: {uses: metric/accuracy, from: answers, by: camera}
  early: {uses: metric/accuracy, from: answers, by: hour}
  sure: {uses: metric/ece, from: clean, by: group}
  alike: {uses: metric/same, from: answers, against: clean, by: camera}
  known: {uses: metric/more, from: answers, against: clean, by: camera}
  stands: {uses: metric/robust_accuracy, from: few, by: camera}
  quality: {uses: metric/psnr, from: noisy, by: camera}
  level: {uses: metric/noise_level, from: photos, by: group}
  worst: {uses: metric/worst_group, from: answers, with: {across: camera, at_least: 1}}
"""


def planned(root: Path, registry: Any, steps: str, *gates: str, says: str = "groups") -> Any:
    """Return the plan of a file."""
    file = root / "pipelines/p.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    photos = f"photos: {{uses: dataset/mixed, with: {{says: {says}, rows: judged}}, images: clean}}"
    said = "".join(f"  - {gate!r}\n" for gate in gates)
    more = f"gates:\n{said}" if gates else ""
    file.write_text(
        f"name: p\ndata:\n  {photos}\nmatrix: {{severity: [1, 5]}}\nsteps:{steps}{more}",
        encoding="utf-8",
    )
    return make_plan(load_pipeline(file, root=root), registry)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: Any, registry_with: Any) -> Any:
    """All shapes of metric by groups, with gates on a group and on the worst."""
    root = tmp_path_factory.mktemp("by")
    gates = (
        "right[severity=1,camera=left].accuracy >= 0",
        "right.accuracy >= 0.999",
        "right[camera=nigth].accuracy >= 0.5",
    )
    plan = planned(root, registry_with(*TOYS, Same, More), STEPS + MORE, *gates)
    return plan, *run_all(root, plan)


def rows(folder: Path, step: str, cell: str = "") -> dict[str, Any]:
    """Return the rows of one cell of a step."""
    table = read_table(folder / step / "table.parquet")
    return {name: values[table["cell"] == cell] for name, values in table.items()}


@pytest.mark.parametrize("severity", ["1", "5"])
def test_the_worst_group_is_the_worst_of_the_steps_by_group(finished: Any, severity: str) -> None:
    """One number for a gate, with all groups behind it."""
    _, _, results, _ = finished
    worst = results["worst"].measures[f"severity={severity}"]["worst_group_accuracy"]
    each = {
        camera: results["right"].measures[f"severity={severity},camera={camera}"]["accuracy"].value
        for camera in ("left", "right")
    }
    assert worst.value == min(each.values())
    assert {group["group"]: group["accuracy"] for group in worst.details["groups"]} == each
    assert worst.method == "wilson, of all at once, grouped"


@pytest.mark.parametrize("severity", ["1", "5"])
def test_a_table_is_measured_group_by_group(finished: Any, severity: str) -> None:
    """Each group has the accuracy of its own rows, by hand; a number is a group, too."""
    _, folder, results, _ = finished
    table = rows(folder, "answers", f"severity={severity}")
    for camera in ("left", "right"):
        inside = table["attribute_camera"] == camera
        measure = results["right"].measures[f"severity={severity},camera={camera}"]["accuracy"]
        right, groups = table["correct"][inside], table["group"][inside]
        assert measure.as_json() == grouped(accuracy_of(right), right, groups).as_json()
        assert 0 < inside.sum() < len(inside)
    hours = results["early"].groups[f"severity={severity}"]
    assert hours == ("0.5", "2.5", "4.5", "6.5", "8.5", "10.5")
    note = "early: 6 of 12 samples have no hour; they are in none of its groups"
    assert results["early"].notes.count(note) == 1


def test_what_is_no_mean_is_measured_group_by_group(finished: Any) -> None:
    """The ECE of a group is that of its rows alone."""
    _, folder, results, _ = finished
    table = rows(folder, "clean")
    assert results["sure"].groups == {"": ("scene 0", "scene 1")}
    for group in ("scene 0", "scene 1"):
        inside = table["group"] == group
        own = ece(logits=table["logits"][inside], labels=table["target"][inside])
        assert results["sure"].measures[f"group={group}"]["ece"].value == own.value


def test_two_tables_are_compared_group_by_group(finished: Any) -> None:
    """Both are cut: those of the same samples, and any two."""
    _, folder, results, _ = finished
    ours, theirs = rows(folder, "answers", "severity=5"), rows(folder, "clean")
    kept = rows(folder, "alike", "severity=5")
    for camera in ("left", "right"):
        a, b = (
            {n: v[t["attribute_camera"] == camera] for n, v in t.items()} for t in (ours, theirs)
        )
        key = f"severity=5,camera={camera}"
        share = results["alike"].measures[key]["same_share"].value
        assert share == (a["prediction"] == b["prediction"]).mean()
        assert kept["same_share"][kept["attribute_camera"] == camera].mean() == share
        gap = a["confidence"].mean() - b["confidence"].mean()
        assert results["known"].measures[key]["surer"].value == gap


def test_attacks_and_images_are_measured_group_by_group(finished: Any) -> None:
    """Robust accuracy of a camera, PSNR of a camera, noise of a scene: means of their rows."""
    _, folder, results, _ = finished
    few, quality, level = (
        rows(folder, "few"),
        rows(folder, "quality", "severity=5"),
        rows(folder, "level"),
    )
    for camera in ("left", "right"):
        stands = (few["start_correct"] & ~few["fooled"])[few["attribute_camera"] == camera]
        assert (
            results["stands"].measures[f"camera={camera}"]["robust_accuracy"].value == stands.mean()
        )
        mean = quality["psnr_db"][quality["attribute_camera"] == camera].mean()
        own = results["quality"].measures[f"severity=5,camera={camera}"]["psnr_db"].value
        assert own == pytest.approx(mean, rel=1e-12)  # the order of a sum
    assert list(results["level"].measures) == ["group=scene 0", "group=scene 1"]
    own = results["level"].measures["group=scene 1"]["noise_level"].value
    assert own == pytest.approx(level["noise_level"][level["group"] == "scene 1"].mean(), rel=1e-12)


def test_gates_speak_of_a_group_and_of_the_worst(finished: Any) -> None:
    """A group is selected as a value of the matrix is; without one each must hold."""
    plan, _, results, workspace = finished
    steps = summarise(plan, workspace)
    assert [dict(cell.cell) for cell in steps["right"].cells] == [
        {"severity": severity, "camera": camera}
        for severity in "15"
        for camera in ("left", "right")
    ]
    one, worst, none = judge(plan.gates, steps)
    assert (one.verdict, dict(one.cell)) == ("pass", {"severity": "1", "camera": "left"})
    values = {key: own["accuracy"] for key, own in results["right"].measures.items()}
    assert worst.cell["camera"] in ("left", "right")
    key = ",".join(f"{name}={value}" for name, value in worst.cell.items())
    assert values[key].low == min(measure.low for measure in values.values())
    assert none.verdict == "error"
    assert "no cell of right has camera=nigth; there is: severity=1,camera=left" in none.why


REFUSED = {
    "unknown": (
        "right: {uses: metric/accuracy, from: clean, by: camra}",
        "groups",
        "no attribute camra; did you mean camera",
    ),
    "nothing": (
        "right: {uses: metric/accuracy, from: clean, by: group}",
        "nothing",
        "no group; they have neither group nor attribute",
    ),
    "many": (
        "right: {uses: metric/accuracy, from: clean, by: hour}",
        "groups",
        "at most 3 groups of samples in photos, got 6;",
    ),
}


@pytest.mark.parametrize(("step", "says", "words"), REFUSED.values(), ids=list(REFUSED))
def test_groups_that_the_data_lack_are_refused_first(
    tmp_path: Path, registry_with: Any, monkeypatch: Any, step: str, says: str, words: str
) -> None:
    """Before the step that predicts computes anything, with the line of the step."""
    monkeypatch.setattr(by_groups, "MOST", 3)
    plan = planned(tmp_path, registry_with(*TOYS), f"{STEPS}  {step}\n", says=says)
    workspace = Workspace(tmp_path, tmp_path / "out", tmp_path / "store")
    with pytest.raises(DataError, match=rf"p.yaml:\d+: right measures by .*{words}"):
        compute_stage(plan, "clean", workspace, 1)
    assert not list((tmp_path / "store").rglob("*.parquet"))


def test_a_group_without_labels_is_refused(tmp_path: Path, registry_with: Any) -> None:
    """It says which group of which step has nothing to be measured."""
    plan = planned(
        tmp_path, registry_with(*TOYS), f"{STEPS}{MORE.splitlines()[1]}\n", says="unlabelled"
    )
    words = "measures answers by camera: none of the . samples with camera right has a label"
    with pytest.raises(DataError, match=words):
        run_all(tmp_path, plan)


PLANS = {
    "folds": (
        "x: {uses: metric/mean_over_cells, from: answers, over: severity, by: camera, with: {measure: accuracy}}",
        "goes over whole cells",
    ),
    "folded": (
        "r: {uses: metric/accuracy, from: answers, by: camera}\n  x: {uses: metric/mean_over_cells, from: r, over: severity, with: {measure: accuracy}}",
        "fold a step without by:",
    ),
    "variable": (
        "x: {uses: metric/accuracy, from: answers, by: severity}",
        "severity is a variable of the matrix",
    ),
    "no metric": ("x: {uses: classifier/bright, from: photos, by: camera}", "by: is for metrics"),
    "defined": ("x: {uses: metric/accuracy, by: camera}", "needs from:"),
}


@pytest.mark.parametrize(("step", "words"), PLANS.values(), ids=list(PLANS))
def test_by_is_refused_where_it_means_nothing(
    tmp_path: Path, registry_with: Any, step: str, words: str
) -> None:
    """While planning, with the key's line."""
    with pytest.raises(PipelineError, match=words):
        planned(tmp_path, registry_with(*TOYS), f"{STEPS}  {step}\n")


def test_a_gate_names_by_and_no_other(tmp_path: Path, registry_with: Any) -> None:
    """Which groups there are is not known while planning; that there are cameras is."""
    steps = f"{STEPS}  r: {{uses: metric/accuracy, from: answers, by: camera}}\n"
    with pytest.raises(PipelineError, match="r does not depend on camra; did you mean camera"):
        planned(tmp_path, registry_with(*TOYS), steps, "r[camra=left].accuracy >= 0.5")
