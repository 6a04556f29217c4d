"""What goes by features: where it may stand, and what is refused before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pytest

from adversity import Classifier, Combine, Detector, Fitted, Metric
from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.plan.features import keeps_features

if TYPE_CHECKING:
    from collections.abc import Callable

PIPELINE = """\
name: strange
data:
  photos: {uses: dataset/toy_folder, with: {path: data/photos}}
  held: {uses: dataset/toy_folder, with: {path: data/held}}
steps:
  net: {uses: classifier/seeing}
  predictions: {uses: net, from: photos}
  held_predictions: {uses: net, from: held}
  others: {uses: classifier/seeing, from: held, with: {sight: 2}}
  scaled: {uses: uncertainty/scaling, from: predictions, fit_on: held_predictions}
  both: {uses: uncertainty/mean, from: [predictions, peers]}
  peers: {uses: classifier/seeing, from: photos, with: {sight: 3}}
  dull: {uses: classifier/tiny, from: photos}
  dull_held: {uses: classifier/tiny, from: held}
"""

METRIC = "\n".join(line for line in PIPELINE.splitlines() if " both:" not in line) + "\n"


class Seeing(Classifier):
    """Has features."""

    name: ClassVar[str] = "seeing"
    licence: ClassVar[str] = "MIT"
    sight: int = 1

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def features(self, images: Any) -> Any:
        return images.flatten(1)

    def logits(self, images: Any) -> Any:
        return images.flatten(1)[:, :2]


class Asking(Detector):
    """Asks the head."""

    name: ClassVar[str] = "asking"
    licence: ClassVar[str] = "MIT"
    needs_head: ClassVar[bool] = True

    def score(self, features: Any, logits: Any) -> Any:
        raise NotImplementedError


class Taught(Seeing, Fitted):
    """Has features, and learns."""

    name: ClassVar[str] = "taught"

    def fit(self, data: Any, rng: Any) -> Any:
        raise NotImplementedError

    def load(self, state: Any) -> None:
        raise NotImplementedError


class Distance(Detector, Fitted):
    """Goes by features."""

    name: ClassVar[str] = "distance"
    licence: ClassVar[str] = "MIT"
    fits_on: ClassVar[str] = "features"

    def fit(self, data: Any, rng: Any) -> Any:
        raise NotImplementedError

    def load(self, state: Any) -> None:
        raise NotImplementedError

    def score(self, features: Any, logits: Any) -> Any:
        raise NotImplementedError


class Mean(Combine):
    """One answer."""

    name: ClassVar[str] = "mean"
    licence: ClassVar[str] = "MIT"

    def combine(self, members: Any) -> Any:
        return members.mean(0)


@pytest.fixture
def planned(load: Any, toys: Any) -> Callable[..., Any]:
    """Plan a step `strange`, and more steps."""
    registry = toys.ToyRegistry([*toys.TOYS, Seeing, Distance, Mean, Asking])

    def of(step: str, more: str = "") -> Any:
        return make_plan(load(f"{PIPELINE}  strange: {{{step}}}\n{more}"), registry)

    return of


def refusal(planned: Callable[..., Any], step: str) -> str:
    """Return why a step is refused."""
    with pytest.raises(PipelineError) as caught:
        planned(step)
    return "\n".join(caught.value.findings)


GOOD = "uses: uncertainty/distance, from: predictions, fit_on: held_predictions"


def test_the_steps_that_it_goes_by_keep_features(planned: Callable[..., Any]) -> None:
    """Those in `from:` and `fit_on:`, and no other; through a definition, too."""
    plan = planned(GOOD)
    kept = [id_ for id_, of in plan.resolved["steps"].items() if "features" in of]
    assert kept == ["predictions", "held_predictions"]
    more = "  odd: {uses: strange, from: predictions}\n"
    plan = planned("uses: uncertainty/distance, fit_on: held_predictions", more)
    kept = [id_ for id_, of in plan.resolved["steps"].items() if "features" in of]
    assert kept == ["predictions", "held_predictions"]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            GOOD.replace("m: predictions", "m: scaled"),
            "of one network, and scaled has none; name predictions",
        ),
        (GOOD.replace("m: predictions", "m: both"), "both has none; name predictions or peers"),
        (GOOD.replace("m: predictions", "m: photos"), "works on predictions or scores; photos is"),
        (
            GOOD.replace("n: held_predictions", "n: scaled"),
            "is fitted on predictions; scaled is scores",
        ),
        (GOOD.replace("n: held_predictions", "n: held"), "is fitted on predictions; held is"),
        (
            GOOD.replace("n: held_predictions", "n: both"),
            "both has none; name predictions or peers",
        ),
        (
            GOOD.replace("n: held_predictions", "n: others"),
            "fitted on the answers of others, and used",
        ),
        (
            "uses: uncertainty/distance, from: dull, fit_on: dull_held",
            'and classifier "tiny" (toys 1.2) offers none, which dull uses; use a classifier that',
        ),
        (
            "uses: uncertainty/asking, from: predictions",
            'asks the last layer of a network, and classifier "seeing" (toys 1.2) does not offer it',
        ),
        ("uses: uncertainty/distance, from: predictions", "must be fitted; name its data with"),
    ],
)
def test_what_has_no_features_is_refused(
    planned: Callable[..., Any], step: str, message: str
) -> None:
    """Ensembles, calibrators, data, other networks, networks without features: one message."""
    assert message in refusal(planned, step)


def test_what_fits_may_not_judge(planned: Callable[..., Any]) -> None:
    """The data set that fitted a detector is refused as the one that it is judged on."""
    step = "uses: uncertainty/distance, from: held_predictions, fit_on: held_predictions"
    assert "would be judged on images that fitted strange" in refusal(planned, step)


TRAINED = PIPELINE.replace(
    "  net: {uses: classifier/seeing}", "  net: {uses: classifier/taught, fit_on: held}"
)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("", ""),
        ("  doubt: {uses: uncertainty/margin, from: held_predictions}\n", "judged on images that"),
        ("  more: {uses: metric/accuracy, from: held_predictions}\n", "judged on images that"),
        (
            "  scale: {uses: uncertainty/scaling, fit_on: held_predictions}\n",
            "judged on images that",
        ),
        (
            "gates: [held_predictions.accuracy >= 0.5]\n",
            "it is there to fit strange alone, on images",
        ),
    ],
)
def test_what_trained_the_network_may_fit_a_detector_and_nothing_else(
    load: Any, toys: Any, more: str, message: str
) -> None:
    """A step that fits detectors alone is not judged; with any other use it is, and refused."""
    registry = toys.ToyRegistry([*toys.TOYS, Seeing, Taught, Distance, Mean])
    text = TRAINED.replace("  scaled: ", "  # ").replace("  others: ", "  # ")
    loaded = load(f"{text}  strange: {{{GOOD}}}\n{more}")
    if not message:
        plan = make_plan(loaded, registry)
        assert plan.resolved["steps"]["held_predictions"]["features"] == "to fit alone"
        assert plan.resolved["steps"]["predictions"]["features"] == "kept"
        return
    with pytest.raises(PipelineError, match=message):
        make_plan(loaded, registry)


class Apart(Metric):
    """Compares features."""

    name: ClassVar[str] = "apart"
    licence: ClassVar[str] = "MIT"
    compares: ClassVar[Literal["nothing", "samples", "tables"]] = "tables"
    wants: ClassVar[tuple[str, ...]] = ("features",)

    def compute(self, table: Any, reference: Any = None) -> Any:
        raise NotImplementedError


def test_a_metric_keeps_the_features_of_both_tables(load: Any, toys: Any) -> None:
    """Where it wants them; those of another step, and of a calibrator, are not kept."""
    registry = toys.ToyRegistry([*toys.TOYS, Seeing, Apart])
    step = "  apart: {uses: metric/apart, from: predictions, against: held_predictions}\n"
    plan = make_plan(load(f"{METRIC}{step}"), registry)
    kept = {id_ for id_ in plan.steps if keeps_features(id_, plan.steps)}
    assert kept == {"predictions", "held_predictions"}
    for against, message in (
        ("scaled", "goes by the features of one network, and scaled has none; name predictions"),
        (
            "dull",
            'goes by the features of one network, and classifier "tiny" (toys 1.2) offers none',
        ),
        ("others", "predictions and others use two: name answers of the same network"),
    ):
        with pytest.raises(PipelineError) as caught:
            make_plan(load(METRIC + step.replace("held_predictions", against)), registry)
        assert message in "\n".join(caught.value.findings)
