"""What the Prefect UI gets to show of a step."""

from __future__ import annotations

import re

import pytest

from adversity.contracts.values import Measure
from adversity.engine.stages.stage import StageResult
from adversity.pipeline.plan.model import Stage
from adversity_flows.prefect_flows.artifacts import artifact_key, step_markdown

STAGE = Stage("dark", "toy-dark", "", (), {}, "artifacts/toy/dark", views=("fog", "fixed"))


@pytest.mark.parametrize("parts", [("toy", "dark_step", "a.B"), ("--x--", "data:digits", "ä")])
def test_keys_hold_only_what_prefect_takes(parts: tuple[str, ...]) -> None:
    """Every key is lower-case letters, digits and single dashes, at neither end."""
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", artifact_key(*parts))


def test_a_measure_is_shown_with_its_interval_and_n() -> None:
    """A line holds cell, name, value with unit, both bounds with their level, and n."""
    measure = Measure(31.25, 20, low=30.0, high=32.5, level=0.95, unit="dB")
    text = step_markdown(STAGE, StageResult("dark", {"severity=3": {"psnr_db": measure}}, (), 20))
    assert "| severity=3 | psnr_db | 31.25 dB | 30 to 32.5 (95%) | 20 |" in text
    assert "fog, fixed" in text
    assert "20 rows" in text


def test_a_measure_without_an_interval_claims_none() -> None:
    """The interval's field stays empty, and a step without a matrix is one cell."""
    text = step_markdown(STAGE, StageResult("dark", {"": {"n_flips": Measure(3.0, 20)}}, (), 20))
    assert "| all | n_flips | 3 |  | 20 |" in text


def test_notes_cannot_break_the_page() -> None:
    """A note with a bar and a line break stays one line of the list."""
    text = step_markdown(STAGE, StageResult("dark", {}, ("a|b\nc",), 1))
    assert "- a\\|b c\n" in text
    assert "| cell |" not in text
