"""The measures of a table: none is lost because two metrics measure under one name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from adversity import Measure, MeasureInfo, Metric
from adversity.engine.stages.measuring import measures_of_rows
from adversity.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

ROWS = {"id": np.array(["a", "b", "c", "d"], dtype=object), "target": np.array([0, 1, 1, 1])}


class Ones(Metric):
    """Share of the class 1, under whatever name."""

    name: ClassVar[str] = "ones"
    measure: str = "ones"

    def compute(self, table: Any, reference: Any = None) -> Mapping[str, Measure]:
        return {self.measure: Measure(float(np.mean(table["target"])), len(table))}


class Said(Ones):
    """The same with its words; what it declares is not all that it measures."""

    name: ClassVar[str] = "said"
    produces: ClassVar[Any] = {"said": MeasureInfo(0, 1, title="share of ones")}


def test_each_metric_s_measures_are_there_with_their_words() -> None:
    """Three of four rows are of class 1; what a metric declares is said of its own measure."""
    found = measures_of_rows([Ones(), Said(measure="said")], ROWS, ("a", "b"))
    assert {name: (one.value, one.n) for name, one in found.items()} == {
        "ones": (0.75, 4),
        "said": (0.75, 4),
    }
    assert (found["ones"].info.title, found["said"].info.title) == ("", "share of ones")


@pytest.mark.parametrize(
    ("measure", "owner"),
    [("ones", 'metric "ones"'), ("zero_gradient_share", "Adversity itself")],
    ids=["another metric's", "the engine's"],
)
def test_a_name_that_is_taken_ends_the_step(measure: str, owner: str) -> None:
    """Where no declaration tells before the run, neither number takes the other's place."""
    with pytest.raises(PluginError) as caught:
        measures_of_rows([Ones(), Said(measure=measure)], ROWS, ("a", "b"))
    assert str(caught.value).startswith(f'metric "said" and {owner} both measure {measure}, and')
