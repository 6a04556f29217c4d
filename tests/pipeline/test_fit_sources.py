"""Several sources of a fit: what is refused, and that each is depended on."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from toy_plugins import TOYS, Learned, ToyRegistry, Trained

from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan


class Watched(Trained):
    """May look at held-out images while it trains."""

    name: ClassVar[str] = "watched"
    may_take: ClassVar[tuple[str, ...]] = ("validate",)


class Unpaired(Learned):
    """Learns from dark and bright images that are no pairs."""

    name: ClassVar[str] = "unpaired"
    fit_sources: ClassVar[tuple[str, ...]] = ("dark", "bright")


TEXT = """\
name: sources
data:
  photos: {uses: dataset/toy_folder, with: {path: data/photos}}
  train:  {uses: dataset/toy_folder, with: {path: data/train}}
  held:   {uses: dataset/toy_folder, with: {path: data/held}}
matrix:
  severity: [1, 3]
steps:
  dark: {uses: degradation/darker, from: held, with: {severity: $severity}}
  net:
    uses: classifier/watched
    fit_on: FIT
  clean: {uses: net, from: photos}
"""


@pytest.fixture
def planned(load: Any) -> Any:
    """Plan the pipeline with this `fit_on:`, and perhaps another plugin."""

    def plan(fit_on: str, uses: str = "classifier/watched") -> Any:
        text = TEXT.replace("FIT", fit_on).replace("classifier/watched", uses)
        return make_plan(load(text), ToyRegistry([*TOYS, Watched, Unpaired]))

    return plan


def test_each_source_is_depended_on(planned: Any) -> None:
    """Data, views and variables of every source count; the first named is what text names."""
    plan = planned("{validate: dark, train: train}")
    assert dict(plan.steps["net"].fit_on) == {"train": "train", "validate": "dark"}
    assert list(plan.steps["net"].fit_on) == ["train", "validate"]
    assert plan.steps["net"].variables == ("severity",)
    stage = plan.stage("net")
    assert {"data/train", "data/held"} <= set(stage.deps)
    assert stage.views == ("dark",)
    assert "dark" in str(stage.params)
    assert not [text for text in plan.warnings if "dark" in text]


def test_one_named_source_is_what_text_names(planned: Any) -> None:
    """`{train: x}` and `x` are one fit: only the file's own part differs."""
    text, named = planned("train"), planned("{train: train}")
    assert text.steps["net"].fit_on == named.steps["net"].fit_on == {"train": "train"}
    assert text.stage("net") == named.stage("net")


REFUSED = {
    "{train: train, validat: held}": "12: classifier .*watched.* is fitted on train, and may take "
    "validate; there is no source validat; did you mean validate?",
    "{validate: held}": "12: .*train is missing, got validate: write {train: ...}",
    "{train: train, validate: heldd}": "12: fit_on: there is no step or data set heldd; did you "
    "mean held?",
    "{train: train, validate: clean}": "steps depend on each other in a circle: net -> clean -> net",
    "{train: train, validate: train}": "12: net would be judged on images that fitted net: train "
    "is used for both",
    "{train: train, validate: photos}": "clean would be judged on images that fitted net: photos "
    "is used for both",
    "{}": r"12: steps.net.fit_on must be the name of a step or data set, or a mapping .*, got {}",
    "3": "12: steps.net.fit_on must be the name of a step or data set, or a mapping .*, got 3",
    "{train: 3}": "12: steps.net.fit_on must be the name .*, got {'train': 3}",
}


@pytest.mark.parametrize("fit_on", REFUSED)
def test_wrong_sources_are_refused_with_their_line(planned: Any, fit_on: str) -> None:
    """One message, with the line of what is wrong, and what was meant."""
    with pytest.raises(PipelineError, match=REFUSED[fit_on].replace("{train", r"\{train")) as said:
        planned(fit_on)
    assert len(said.value.findings) == 1


def test_what_needs_two_sources_gets_no_one(planned: Any) -> None:
    """A text is the first source; the other one is missing."""
    with pytest.raises(PipelineError) as said:
        planned("train", "restoration/unpaired")
    assert "is fitted on dark and bright; bright is missing, got dark" in str(said.value)
    assert "write {dark: ..., bright: ...}" in str(said.value)
