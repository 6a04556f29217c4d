"""The plan: everything resolved, or every problem with its line."""

from __future__ import annotations

import pytest

from adversity.pipeline.model import Cell
from adversity.pipeline.plan import make_plan


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
    variables = {id_: node.variables for id_, node in plan().steps.items()}
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


def test_roles_follow_from_what_a_plugin_makes(plan):
    """The role is what the step leaves behind."""
    roles = {id_: node.role for id_, node in plan().steps.items()}
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


def test_metrics_are_those_named_and_those_that_always_are(plan, pipeline_text):
    """A named metric carries its parameters; an always-on one is there unasked."""
    made = plan(pipeline_text + "metrics: [metric/psnr, {uses: metric/ece, with: {bins: 30}}]\n")
    assert [metric.name for metric in made.metrics] == ["accuracy", "ece", "psnr"]
    assert made.metrics[1].parameters == {"bins": 30}


def test_a_dear_view_with_several_consumers_is_warned_of(plan, pipeline_text):
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


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "degradation/darker",
            "degradation/darkr",
            "pipelines/toy.yaml:10: unknown plugin degradation/darkr; did you mean darker?",
        ),
        (
            "degradation/darker",
            "degradations/darker",
            (
                "pipelines/toy.yaml:10: unknown kind of plugin 'degradations' in degradations/darker; "
                "did you mean degradation?"
            ),
        ),
        (
            "steps: 3",
            "step: 3",
            (
                "pipelines/toy.yaml:25: attack/push (toys 1.2): unknown parameter step; "
                "did you mean steps?"
            ),
        ),
        (
            "steps: 3",
            "steps: 0",
            (
                "pipelines/toy.yaml:25: attack/push (toys 1.2): steps must be "
                "greater than or equal to 1, got 0"
            ),
        ),
        (
            "norm: linf",
            "norm: l3",
            "pipelines/toy.yaml:23: attack/push (toys 1.2): norm must be 'linf' or 'l2', got 'l3'",
        ),
        (
            "0.10]",
            "8]",
            (
                "pipelines/toy.yaml:24: attack/push (toys 1.2): eps must be "
                "less than or equal to 1, got 8 (where eps=8)"
            ),
        ),
        (
            "      eps: $eps        # on the [0, 1] scale\n",
            "      target: $eps\n",
            (
                "pipelines/toy.yaml:22: attack/push (toys 1.2): parameter eps is missing; "
                "give it under with:"
            ),
        ),
        (
            "with: {severity: $severity}",
            "with: {severity: $severity, factor: 0.5}",
            (
                "pipelines/toy.yaml:10: degradation/darker (toys 1.2): "
                "severity excludes factor; give one or the other"
            ),
        ),
        (
            "from: enhanced}",
            "from: enhancd}",
            (
                "pipelines/toy.yaml:14: from: there is no step or data set enhancd; "
                "did you mean enhanced?"
            ),
        ),
        (
            "{uses: net, from: photos}",
            "{uses: nets, from: photos}",
            (
                "pipelines/toy.yaml:13: uses: expected kind/name or the id of a step, got nets; "
                "did you mean net?"
            ),
        ),
        (
            "{uses: net, from: photos}",
            "{uses: predictions, from: photos}",
            (
                "pipelines/toy.yaml:13: uses: predictions is not a definition, it has from:; "
                "name its plugin instead"
            ),
        ),
    ],
    ids=[
        "unknown plugin",
        "unknown kind",
        "unknown parameter",
        "out of range",
        "wrong choice",
        "wrong in one cell",
        "missing parameter",
        "plugin's own rule",
        "unknown source",
        "unknown definition",
        "not a definition",
    ],
)
def test_a_wrong_name_or_value_gets_one_line(refuse, pipeline_text, old, new, expected):
    """File, line, plugin, distribution, parameter, value, expectation, suggestion."""
    assert old in pipeline_text
    assert expected in refuse(pipeline_text.replace(old, new))


def test_all_problems_are_said_at_once_in_the_files_order(refuse, pipeline_text):
    """Three mistakes in three steps give three findings, and no others follow from them."""
    text = pipeline_text.replace("darker", "darkr").replace("classifier/tiny", "classifier/tini")
    found = refuse(text.replace("steps: 3", "stepz: 3"))
    assert [finding.split(":")[1] for finding in found] == ["10", "12", "25"]


def test_a_cycle_is_named_in_full(refuse, pipeline_text):
    """Every step on the circle is named, in order."""
    text = pipeline_text.replace(
        "degradation/darker, from: photos", "degradation/darker, from: enhanced"
    )
    (finding,) = refuse(text)
    assert finding == (
        "pipelines/toy.yaml:10: steps depend on each other in a circle: "
        "dark -> enhanced -> dark; cut one arrow"
    )


def test_a_denied_licence_is_refused(refuse, plan, pipeline_text):
    """The licence of weights counts as much as that of code; other licences pass."""
    assert plan(pipeline_text + "licences: {deny: [GPL-3.0-only, AGPL-*]}\n")
    found = refuse(pipeline_text + "licences: {deny: ['cc-by-nc-*']}\n")
    assert found == (
        (
            "pipelines/toy.yaml:12: classifier/tiny (toys 1.2): the licence of its weights is "
            "Apache-2.0 AND CC-BY-NC-4.0, which licences.deny refuses (cc-by-nc-*); use another plugin"
        ),
    )


def test_data_must_lie_in_the_project(refuse, pipeline_text, tmp_path):
    """A data set outside the project, and a link that leads there, are refused."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (tmp_path / "linked").symlink_to(outside)
    for place in ("../elsewhere", "/etc", "linked", "."):
        (finding,) = refuse(pipeline_text.replace("data/photos", place))
        assert finding.startswith("pipelines/toy.yaml:4: dataset/toy_folder (toys 1.2): ")
        assert "must lie in the project" in finding


def test_a_missing_labels_file_is_refused(refuse, plan, pipeline_text, project):
    """`labels:` must name a file of the project; then it is a dependency."""
    text = pipeline_text.replace("prepare: {centre", "labels: names.csv, prepare: {centre")
    assert "pipelines/toy.yaml:4: labels: there is no file names.csv in the project" in refuse(text)
    (project / "names.csv").write_text("a,b\n")
    assert "names.csv" in plan(text).stage("clean_predictions").deps


def test_parameters_that_leave_the_project_are_refused(refuse, plan, pipeline_text, tmp_path):
    """A weight file outside is refused by its parameter; text with a slash in it is not a path."""
    outside = tmp_path.parent / f"{tmp_path.name}.safetensors"
    outside.write_bytes(b"")
    for place in (f"../{outside.name}", outside, "../not-there"):
        text = pipeline_text.replace(
            "classifier/tiny}", f"classifier/tiny, with: {{weights: '{place}'}}}}"
        )
        (finding,) = refuse(text)
        assert finding.startswith("pipelines/toy.yaml:12: classifier/tiny (toys 1.2): weights: ")
        assert "must lie in the project" in finding
    assert plan(
        pipeline_text.replace("classifier/tiny}", "classifier/tiny, with: {weights: a/b/c}}")
    )


def test_a_gate_on_a_measure_that_no_metric_promises_is_warned_of(
    load, promising_registry, pipeline_text
):
    """Where every metric says what it makes, a misspelt measure is seen before the run."""
    assert make_plan(load(), promising_registry).warnings == ()
    text = pipeline_text.replace("].accuracy >=", "].acuracy >=")
    (warning,) = make_plan(load(text), promising_registry).warnings
    assert warning.startswith("pipelines/toy.yaml:27: gate ")
    assert warning.endswith("that it makes acuracy; did you mean accuracy?")


def test_the_plan_keeps_matrix_values_as_written(plan):
    """Reports show what the file says, trailing zeros too."""
    assert plan().matrix == {"severity": ("1", "3"), "eps": ("4/255", "8/255", "0.10")}
