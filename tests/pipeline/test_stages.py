"""Stages: what makes a step stale, and what does not."""

from __future__ import annotations

import copy

import pytest
import yaml

FILE = "pipelines/toy.yaml"
RESOLVED = "pipelines/.resolved/toy-under-attack.yaml"


def _at(tree, key):
    for part in key.split("."):
        tree = tree[part]
    return tree


def _stale(plan, text, change):
    """Which stages have a parameter that a change touches, or come after one that has."""
    before = yaml.safe_load(text)
    after = copy.deepcopy(before)
    change(after)
    stages = plan(text).stages
    stale = set()
    for stage in stages:
        touched = any(_at(before, key) != _at(after, key) for key in stage.params.get(FILE, ()))
        upstream = {other.step for other in stages if other.out in stage.deps}
        if touched or upstream & stale:
            stale.add(stage.step)
    return stale


def test_another_eps_makes_only_the_attack_and_the_report_stale(plan, pipeline_text):
    """The promise of the design, for a parameter and for the matrix list."""
    assert _stale(
        plan, pipeline_text, lambda tree: tree["steps"]["attacked"]["with"].update(eps="2/255")
    ) == {"attacked", "report"}
    assert _stale(plan, pipeline_text, lambda tree: tree["matrix"]["eps"].append("1/255")) == {
        "attacked",
        "report",
    }


@pytest.mark.parametrize(
    ("change", "fresh"),
    [
        (lambda t: t["steps"]["dark"]["with"].update(severity=5), {"clean_predictions"}),
        (lambda t: t["steps"]["enhanced"].update({"with": {"gain": 3}}), {"clean_predictions"}),
        (lambda t: t["steps"]["net"].update({"with": {"weights": "x"}}), set()),
        (lambda t: t["data"]["held_out"].update(labels="x"), {"clean_predictions", "predictions"}),
        (lambda t: t["data"]["photos"].update(prepare={}), {"held_predictions"}),
        (lambda t: t["matrix"]["severity"].append(5), {"clean_predictions"}),
        (lambda t: t.update(seed=8), set()),
    ],
    ids=["degradation", "restoration", "definition", "fitting data", "data", "matrix", "seed"],
)
def test_a_change_makes_stale_what_comes_from_it(plan, pipeline_text, change, fresh):
    """What does not come from the change stays as it is; what does is run again."""
    always_fresh = {"held_predictions"} if fresh == {"clean_predictions"} else set()
    every = {stage.step for stage in plan(pipeline_text).stages}
    assert _stale(plan, pipeline_text, change) == every - fresh - always_fresh


def test_gates_schedule_and_run_enter_no_key(plan, pipeline_text):
    """How a pipeline runs and is judged changes no number."""
    text = pipeline_text + "run: {workers: 3, batch_size: 5}\nlicences: {deny: []}\n"
    stages = plan(text).stages
    keys = {key.split(".")[0] for stage in stages for key in stage.params.get(FILE, ())}
    assert keys == {"data", "matrix", "seed", "steps"}
    assert stages == plan(pipeline_text).stages


def test_every_tracked_key_stands_in_its_file(plan, pipeline_text):
    """DVC refuses a parameter that is not there, so defaults are not tracked."""
    without = pipeline_text.replace("seed: 7\n", "")
    for text in (pipeline_text, without, without + "metrics: [metric/psnr]\n"):
        made = plan(text)
        tree = yaml.safe_load(text)
        for stage in made.stages:
            for key in stage.params.get(FILE, ()):
                _at(tree, key)
            for key in stage.params.get(RESOLVED, ()):
                _at(made.resolved, key)


def test_scores_depend_on_stored_tables_alone(plan):
    """A calibration reads two tables; no image and no network."""
    stage = plan().stage("confidence")
    assert stage.deps == (
        "artifacts/toy-under-attack/held_predictions",
        "artifacts/toy-under-attack/predictions",
    )
    assert stage.views == ()
    assert stage.params[FILE] == ("matrix.severity", "seed", "steps.confidence")
    assert stage.params[RESOLVED] == ("core.device", "core.engine", "metrics", "steps.confidence")


def test_draws_depend_on_images_and_network_and_not_on_what_was_said(plan, pipeline_text):
    """What asks a classifier again reads the data, its fit, and no table of predictions."""
    text = pipeline_text.replace(
        "  spread: ", "  drawn: {uses: uncertainty/draws, from: predictions}\n  spread: "
    )
    made = plan(text)
    stage, asked = made.stage("drawn"), made.stage("predictions")
    assert stage.deps == asked.deps
    assert stage.views == asked.views
    own = {key for key in stage.params[RESOLVED] if key.startswith("steps")}
    assert own == {key for key in asked.params[RESOLVED] if key.startswith("steps")} | {
        "steps.drawn"
    }


def test_an_attack_depends_on_every_link_it_goes_through(plan):
    """Views, the classifier's definition and the calibration's fit are part of the key."""
    stage = plan().stage("attacked")
    assert stage.deps == ("artifacts/toy-under-attack/confidence", "data/photos")
    assert stage.views == ("dark", "enhanced")
    links = {"attacked", "confidence", "dark", "enhanced", "net", "predictions"}
    assert {key for key in stage.params[RESOLVED] if key.startswith("steps")} == {
        f"steps.{name}" for name in links
    }


def test_predictions_of_attacked_images_read_the_stored_ones(plan, pipeline_text):
    """A transfer step starts at the attack's artifact and not at the data."""
    text = pipeline_text.replace("gates:", "  moved: {uses: net, from: attacked}\ngates:")
    stage = plan(text).stage("moved")
    assert stage.deps == ("artifacts/toy-under-attack/attacked",)
    assert stage.views == ()


def test_packaged_data_get_one_stage_for_all_their_parameters(plan, pipeline_text):
    """Two splits of a packaged data set share one folder and one stage, which comes first."""
    text = pipeline_text.replace("dataset/toy_folder, with: {path: data/photos}", "dataset/packed")
    text = text.replace(
        "dataset/toy_folder, with: {path: data/held_out}", "dataset/packed, with: {split: train}"
    )
    first, second, *_ = plan(text).stages
    assert (first.step, first.name, first.out) == ("data:packed", "data-packed", "data/packed")
    assert first.command == "adversity materialise packed"
    assert (first.deps, first.metrics) == ((), None)
    assert first.params == {"pipelines/.resolved/data/packed.yaml": ("packed",)}
    assert second.deps == ("data/packed",)


def test_weight_files_are_dependencies(plan, pipeline_text, project):
    """A file of the project that a parameter names is hashed wherever the plugin runs."""
    (project / "weights").mkdir()
    (project / "weights" / "net.safetensors").write_bytes(b"")
    text = pipeline_text.replace(
        "classifier/tiny}", "classifier/tiny, with: {weights: weights/net.safetensors}}"
    )
    made = plan(text)
    for step in ("clean_predictions", "attacked"):
        assert "weights/net.safetensors" in made.stage(step).deps
    assert "weights/net.safetensors" not in made.stage("confidence").deps


def test_stage_names_and_places_follow_the_design(plan):
    """Names, commands, artifacts and metrics files are where every part looks for them."""
    stages = plan().stages
    assert stages[-1].step == "report"
    assert stages[-1].metrics is None
    attacked = plan().stage("attacked")
    assert attacked.name == "toy-under-attack-attacked"
    assert attacked.command == "adversity step pipelines/toy.yaml attacked"
    assert attacked.out == "artifacts/toy-under-attack/attacked"
    assert attacked.metrics == "metrics/toy-under-attack/attacked.json"
    outs = {stage.out for stage in stages[:-1]}
    assert outs <= set(stages[-1].deps)
    position = {stage.out: index for index, stage in enumerate(stages)}
    for index, stage in enumerate(stages):
        assert all(position.get(dep, -1) < index for dep in stage.deps)


def test_the_type_of_device_makes_every_step_stale_and_nothing_else_of_run(plan, pipeline_text):
    """Its last bits differ: each step that computes asks for it, the report does through them."""
    on_cpu, second = plan(), plan(pipeline_text + "run: {device: 'cuda:1', workers: 4}\n")
    assert on_cpu.resolved["core"]["device"] == "cpu"
    assert second.resolved["core"]["device"] == "cuda"
    assert plan(pipeline_text + "run: {device: cuda}\n").resolved == second.resolved
    for stage in second.stages:
        assert ("core.device" in stage.params[RESOLVED]) == (stage.step != "report")
        assert not any(key.startswith("run") for key in stage.params[FILE])
