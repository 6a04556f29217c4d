"""Names and values that MLflow takes, judged by MLflow's own rules."""

from __future__ import annotations

from itertools import product

import pytest
from adversity_mlflow import record
from adversity_mlflow.names import NAME_LENGTH, Names, flatten
from mlflow.utils.validation import (
    MAX_PARAM_VAL_LENGTH,
    MAX_TAG_VAL_LENGTH,
    _validate_metric_name,
    _validate_param_name,
)

from adversity import Measure

PARTS = (
    "",
    ".",
    "..",
    "a/b",
    "../x",
    "eps=4/255,steps=10",
    "x,y=1",
    "grün",
    "ε=½",
    "t\n\x00",
    "q?",
)


def step(measures, **facts):
    """Return what the hook says of a step that was found unchanged."""
    facts_given = {"id": "attacked", "outcome": "cached", "seconds": 0.0, "notes": []}
    return facts_given | {"measures": measures} | facts


def run(**facts):
    """Return what the hooks say of a run, as far as it is read here."""
    facts_given = {
        "id": "1-smoke",
        "pipeline": "smoke",
        "file": "pipelines/smoke.yaml",
        "command": "run",
    }
    return facts_given | {"git": {}, "versions": {}, "parameters": {}} | facts


@pytest.mark.parametrize("first", PARTS[1:])
def test_every_name_is_one_that_mlflow_takes(first):
    """Dots, slashes, control characters and other alphabets give names MLflow accepts."""
    for cell, measure in product(PARTS, PARTS[1:]):
        name = Names().of(first, cell, measure, ending=".low")
        _validate_metric_name(name)
        _validate_param_name(name)


def test_different_things_get_different_names():
    """Whatever is written alike after cleaning, or was cut, stays apart."""
    names = Names()
    things = [*product(PARTS[1:], PARTS, PARTS[1:]), ("s", "", "m.low"), ("gates", "pass"),
              ("gates", "", "pass"), ("s", "a=1,b=2", "m"), ("s", "a_1 b=2", "m"),
              *(("s", "c" * 300, f"m{number}") for number in range(9))]  # fmt: skip
    found = [names.of(*thing) for thing in things] + [names.of("s", "", "m", ending=".low")]
    assert len(set(found)) == len(things) + 1
    assert max(map(len, found)) == NAME_LENGTH


def test_a_thing_keeps_its_name_in_every_run():
    """Charts over runs need the same name each time, also where it had to be shortened."""
    things = [("s", "c" * 300, "m"), ("a", "eps=1/2", "m"), ("a", "eps=1-2", "m")]
    first, second = Names(), Names()
    assert [first.of(*t) for t in things] == [second.of(*t) for t in things]
    assert [first.of(*t) for t in things] == [second.of(*t) for t in things]


def test_the_limits_are_those_of_mlflow():
    """A newer MLflow with tighter limits fails here and not in somebody's run."""
    assert record.PARAMETER_LENGTH == MAX_PARAM_VAL_LENGTH
    assert record.TAG_LENGTH == MAX_TAG_VAL_LENGTH


def test_what_is_too_long_is_cut_and_said():
    """The text fits to the character, ends in words, and the cut is remembered with its sizes."""
    cuts = record.Cuts()
    facts_given = run(
        parameters={"name": "smoke", "seed": 0, "metrics": ["m" * 7000], "gates": ["g"]}
    )
    found = record.parameters(facts_given, Names(), cuts)
    assert set(found) == {"seed", "metrics"}
    assert len(found["metrics"]) == MAX_PARAM_VAL_LENGTH
    assert found["metrics"].endswith("(cut)")
    assert cuts.said == ["parameter metrics, 7004 characters where MLflow takes 6000"]


def test_what_fits_is_not_touched():
    """Exactly as long as MLflow takes is not too long."""
    cuts = record.Cuts()
    assert cuts.fit("tag x", "t" * MAX_TAG_VAL_LENGTH, MAX_TAG_VAL_LENGTH) == "t" * 8000
    assert cuts.said == []


def test_nested_parameters_get_dotted_names():
    """Empty lists and mappings and absent values say nothing; false and 0 say something."""
    nested = {"a": {"b": {}, "c": [], "d": None, "e": False, "f": 0, "g": 0.5, "h": "text"}}
    assert dict(flatten(nested)) == {"a.e": "false", "a.f": "0", "a.g": "0.5", "a.h": "text"}


def test_an_interval_becomes_two_more_metrics():
    """Each cell has its own; a measure without an interval is one number."""
    measures = {"eps=4/255": {"acc": Measure(0.5, 8, 0.25, 0.75), "queries": Measure(3, 8)}}
    assert record.step_metrics(step(measures), Names()) == {
        "attacked/eps_4-255/acc": 0.5,
        "attacked/eps_4-255/acc.low": 0.25,
        "attacked/eps_4-255/acc.high": 0.75,
        "attacked/eps_4-255/queries": 3.0,
    }


def test_only_a_step_that_ran_has_a_time():
    """Zero seconds of a cached step would pull every average down."""
    assert record.step_metrics(step({}), Names()) == {}
    ran = step({}, outcome="ran", seconds=1.5)
    assert record.step_metrics(ran, Names()) == {"attacked/seconds": 1.5}


@pytest.mark.parametrize(
    ("code", "error", "status"),
    [(0, None, "FINISHED"), (1, None, "FINISHED"), (3, "disk", "FAILED"), (130, "^C", "KILLED")],
)
def test_a_failed_gate_is_a_result_and_not_a_failure(code, error, status):
    """Only a run without a verdict has failed."""
    assert record.status({"exit_code": code, "error": error}) == status


def test_git_is_told_where_there_is_git():
    """The revision stands in the tag that MLflow shows as the version; without git there is none."""
    cuts = record.Cuts()
    facts_given = record.start_tags(run(git={"revision": "abc", "state": "dirty"}), cuts)
    assert facts_given["mlflow.source.git.commit"] == "abc"
    assert facts_given["adversity.git_state"] == "dirty"
    assert not {"mlflow.source.git.commit", "mlflow.user"} & set(record.start_tags(run(), cuts))
