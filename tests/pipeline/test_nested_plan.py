"""Plugins in the parameters of plugins: resolved when planning, with every rule of a step."""

from __future__ import annotations

import pytest
import yaml

from adversity.engine.summary.summarise import nested_records
from adversity.pipeline.read.schema import pipeline_schema

WEATHER = """\
name: toy-weather
data:
  photos:   {uses: dataset/toy_folder, with: {path: data/photos}}
  held_out: {uses: dataset/toy_folder, with: {path: data/held_out}}
matrix:
  factor: [1/2, 1/4]
steps:
  clean: {uses: classifier/tiny, from: photos}
  storm:
    uses: attack/weather
    from: photos
    against: clean
    with:
      eps: 8/255
      degradation:
        uses: darker
        with:
          factor: 0.5
  net:    {uses: classifier/trained, fit_on: held_out}
"""


@pytest.fixture
def registry(toys, toys_with_parts):
    """The toy plugins, and those that hold plugins."""
    return toys.ToyRegistry([*toys.TOYS, *toys_with_parts.NESTING])


def _changed(old: str, new: str) -> str:
    assert old in WEATHER
    return WEATHER.replace(old, new)


def _storm(plan, text=WEATHER, *overrides):
    return plan(_without_matrix(text), *overrides).steps["storm"]


def _without_matrix(text: str) -> str:
    return text if "$" in text else text.replace("matrix:\n  factor: [1/2, 1/4]\n", "")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "uses: darker",
            "uses: darkr",
            (
                'pipelines/toy.yaml:14: attack "weather" (toys 1.2): degradation: unknown plugin '
                "degradation/darkr; did you mean darker?"
            ),
        ),
        (
            "factor: 0.5",
            "facto: 0.5",
            (
                'pipelines/toy.yaml:16: attack "weather" (toys 1.2): degradation: '
                'degradation "darker" (toys 1.2): unknown parameter facto; did you mean factor?'
            ),
        ),
        (
            "factor: 0.5",
            "factor: 3/2",
            (
                'pipelines/toy.yaml:16: attack "weather" (toys 1.2): degradation: '
                'degradation "darker" (toys 1.2): factor must be less than or equal to 1, got 1.5'
            ),
        ),
        (
            "uses: darker",
            "uses: restoration/brighter",
            (
                'pipelines/toy.yaml:14: attack "weather" (toys 1.2): degradation: expected a '
                "degradation plugin, and restoration/brighter is of kind restoration"
            ),
        ),
        (
            "        uses: darker",
            "        use: darker",
            (
                'pipelines/toy.yaml:14: attack "weather" (toys 1.2): degradation: unknown key use; '
                "beside uses: there is with: alone"
            ),
        ),
        (
            "      eps: 8/255",
            "      eps: 8/255\n      network: trained",
            (
                'pipelines/toy.yaml:13: attack "weather" (toys 1.2): network: classifier/trained must '
                "be fitted first; in a pipeline give it a step with fit_on: and name that step here "
                "(uses: STEP), in Python fit it and give the fitted object"
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_plugin_in_a_parameter_is_said_with_its_line(
    refuse, old, new, expected
):
    """Each mistake names the outer plugin, the parameter, the inner plugin and the nested line."""
    assert refuse(_without_matrix(_changed(old, new))) == (expected,)


@pytest.mark.parametrize(
    ("written", "severity"),
    [
        ("mixture", None),
        ("{uses: darker, with: {severity: 2}}", 2),
        ("{uses: degradation/darker, with: {severity: 4}}", 4),
    ],
)
def test_uses_takes_a_name_with_or_without_its_kind(plan, refuse, written, severity):
    """A bare name stands for `uses` without parameters."""
    at = WEATHER.index("      degradation:\n")
    text = WEATHER[:at] + f"      degradation: {written}\n" + WEATHER[WEATHER.index("  net:") :]
    if severity is None:
        assert "parameter parts is missing" in refuse(_without_matrix(text))[0]
    else:
        (storm,) = _storm(plan, text).plugins.values()
        assert storm.degradation.plugin.severity == severity
        assert storm.degradation.distribution == "toys"


def test_matrix_variables_work_inside(plan):
    """`$factor` under the nested `with` multiplies the step, and each cell has its own value."""
    storm = _storm(plan, _changed("factor: 0.5", "factor: $factor"))
    assert storm.variables == ("factor",)
    found = {cell.key: plugin.degradation.plugin.factor for cell, plugin in storm.plugins.items()}
    assert found == {"factor=1/2": 0.5, "factor=1/4": 0.25}


def test_the_report_has_a_record_of_what_is_inside(plan):
    """Version and licence of the plugin in a parameter, once for all cells of the matrix."""
    (record,) = nested_records(_storm(plan, _changed("factor: 0.5", "factor: $factor")))
    assert record["uses"] == "degradation/darker"
    assert (record["distribution"], record["version"], record["licence"]) == ("toys", "1.2", "MIT")


def test_the_licence_rules_hold_inside(refuse):
    """`licences.deny` looks at the plugin in a parameter, too."""
    text = _without_matrix(_changed("      eps: 8/255", "      eps: 8/255\n      network: tiny"))
    (found,) = [
        finding
        for finding in refuse(text + "licences: {deny: [non-commercial]}\n")
        if "network" in finding
    ]
    assert 'toy.yaml:13: attack "weather" (toys 1.2): network: classifier "tiny"' in found
    assert "which licences.deny refuses" in found


def test_it_enters_the_fingerprint_and_the_resolved_file(plan, monkeypatch):
    """Other nested parameters give another fingerprint, other nested source another record."""
    (half,) = _storm(plan).plugins.values()
    (quarter,) = _storm(plan, _changed("factor: 0.5", "factor: 0.25")).plugins.values()
    assert half != quarter
    assert half.fingerprint != quarter.fingerprint
    text = _without_matrix(WEATHER)
    before = plan(text).resolved["steps"]
    assert list(before["storm"]["nested"]) == ["degradation/toys:darker"]
    assert "nested" not in before["clean"]
    real = __import__(
        "adversity.pipeline.plan.origins", fromlist=["source_fingerprint"]
    ).source_fingerprint
    monkeypatch.setattr(
        "adversity.pipeline.plan.origins.source_fingerprint",
        lambda cls, **known: "changed" if cls.name == "darker" else real(cls, **known),
    )
    after = plan(text).resolved["steps"]
    assert {step for step in before if before[step] != after[step]} == {"storm"}


def test_plugins_of_plugins_of_plugins_are_resolved(plan, refuse):
    """A mixture of degradations in an attack: all are recorded, and faults have their line."""
    inner = "{uses: mixture, with: {parts: [darker_text, {uses: darker, with: {severity: 1}}]}}"
    at = WEATHER.index("      degradation:\n")
    text = WEATHER[:at] + f"      degradation: {inner}\n" + WEATHER[WEATHER.index("  net:") :]
    good = text.replace("darker_text", "{uses: darker, with: {severity: 5}}")
    storm = _storm(plan, good)
    (plugin,) = storm.plugins.values()
    assert [part.plugin.severity for part in plugin.degradation.plugin.parts] == [5, 1]
    nested = plan(_without_matrix(good)).resolved["steps"]["storm"]["nested"]
    assert list(nested) == ["degradation/toys:darker", "degradation/toys:mixture"]
    (finding,) = refuse(_without_matrix(text.replace("darker_text", "darkr")))
    assert "toy.yaml:13:" in finding
    assert "parts.0: unknown plugin degradation/darkr; did you mean darker?" in finding


NET = "      eps: 8/255\n      network: net"


def test_a_fitted_step_may_be_named(plan):
    """`network: net` is the plugin of that step: it comes first, and its artifact is an input."""
    made = plan(_without_matrix(_changed("      eps: 8/255", NET)))
    storm = made.steps["storm"]
    assert storm.nested == ("net",)
    assert list(made.steps).index("net") < list(made.steps).index("storm")
    stage = made.stage("storm")
    assert "artifacts/toy-weather/net" in stage.deps
    assert "steps.net" in stage.params["pipelines/toy.yaml"]
    assert "steps.net" in stage.params["pipelines/.resolved/toy-weather.yaml"]
    assert not [warning for warning in made.warnings if "net" in warning]
    (plugin,) = storm.plugins.values()
    assert plugin.network.step == "net"


def test_what_belongs_to_the_named_step_stays_there(refuse):
    """Parameters of a named step are written there."""
    given = "      eps: 8/255\n      network: {uses: net, with: {seed: 3}}"
    text = _changed("      eps: 8/255", given)
    assert "with: belongs to the step; write it under net" in refuse(_without_matrix(text))[0]


def test_the_schema_offers_the_plugins_of_the_kind(registry):
    """An editor completes nested names and parameters, and underlines wrong ones."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = pipeline_schema(registry)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(yaml.safe_load(WEATHER))
    assert validator.is_valid(yaml.safe_load(_changed("factor: 0.5", "factor: $factor")))
    assert validator.is_valid(yaml.safe_load(_changed("      eps: 8/255", NET)))
    for old, new in (
        ("uses: darker", "uses: restoration/brighter"),
        ("factor: 0.5", "facto: 0.5"),
        ("factor: 0.5", "factor: [1]"),
    ):
        assert not validator.is_valid(yaml.safe_load(_changed(old, new)))


def test_the_variables_of_a_named_step_multiply_the_outer_one(plan):
    """Each cell of the outer step holds the named step's plugin of that cell."""
    text = _changed("      eps: 8/255", NET).replace("factor: [1/2, 1/4]", "factor: [1, 2]")
    text = text.replace("fit_on: held_out}", "fit_on: held_out, with: {seed: $factor}}")
    storm = plan(text).steps["storm"]
    assert storm.variables == ("factor",)
    assert {p.network.plugin.seed for p in storm.plugins.values()} == {1, 2}


def test_a_mark_is_demanded_of_it_too(refuse):
    """`conformance: required` asks for the inner plugin's mark at its own line."""
    found = refuse(_without_matrix(WEATHER) + "conformance: required\n")
    (inner,) = [finding for finding in found if "degradation: conformance: required" in finding]
    assert inner.startswith('pipelines/toy.yaml:14: attack "weather" (toys 1.2): degradation:')
    assert 'degradation "darker" (toys 1.2) was not checked' in inner


def test_steps_that_name_each_other_are_a_circle(refuse):
    """A plugin of a step that needs the outer step cannot be ready before it."""
    text = _without_matrix(_changed("      eps: 8/255", NET)).replace(
        "fit_on: held_out}", "fit_on: storm}"
    )
    assert any("depend on each other in a circle" in finding for finding in refuse(text))
