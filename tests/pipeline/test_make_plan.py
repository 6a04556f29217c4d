"""The plan: everything resolved, or every problem with its line."""

from __future__ import annotations

import pytest

from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.plan.model import Cell


def test_parameters_are_resolved_for_every_cell(plan):
    """Each cell has the plugin with its own values, fractions as numbers, labels as written."""
    attacked = plan().steps["attacked"]
    assert attacked.variables == ("severity", "eps")
    eps = {cell.as_dict()["eps"]: plugin.eps for cell, plugin in attacked.plugins.items()}
    assert eps == {"4/255": 4 / 255, "8/255": 8 / 255, "0.10": 0.1}
    assert len(attacked.cells) == 6
    assert attacked.cells[1].key == "severity=1,eps=8/255"


def test_a_step_is_multiplied_only_over_what_it_comes_from(plan):
    """Variables reach a step through from, against, fit_on and its definition, nothing else."""
    variables = {id_: planned.variables for id_, planned in plan().steps.items()}
    assert variables == {
        "dark": ("severity",),
        "enhanced": ("severity",),
        "net": (),
        "clean_predictions": (),
        "predictions": ("severity",),
        "held_predictions": (),
        "confidence": ("severity",),
        "spread": ("severity",),
        "attacked": ("severity", "eps"),
    }


def test_variables_come_through_a_fit_and_a_definition(plan, pipeline_text):
    """A classifier fitted on degraded rows is fitted in each cell, and so is all it predicts."""
    text = pipeline_text.replace(
        "net:      {uses: classifier/tiny}",
        "train: {uses: degradation/darker, from: held_out, with: {severity: $severity}}\n"
        "  net: {uses: classifier/trained, fit_on: train}",
    ).replace("fit_on: held_predictions}", "fit_on: clean_predictions}")
    text = text.replace("  held_predictions:  {uses: net, from: held_out}\n", "")
    text = text.replace(
        "from: predictions, fit_on: clean_predictions", "from: predictions, fit_on: other"
    )
    text = text.replace(
        "data:\n", "data:\n  more: {uses: dataset/toy_folder, with: {path: data/more}}\n"
    )
    text = text.replace("  confidence:", "  other: {uses: net, from: more}\n  confidence:")
    made = plan(text)
    assert made.steps["net"].variables == ("severity",)
    assert made.steps["other"].cells == (Cell((("severity", "1"),)), Cell((("severity", "3"),)))
    assert made.stage("net").deps == ("data/held_out",)
    assert made.stage("net").views == ("train",)
    assert "artifacts/toy-under-attack/net" in made.stage("attacked").deps


def test_steps_come_after_what_they_need_whatever_the_file_says(plan, pipeline_text):
    """A step may stand before what it uses; the plan puts it behind."""
    head, rest = pipeline_text.split("steps:\n")
    moved = "  spread:     {uses: uncertainty/margin, from: confidence}\n"
    made = plan(f"{head}steps:\n{moved}{rest.replace(moved, '')}")
    order = list(made.steps)
    assert order.index("confidence") < order.index("spread")
    assert sorted(order) == sorted(made.spec.steps)


def test_roles_follow_from_the_kind(plan):
    """The role is the word of the plugin's kind; a step without `from:` defines."""
    roles = {id_: planned.role for id_, planned in plan().steps.items()}
    assert roles == {
        "dark": "view",
        "enhanced": "view",
        "net": "define",
        "clean_predictions": "predict",
        "predictions": "predict",
        "held_predictions": "predict",
        "confidence": "score",
        "spread": "score",
        "attacked": "attack",
    }


def test_resolved_says_who_brings_each_plugin(plan):
    """Distribution, version, API and source fingerprint stand there for steps, data, metrics."""
    resolved = plan().resolved
    assert resolved["steps"]["attacked"] == resolved["steps"]["net"] | {"plugin": "attack/push"}
    assert set(resolved["steps"]["attacked"]) == {
        "plugin",
        "distribution",
        "version",
        "api",
        "fingerprint",
    }
    assert set(resolved["data"]) == {"photos", "held_out"}
    assert list(resolved["metrics"]) == ["toys:accuracy"]
    assert len(resolved["steps"]["net"]["fingerprint"]) == 64


PACKED = ("dataset/toy_folder, with: {path: data/photos}", "dataset/packed")


def test_packaged_says_where_packaged_data_come_from(plan, pipeline_text, registry, monkeypatch):
    """Beside the plugin's origin stands the hash that the plugin makes of the package's files."""
    assert plan().packaged == {}
    packed = registry.get("dataset", "packed").cls
    monkeypatch.setattr(packed, "packaged_content", lambda self: "e5" * 32)
    made = plan(pipeline_text.replace(*PACKED))
    assert made.packaged == {"packed": {**made.resolved["data"]["photos"], "content": "e5" * 32}}


def test_package_files_that_cannot_be_hashed_are_a_finding(
    refuse, pipeline_text, registry, monkeypatch
):
    """Whatever a plugin raises there is said with the line of its data set."""

    def broken(self):
        raise OSError("Input/output error")

    monkeypatch.setattr(registry.get("dataset", "packed").cls, "packaged_content", broken)
    (finding,) = refuse(pipeline_text.replace(*PACKED))
    assert finding.startswith("pipelines/toy.yaml:4: ")
    assert "cannot be hashed: OSError: Input/output error; reinstall" in finding


def test_metrics_are_those_named_and_those_that_always_are(plan, pipeline_text):
    """A named metric carries its parameters; an always-on one is there unasked."""
    made = plan(pipeline_text + "metrics: [metric/psnr, {uses: metric/ece, with: {bins: 30}}]\n")
    assert [metric.name for metric in made.metrics] == ["accuracy", "ece", "psnr"]
    assert made.metrics[1].parameters == {"bins": 30}


def test_an_expensive_view_with_several_consumers_is_warned_of(plan, pipeline_text):
    """Two steps that restore the same images say so; an attack's own images do not count."""
    assert plan().warnings == ()
    text = pipeline_text.replace(
        "  predictions: ", "  again: {uses: net, from: enhanced}\n  predictions: "
    )
    (warning,) = plan(text).warnings
    assert warning.startswith("pipelines/toy.yaml:11: enhanced is computed again in each of")
    assert "again, predictions" in warning


def test_what_nothing_uses_is_warned_of(plan, pipeline_text):
    """A view and a definition that lead nowhere are said aloud."""
    text = pipeline_text.replace(
        "  net: ",
        "  lost: {uses: degradation/darker, from: photos, with: {factor: 0.5}}\n"
        "  idle: {uses: classifier/tiny}\n  net: ",
    )
    assert [warning.split(": ", 1)[1] for warning in plan(text).warnings] == [
        "nothing uses lost",
        "nothing uses idle",
    ]


def test_a_gate_on_a_measure_that_no_metric_promises_is_refused(
    load, registry, promising_registry, pipeline_text
):
    """Where every metric says what it makes, a misspelt measure is seen before the run."""
    assert make_plan(load(), promising_registry).warnings == ()
    text = pipeline_text.replace("].accuracy >=", "].acuracy >=")
    with pytest.raises(PipelineError) as caught:
        make_plan(load(text), promising_registry)
    (finding,) = caught.value.findings
    assert finding.startswith("pipelines/toy.yaml:27: gate ")
    assert finding.endswith("predictions has no measure acuracy; did you mean accuracy?")
    assert make_plan(load(text), registry).warnings == ()


def test_the_plan_keeps_matrix_values_as_written(plan):
    """Reports show what the file says, trailing zeros too."""
    assert plan().matrix == {"severity": ("1", "3"), "eps": ("4/255", "8/255", "0.10")}
