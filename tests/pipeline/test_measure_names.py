"""One name, one measure: what the engine knows holds, and two metrics share no name."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from adversity import ImageMetric, MeasureInfo, Metric
from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.plan.engine_measures import OF_ATTACKS, OF_DATA
from adversity.pipeline.plan.measures import known_of, measures_of

METRICS = "metrics:\n  - metric/sharp\n  - metric/loud\n"
LINE = 26
"""Where `metrics:` stands; its first entry is one further down."""


class Sharp(Metric):
    """Say what three metrics say."""

    name: ClassVar[str] = "sharp"
    produces: ClassVar[Any] = {"sharpness": MeasureInfo(0, 1), "contrast": MeasureInfo(0, 1)}

    def compute(self, table: Any, reference: Any = None) -> Any:
        return {}


class Loud(Sharp):
    """Say it otherwise."""

    name: ClassVar[str] = "loud"
    produces: ClassVar[Any] = {"contrast": MeasureInfo(0, 100), "volume": MeasureInfo(0, 9)}


class Always(Loud):
    """Say it in every pipeline."""

    name: ClassVar[str] = "constant"
    always: ClassVar[bool] = True


class Signs(Sharp):
    """Declare a sign of the engine's, and the measure of a data set, as harmless."""

    name: ClassVar[str] = "signs"
    produces: ClassVar[Any] = {
        "zero_gradient_share": MeasureInfo(-5, 5),
        "unreadable_share": MeasureInfo(-5, 5),
    }


class Image(ImageMetric):
    """Fill a column of its own name."""

    name: ClassVar[str] = "contrast"

    def measure(self, images: Any, reference: Any) -> Any:
        return images.flatten(1).mean(1)

    def convention(self) -> Any:
        return {}


@pytest.fixture
def refused(load: Any, toys: Any, pipeline_text: str) -> Any:
    """Plan without gates, with some metrics instead of the toys'; return the findings, if any."""
    text = pipeline_text[: pipeline_text.index("gates:")]
    assert text.count("\n") == LINE - 1
    others = [cls for cls in toys.TOYS if cls.kind != "metric"]

    def findings_of(*metrics: type[Any], named: str = METRICS) -> tuple[str, ...]:
        try:
            make_plan(load(text + named), toys.ToyRegistry([*others, *metrics]))
        except PipelineError as error:
            return error.findings
        return ()

    return findings_of


def test_two_metrics_with_one_name_are_refused(refused: Any) -> None:
    """The line of the later one by name, both labels, the shared name alone, and what to do."""
    assert refused(Sharp, Loud) == (
        (
            f'pipelines/toy.yaml:{LINE + 1}: metric "sharp" (toys 1.2) and metric "loud" (toys 1.2) '
            "both measure contrast, and a measure has one name; leave sharp out of metrics:, or ask "
            "its author to rename the measure"
        ),
    )


def test_one_that_every_pipeline_computes_is_not_the_one_to_leave_out(refused: Any) -> None:
    """The file names the other one, wherever its name stands in the alphabet."""
    (finding,) = refused(Sharp, Always, named="metrics: [metric/sharp]\n")
    assert finding.startswith(f'pipelines/toy.yaml:{LINE}: metric "sharp"')
    assert 'and metric "constant" (toys 1.2) both measure contrast' in finding
    assert "leave sharp out of metrics:" in finding


def test_of_two_that_every_pipeline_computes_one_is_to_be_blocked(refused: Any) -> None:
    """No file can leave one out, so the message says how."""

    class Again(Always):
        """Say it twice."""

        name: ClassVar[str] = "constant_too"

    (finding,) = refused(Always, Again, named="")
    assert "both measure contrast, volume, and" in finding
    assert "uninstall it or set ADVERSITY_BLOCK=metric/toys:constant_too, or ask" in finding


def test_the_column_of_an_image_metric_counts(refused: Any) -> None:
    """Without `produces` it is named like the metric, and another's measure would replace it."""
    (finding,) = refused(Sharp, Image, named="metrics: [metric/sharp, metric/contrast]\n")
    assert 'and metric "contrast" (toys 1.2) both measure contrast, and' in finding


def test_a_name_of_the_engine_is_refused(refused: Any) -> None:
    """Nobody's metric measures what the engine does, of attacks or of data."""
    (finding,) = refused(Signs, named="metrics: [metric/signs]\n")
    said = "and Adversity itself both measure zero_gradient_share, unreadable_share, and"
    assert said in finding


def test_metrics_with_names_of_their_own_are_planned(refused: Any) -> None:
    """Two that share nothing stand side by side."""
    assert refused(Sharp, named="metrics: [metric/sharp]\n") == ()


def test_what_the_engine_knows_of_its_measures_holds(toys: Any, plan: Any) -> None:
    """A declaration of the same name replaces neither the words nor the range."""
    signs = Signs()
    share = measures_of([signs])["zero_gradient_share"]
    assert share == OF_ATTACKS["zero_gradient_share"]
    assert measures_of([signs])["unreadable_share"] == OF_DATA["unreadable_share"]
    attacked = known_of(plan().steps["attacked"], [signs], {})
    assert attacked is not None
    assert attacked["zero_gradient_share"] == share
