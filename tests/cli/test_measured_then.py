"""Whether an accepted run measured as this one does: what differs is said, and what need not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from adversity.pipeline.plan.model import Cell, PlannedStep
from adversity_flows.runs.measured_then import MeasuredThen
from adversity_plugins.attack.gradient.pgd import PGD
from adversity_plugins.metric.psnr import PSNR

ONE = Cell((("k", "1"),))
MEASURE = {"value": 0.5, "n": 9, "convention": {"top": 1, "ties": "lower"}}


def otherwise(role, plugin=None, *, now=MEASURE, measure=MEASURE, **then):
    """Return what differs from a step that was the same but for `then`, in the cell k=1."""
    planned = PlannedStep(
        "s",
        role,
        None,
        "s",
        source=("test",),
        against="clean" if role == "attack" else None,
        variables=("k",),
        cells=(ONE,),
        plugins={ONE: plugin},
    )
    parameters = {} if plugin is None else plugin.parameters
    plan = SimpleNamespace(steps={"s": planned}, uses=lambda step: f"kind/{step}")
    parameters |= then.pop("parameters", {})
    cell = {"cell": {"k": "1"}, "measures": {"share": measure}, "parameters": parameters}
    step = {"source": ["test"], "against": planned.against, "uses": "kind/s", "cells": [cell]}
    step["knowledge"] = "white-box" if role == "attack" else None
    return MeasuredThen({"s": {**step, **then}}).otherwise(plan, planned, ONE, "share", now)


@pytest.mark.parametrize(
    ("role", "plugin"), [("predict", None), ("measure", PSNR()), ("attack", PGD(eps=0.1))]
)
def test_what_was_measured_alike_differs_in_nothing(role, plugin):
    """Also where the values are others, and where some of them are infinite."""
    assert otherwise(role, plugin) == ""
    infinite = {**MEASURE["convention"], "mean": "over finite values"}
    assert otherwise(role, plugin, now={"value": 7, "n": 3, "convention": infinite}) == ""


@pytest.mark.parametrize(
    ("then", "says"),
    [
        ({"source": ["dark"]}, 'from: was ["dark"] and is ["test"]'),
        ({"measure": {"convention": {"top": 5, "ties": "lower"}}}, "top was 5 and is 1"),
        ({"measure": {"convention": {"top": 1}}}, 'ties was not said and is "lower"'),
        ({"measure": {}}, 'top was not said and is 1, ties was not said and is "lower"'),
    ],
)
def test_another_convention_or_place_is_said(then, says):
    """Of any step: the same name is not the same measure."""
    found = otherwise("predict", **then)
    assert found.startswith(f"it was measured otherwise then: {says}; once a run that measures")


@pytest.mark.parametrize(
    ("role", "plugin", "then", "says"),
    [
        ("measure", PSNR(channels="luma"), {"parameters": {"channels": "rgb"}}, "luma"),
        ("measure", PSNR(), {"uses": "kind/other"}, 'uses: was "kind/other" and is "kind/s"'),
        ("measure", PSNR(), {"against": "clean"}, 'against: was "clean" and is null'),
        ("attack", PGD(eps=0.1), {"parameters": {"eps": 0.2}}, "eps was 0.2 and is 0.1"),
        ("attack", PGD(eps=0.1), {"against": "defended"}, 'against: was "defended" and is "clean"'),
        ("attack", PGD(eps=0.1), {"knowledge": "grey-box"}, 'knowledge: was "grey-box"'),
    ],
)
def test_another_yardstick_is_said(role, plugin, then, says):
    """A weaker attack, or another setting of a metric, makes no model better."""
    assert says in otherwise(role, plugin, **then)


def test_another_model_is_what_is_judged():
    """Of predictions the plugin may be another: its change is what the gate is for."""
    assert otherwise("predict", uses="kind/other", parameters={"width": 8}) == ""


def test_a_run_that_says_nothing_is_not_compared():
    """Nobody knows how it measured: its result is gone, or has no such measure."""
    planned = PlannedStep("s", "predict", None, "s")
    found = MeasuredThen({}).otherwise(SimpleNamespace(), planned, Cell(), "share", MEASURE)
    assert found == "that run does not say how it measured share; compare it with a number"
