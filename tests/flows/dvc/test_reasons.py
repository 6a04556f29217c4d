"""Differences in words."""

from __future__ import annotations

import pytest

from adversity_flows.dvc.reasons import parameter_reasons, plugin_reasons, sentence, value_words


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({"seed": 0}, {"seed": 1}, ["seed 0 -> 1"]),
        ({"m": [1, 3]}, {"m": [1, 3, 5]}, ["m [1, 3] -> [1, 3, 5]"]),
        ({"s": {"with": {}}}, {"s": {"with": {"eps": "4/255"}}}, ["s.with.eps 4/255 is new"]),
        ({"s": {"with": {"a": 1}}}, {"s": {}}, ["s.with was taken out"]),
        ({"a": 1, "b": 2}, {"a": 2, "b": 3}, ["a 1 -> 2", "b 2 -> 3"]),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": "1"}, ["a 1 -> '1'"]),
    ],
)
def test_parameters_are_named_by_their_path(old, new, words):
    """Each leaf that differs is one sentence with path, old and new."""
    assert parameter_reasons(old, new) == words


def test_plugins_are_named_and_not_their_path():
    """A new version and a new source read as sentences about the plugin, each once."""
    old = {"steps.a": {"plugin": "attack/pgd", "version": "1.2", "fingerprint": "x"}}
    new = {"steps.a": {"plugin": "attack/pgd", "version": "1.3", "fingerprint": "y"}}
    assert plugin_reasons(old, new) == [
        "plugin attack/pgd: version 1.2 -> 1.3",
        "plugin attack/pgd: source changed",
    ]


def test_another_plugin_in_a_step_is_said_as_that():
    """Its version and source are another plugin's, not a change of this one."""
    old = {"steps.a": {"plugin": "attack/fgsm", "version": "1.2", "fingerprint": "x"}}
    new = {"steps.a": {"plugin": "attack/pgd", "version": "1.3", "fingerprint": "y"}}
    assert plugin_reasons(old, new) == ["plugin attack/fgsm -> attack/pgd"]


def test_a_plugin_in_two_steps_is_named_once():
    """The same change of one plugin in several steps is one reason."""
    old = {step: {"plugin": "attack/pgd", "fingerprint": "x"} for step in "ab"}
    new = {step: {"plugin": "attack/pgd", "fingerprint": "y"} for step in "ab"}
    assert plugin_reasons(old, new) == ["plugin attack/pgd: source changed"]


def test_a_gate_that_decides_how_many_rounds_run_is_named():
    """It is no plugin's, and is called by its place."""
    old, new = {"gates.strong": ["a >= 0.9"]}, {"gates.strong": ["a >= 0.5"]}
    assert plugin_reasons(old, new) == ["gates.strong ['a >= 0.9'] -> ['a >= 0.5']"]


def test_another_range_of_a_folded_measure_is_said_in_words():
    """The hash of what is known says nothing to a reader."""
    old, new = ({"steps.mean": {"plugin": "metric/m", "measures": hash_}} for hash_ in "ab")
    (reason,) = plugin_reasons(old, new)
    assert reason == "plugin metric/m: what is known of the measures that it folds changed"


def test_long_values_are_shortened_and_many_reasons_counted():
    """A reason fits a line of a terminal."""
    assert len(value_words("x" * 500)) < 60
    assert sentence([f"{name} changed" for name in "abcdef"]).endswith("; and 2 more")
