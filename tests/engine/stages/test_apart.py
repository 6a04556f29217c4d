"""What fitted anything on the way to an answer does not judge it, and the report says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

import adversity
from adversity import Classifier, Degradation, Fitted, Plugin, Restoration, State
from adversity.engine.set_up.toolbox import Toolbox
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages.apart import found_apart, found_splits
from adversity.report.doubts.caveats import caveats
from adversity.report.values.splits import FittedBy

if TYPE_CHECKING:
    from pathlib import Path


class Lamp(Restoration, Fitted):
    """Shift images to the mean of those it was fitted on."""

    name: ClassVar[str] = "lamp"

    def fit(self, data: Any, rng: Any) -> State:
        return State({"mean": np.array([float(block.images.mean()) for block in data][:1])})

    def load(self, state: State) -> None:
        self._mean = float(state.arrays["mean"][0])

    _mean: float = 0.0

    def restore(self, images: Any, **needs: Any) -> Any:
        return (images + self._mean - images.mean()).clamp(0, 1)


class Around(Degradation):
    """Use another plugin, which may be fitted, and change nothing."""

    name: ClassVar[str] = "around"
    lamp: Plugin[Restoration]

    def degrade(self, images: Any, rng: Any) -> Any:
        return images


class Fixed(Classifier):
    """Bring weights from elsewhere."""

    name: ClassVar[str] = "fixed"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def logits(self, images: Any) -> Any:
        return images.flatten(1)[:, :2]


class Wrapped(Classifier):
    """Answer as another one."""

    name: ClassVar[str] = "wrapped"
    network: Plugin[Classifier]

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def logits(self, images: Any) -> Any:
        return images.flatten(1)[:, :2]


OTHER = """  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
  other: {uses: dataset/folder, with: {path: data/other}}
  held: {uses: dataset/folder, with: {path: data/held}}"""
CHAINS = {
    "a fitted restoration on the way": (
        """
  lamp: {uses: restoration/lamp, fit_on: train}
  net: {uses: classifier/logistic_regression, fit_on: held}
  lit: {uses: lamp, from: test}
  clean: {uses: net, from: lit}""",
        "clean would be judged on images that fitted lamp: 8 of",
    ),
    "a plugin in a degradation's parameters": (
        """
  lamp: {uses: restoration/lamp, fit_on: train}
  net: {uses: classifier/logistic_regression, fit_on: held}
  worse: {uses: degradation/around, from: test, with: {lamp: lamp}}
  clean: {uses: net, from: worse}""",
        "clean would be judged on images that fitted lamp: 8 of",
    ),
    "what the training images went through": (
        """
  lamp: {uses: restoration/lamp, fit_on: train}
  lit: {uses: lamp, from: held}
  net: {uses: classifier/logistic_regression, fit_on: lit}
  clean: {uses: net, from: test}""",
        "clean would be judged on images that fitted lamp: 8 of",
    ),
    "the victim of an attack": (
        """
  net: {uses: classifier/logistic_regression, fit_on: train}
  clean: {uses: net, from: test}
  hit: {uses: attack/fgsm, from: test, against: clean, with: {eps: 1/255}}""",
        "clean, hit would be judged on images that fitted net: 8 of",
    ),
    "a network in an attack's parameters": (
        """
  eyes: {uses: classifier/logistic_regression, fit_on: train}
  net: {uses: classifier/logistic_regression, fit_on: held}
  clean: {uses: net, from: test}
  hit: {uses: attack/feature_space, from: test, against: clean, with: {network: eyes, eps: 0.1}}""",
        "hit would be judged on images that fitted eyes: 8 of",
    ),
    "a calibrator": (
        """
  net: {uses: classifier/logistic_regression, fit_on: held}
  rows: {uses: net, from: train}
  clean: {uses: net, from: test}
  sure: {uses: uncertainty/temperature_scaling, from: clean, fit_on: rows}""",
        "sure would be judged on images that fitted sure: 8 of",
    ),
    "a calibrator's rows": (
        """
  net: {uses: classifier/logistic_regression, fit_on: train}
  rows: {uses: net, from: test}
  clean: {uses: net, from: other}
  sure: {uses: uncertainty/temperature_scaling, from: clean, fit_on: rows}""",
        "rows would be judged on images that fitted net: 8 of",
    ),
}


@pytest.mark.parametrize("case", CHAINS)
def test_whatever_was_fitted_on_the_way_counts(plan_of: Any, refusal: Any, case: str) -> None:
    """The first stage refuses for all that comes after it, whatever part was fitted."""
    steps, expected = CHAINS[case]
    plan = plan_of(OTHER, steps, Lamp, Around)
    assert expected in refusal(plan)
    clean = plan_of(OTHER.replace("path: data/test", "path: data/free"), steps, Lamp, Around)
    assert refusal(clean) == ""


@pytest.mark.slow
def test_the_report_says_what_is_proved_and_what_cannot_be(
    doubles: Path, tmp_path: Path, plan_of: Any
) -> None:
    """Fitted here: no image is shared, with both numbers. Fitted elsewhere: nothing is proved."""
    steps = """
  net: {uses: classifier/logistic_regression, fit_on: train}
  clean: {uses: net, from: other}"""
    plan_of(OTHER, steps)
    adversity.run(doubles / "pipelines/p.yaml", into=tmp_path, root=doubles)
    report = json.loads((tmp_path / "artifacts/p/report/report.json").read_text())
    assert report["apart"] == [
        {
            "fitted": ["net"],
            "judged": ["clean"],
            "judging": "other",
            "n_judging": 20,
            "fitting": "train",
            "n_fitting": 40,
            "n_shared": None,
        }
    ]
    by = {"step": "net", "proof": "proved by content", "data": "train", "n": 40, "n_shared": 0}
    assert report["splits"] == [
        {"step": "clean", "judging": "other", "n_judging": 20, "fitted_by": [by]}
    ]
    page = (tmp_path / "artifacts/p/report/report.md").read_text()
    words = "Split: judged on other (n = 20); fitted on train (40), disjoint: proved by content."
    assert words in page
    assert (
        "None of the 20 images of other, on which clean is judged, is among the 40 of train that "
        "fitted net." in page
    )


def test_a_network_fitted_elsewhere_is_said_to_prove_nothing(
    doubles: Path, tmp_path: Path, plan_of: Any
) -> None:
    """Nobody here knows what the weights have seen; the report says so and claims nothing."""
    plan = plan_of(
        OTHER, "  net: {uses: classifier/fixed}\n  clean: {uses: net, from: test}", Fixed
    )
    toolbox = Toolbox(plan, Workspace(doubles, tmp_path, tmp_path / "store"))
    (found,) = found_apart(toolbox)
    assert (found.fitted, found.fitting, found.n_fitting) == (("net",), None, None)
    (split,) = found_splits(toolbox, (found,))
    assert (split.step, split.judging) == ("clean", "test")
    assert split.fitted_by == (FittedBy("net", "not provable"),)
    (note,) = caveats((), (), (), (found,))
    assert note.level == "note"
    assert note.text.startswith("net was fitted elsewhere: whether any of the ")
    assert note.text.endswith("of test was among what it learnt from cannot be proved here.")


@pytest.mark.parametrize(
    ("inner", "proof"),
    [
        ("classifier/logistic_regression, fit_on: train", "proved by content"),
        ("classifier/fixed", "not provable"),
    ],
)
def test_what_nests_a_step_knows_what_that_learnt(
    doubles: Path, tmp_path: Path, plan_of: Any, inner: str, proof: str
) -> None:
    """And nothing from elsewhere, so that the split is that of the step inside."""
    steps = f"""
  inner: {{uses: {inner}}}
  net: {{uses: classifier/wrapped, with: {{network: inner}}}}
  clean: {{uses: net, from: other}}"""
    plan = plan_of(OTHER, steps, Fixed, Wrapped)
    toolbox = Toolbox(plan, Workspace(doubles, tmp_path, tmp_path / "store"))
    (split,) = found_splits(toolbox, found_apart(toolbox))
    assert [(fit.step, fit.proof) for fit in split.fitted_by] == [("inner", proof)]
