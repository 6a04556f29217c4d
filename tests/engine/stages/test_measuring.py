"""The measures of a table: none is lost because two metrics measure under one name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from adversity import ImageMetric, Measure, MeasureInfo, Metric
from adversity.engine.calls.ready import Ready
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


def ready(*metrics: Metric) -> list[Ready]:
    """Return metrics as a run has them."""
    return [Ready(metric, f'metric "{metric.name}"') for metric in metrics]


def test_each_metric_s_measures_are_there_with_their_words() -> None:
    """Three of four rows are of class 1; what a metric declares is said of its own measure."""
    found = measures_of_rows(ready(Ones(), Said(measure="said")), ROWS, ("a", "b"))
    assert {name: (one.value, one.n) for name, one in found.items()} == {
        "ones": (0.75, 4),
        "said": (0.75, 4),
    }
    assert (found["ones"].info.title, found["said"].info.title) == ("", "share of ones")


class Drawn(Metric):
    """Bring a plot that nobody can draw."""

    name: ClassVar[str] = "drawn"

    def compute(self, table: Any, reference: Any = None) -> Mapping[str, Measure]:
        return {"height": Measure(1.0, 4, details={"plot": {"form": "line", "x": 3}})}


def test_a_plot_that_cannot_be_drawn_is_the_metric_s_fault() -> None:
    """It is refused where the metric is known, with its name, and not in a section of the report."""
    with pytest.raises(PluginError, match=r'metric "drawn": height: expected `details\[\'plot'):
        measures_of_rows(ready(Drawn()), ROWS, ("a", "b"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_measure_that_is_no_number_is_refused(value: float) -> None:
    """In a run as in the kit: the mean of nothing has no place in a table."""
    with pytest.raises(PluginError, match=r'metric "blank": expected a finite blank, got'):
        measures_of_rows(ready(Blank(value=value)), ROWS, ("a", "b"))


class Blank(Metric):
    """Measure what is no number."""

    name: ClassVar[str] = "blank"
    value: Any = 0.0

    def compute(self, table: Any, reference: Any = None) -> Mapping[str, Measure]:
        return {"blank": Measure(self.value, 4)}


@pytest.mark.parametrize(
    ("measure", "owner"),
    [("ones", 'metric "ones"'), ("zero_gradient_share", "Adversity itself")],
    ids=["another metric's", "the engine's"],
)
def test_a_name_that_is_taken_ends_the_step(measure: str, owner: str) -> None:
    """Where no declaration tells before the run, neither number takes the other's place."""
    with pytest.raises(PluginError) as caught:
        measures_of_rows(ready(Ones(), Said(measure=measure)), ROWS, ("a", "b"))
    assert str(caught.value).startswith(f'metric "said" and {owner} both measure {measure}, and')


def test_a_convention_that_fails_names_the_metric() -> None:
    """Whose it is, and what it raised, as of anything that a plugin does."""
    silent = type("Silent", (Alike,), {"name": "silent", "convention": lambda self: 1 / 0})
    with pytest.raises(PluginError, match='metric "silent" raised ZeroDivisionError'):
        measures_of_rows(ready(silent()), ROWS | {"alike": np.ones(4)}, ())


class Alike(ImageMetric):
    """Whatever its column holds, of at most 1."""

    name: ClassVar[str] = "alike"
    produces: ClassVar[Any] = {"alike": MeasureInfo(-1.0, 1.0)}

    def measure(self, images: Any, reference: Any) -> Any:
        raise NotImplementedError

    def convention(self) -> Mapping[str, object]:
        return {"channels": "all"}


def test_the_interval_of_an_image_metric_ends_where_its_range_does() -> None:
    """Student's around .97 would end at 1.06, which no mean of values up to 1 can be."""
    rows = ROWS | {"alike": np.array([1.0, 1.0, 0.99, 0.89])}
    found = measures_of_rows(ready(Alike()), rows, ())["alike"]
    assert found.value == pytest.approx(0.97)
    assert found.low == pytest.approx(0.97 - 3.182446 * np.std(rows["alike"], ddof=1) / 2)
    assert found.high == 1.0
