"""The metric of the worst sub-population: what tells them apart, and what is said of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adversity import Plot, Table
from adversity.errors import InputError
from adversity_plugins.metric.worst_group import WorstGroup


def table(**more: Any) -> Table:
    """Return 40 answers about two classes, right but for those on grass of class 1."""
    target = np.arange(40) % 2
    ground = np.where(np.arange(40) < 20, "grass", "sand").astype(object)
    correct = ~((target == 1) & (ground == "grass"))
    columns: dict[str, Any] = {
        "id": np.array([f"s{i}" for i in range(40)], dtype=object),
        "target": target,
        "prediction": np.where(correct, target, 1 - target),
        "correct": correct,
        "confidence": np.full(40, 0.9),
        "attribute_ground": ground,
        "attribute_hour": np.array([8.0, 8.5] * 19 + [np.nan] * 2),
    }
    return Table(columns | more, ("cow", "camel"))


@pytest.mark.parametrize(
    ("across", "worst", "value"),
    [
        (("class",), "camel", 0.5),
        (("answer",), "cow", 20 / 30),
        (("ground",), "grass", 0.5),
        (("hour",), "8.5", 9 / 19),
        (("ground", "class"), "ground grass, class camel", 0.0),
    ],
)
def test_sub_populations_are_told_by_name(across: Any, worst: str, value: float) -> None:
    """Classes, answers, texts, numbers, and combinations, in which alone nothing is right."""
    found = WorstGroup(across=across).compute(table())
    accuracy = found["worst_group_accuracy"]
    assert accuracy.details["groups"][0]["group"] == worst
    assert accuracy.value == pytest.approx(value)
    assert accuracy.convention["by"] == ", ".join(across)
    plot = Plot.from_json(accuracy.details["plot"])
    assert plot.x[0] == worst
    gap = found["worst_group_confidence_gap"]
    assert gap.details["groups"][0]["group"] == worst
    assert gap.value == pytest.approx(0.9 - value)


def test_one_name_is_a_list_of_it_and_who_has_none_is_counted() -> None:
    """`across: hour` as people write it."""
    found = WorstGroup.model_validate({"across": "hour"}).compute(table())["worst_group_accuracy"]
    assert found.convention["in_none"] == "2 of 40 samples"
    assert found.n == 38


def test_copies_of_an_image_are_one_draw() -> None:
    """Where samples come in groups the interval says so, and the core leaves it as it is."""
    groups = np.repeat([f"image {i}" for i in range(10)], 4).astype(object)
    wide = WorstGroup(across=("ground",)).compute(table(group=groups))["worst_group_accuracy"]
    narrow = WorstGroup(across=("ground",)).compute(table())["worst_group_accuracy"]
    assert wide.method is not None
    assert wide.method.endswith("grouped")
    assert wide.low is not None
    assert narrow.low is not None
    assert wide.low < narrow.low


def test_an_attribute_that_is_not_there_is_refused_with_those_that_are() -> None:
    """And a name that means two things."""
    with pytest.raises(InputError, match="'grond', got some with class, answer, ground, hour; did"):
        WorstGroup(across=("grond",)).compute(table())
    with pytest.raises(InputError, match="'group', got some with class, answer, ground, hour; "):
        WorstGroup(across=("group",)).compute(table())
    twice = table(attribute_class=np.array(["x"] * 40, dtype=object))
    with pytest.raises(InputError, match=r"class to mean one thing, .* rename the attribute"):
        WorstGroup().compute(twice)
