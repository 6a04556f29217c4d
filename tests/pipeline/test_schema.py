"""The schema accepts what the plan accepts and refuses what an editor should underline."""

from __future__ import annotations

import json

import pytest
import yaml

from adversity.pipeline.read.schema import pipeline_schema

jsonschema = pytest.importorskip("jsonschema")


@pytest.fixture(scope="module")
def validator(toys):
    schema = pipeline_schema(toys.ToyRegistry())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def _with_step(text, old, new):
    assert old in text
    return yaml.safe_load(text.replace(old, new))


def test_schema_is_json_and_accepts_the_good_pipeline(validator, pipeline_text):
    """The whole schema is plain JSON, valid by its own dialect, and the good file passes."""
    json.dumps(validator.schema, allow_nan=False)
    errors = [error.message for error in validator.iter_errors(yaml.safe_load(pipeline_text))]
    assert errors == []


@pytest.mark.parametrize("eps", ["8/255", 0.1, "$eps"])
def test_numbers_may_be_fractions_or_matrix_variables(validator, pipeline_text, eps):
    """A numeric parameter takes a number, a fraction and a variable."""
    tree = yaml.safe_load(pipeline_text)
    tree["steps"]["attacked"]["with"]["eps"] = eps
    assert validator.is_valid(tree)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("steps: 3", "stepz: 3"),
        ("eps: $eps        # on the [0, 1] scale", "target: next"),
        ("norm: linf", "norm: l7"),
        ("eps: $eps        # on", "eps: lots # on"),
        ("attack/push", "attack/unheard_of"),
        ("seed: 7", "sead: 7"),
        ("with: {path: data/photos}", "with: {}"),
        ("dataset/toy_folder, with: {path: data/held_out}", "attack/push"),
        ("fit_on: held_predictions", "keep: true"),
    ],
    ids=[
        "unknown parameter",
        "missing parameter",
        "wrong choice",
        "text for a number",
        "unknown plugin",
        "unknown key",
        "missing path",
        "attack as data",
        "a word of no step",
    ],
)
def test_what_is_wrong_is_underlined(validator, pipeline_text, old, new):
    """A file with one mistake is refused."""
    assert not validator.is_valid(_with_step(pipeline_text, old, new))


@pytest.mark.parametrize("over", ["severity", ["severity", "eps"]])
def test_folded_variables_are_a_name_or_a_list(validator, pipeline_text, over):
    """`over: seed` as well as `over: [seed, severity]`."""
    tree = yaml.safe_load(pipeline_text)
    tree["steps"]["mean"] = {"uses": "metric/ece", "from": "predictions", "over": over}
    assert validator.is_valid(tree)
    tree["steps"]["mean"]["over"] = {"severity": 1}
    assert not validator.is_valid(tree)


@pytest.mark.parametrize(
    "metrics", [["metric/ece"], [{"uses": "metric/ece", "with": {"bins": 30}}]]
)
def test_metrics_are_named_or_given_parameters(validator, pipeline_text, metrics):
    """A metric is its name or `uses` with parameters; other kinds are refused."""
    tree = yaml.safe_load(pipeline_text)
    assert validator.is_valid(tree | {"metrics": metrics})
    assert not validator.is_valid(tree | {"metrics": ["attack/push"]})


def test_every_description_is_one_line(validator):
    """What editors show while typing is a sentence, not a page."""
    uses = validator.schema["$defs"]["StepSpec"]["properties"]["uses"]["anyOf"]
    assert {"const": "attack/push", "description": "Push every pixel."} in uses
    assert all("\n" not in choice["description"] for choice in uses)
