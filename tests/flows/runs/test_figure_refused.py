"""Numbers of a report that `explain` refuses: a short list, which the documentation states."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from adversity.errors import InputError
from adversity.pipeline.plan.engine_measures import AFTERWARDS, OF_ANSWERS, OF_DECISIONS
from adversity_flows.runs.figure import figure_named

if TYPE_CHECKING:
    from adversity_flows.runs.recorded_runs import RecordedRun

DOCS = Path(__file__).parents[3] / "docs" / "reproducibility.md"
KNOWN = {*OF_ANSWERS, *OF_DECISIONS}


def recorded(*names: str) -> RecordedRun:
    """Return a run of one attack with these measures."""
    measures: Any = {name: {"value": 0.5, "n": 10} for name in names}
    cell = {"cell": {}, "measures": measures, "parameters": {}}
    step = {"id": "attacked", "uses": "attack/pgd", "cells": [cell]}
    run = SimpleNamespace(name="a run", steps={"attacked": step}, result={"steps": [step]})
    return cast("RecordedRun", run)


def test_the_documentation_states_what_is_refused() -> None:
    """All that is made of several steps, and no other measure of an attack."""
    text = DOCS.read_text(encoding="utf-8")
    sentence = re.search(r"Six measures of attacks are refused[^\n]*", text)
    assert sentence is not None
    assert len(AFTERWARDS) == 6
    assert {name for name in KNOWN if f"`{name}`" in sentence[0]} == AFTERWARDS


@pytest.mark.parametrize("name", sorted(AFTERWARDS))
def test_a_number_of_several_steps_is_refused_with_the_reason(name: str) -> None:
    """In one sentence that says where to look instead."""
    told = "rests on every attack" if name.startswith("worst_case") else "compares attacks"
    with pytest.raises(InputError, match=rf"^expected a measure of attacked, got {name}, .*{told}"):
        figure_named(recorded(*KNOWN), f"attacked.{name}")


@pytest.mark.parametrize("name", sorted(KNOWN - AFTERWARDS))
def test_what_the_attack_itself_showed_is_none_of_these(name: str) -> None:
    """Probes and signs of the engine are found like any other number."""
    assert figure_named(recorded(*KNOWN), f"attacked.{name}").measure.value == 0.5
