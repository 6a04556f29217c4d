"""A small registry of toy plugins, one good pipeline, and ways to load, plan and refuse it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.plan.model import Plan
from adversity.pipeline.read.load import Loaded, load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """\
name: toy-under-attack
seed: 7
data:
  photos:   {uses: dataset/toy_folder, with: {path: data/photos}, prepare: {centre_crop: 8}}
  held_out: {uses: dataset/toy_folder, with: {path: data/held_out}}
matrix:
  severity: [1, 3]
  eps: [4/255, 8/255, 0.10]
steps:
  dark:     {uses: degradation/darker, from: photos, with: {severity: $severity}}
  enhanced: {uses: restoration/brighter, from: dark}   # the expensive one
  net:      {uses: classifier/tiny}
  clean_predictions: {uses: net, from: photos}
  predictions:       {uses: net, from: enhanced}
  held_predictions:  {uses: net, from: held_out}
  confidence: {uses: uncertainty/scaling, from: predictions, fit_on: held_predictions}
  spread:     {uses: uncertainty/margin, from: confidence}
  attacked:
    uses: attack/push
    from: dark
    against: confidence
    with:
      norm: linf
      eps: $eps        # on the [0, 1] scale
      steps: 3
gates:
  - lower predictions[severity=3].accuracy >= 0.60
  - attacked[eps=8/255].robust_accuracy not_worse_than last
schedule: {cron: "0 2 * * *", timezone: UTC}
"""


@pytest.fixture(scope="session")
def toys() -> Any:
    """The module of toy plugins."""
    return import_module("toy_plugins")


@pytest.fixture(scope="session")
def toys_with_parts(toys: Any) -> Any:
    """The module of those that read files or hold plugins, which derives from the other."""
    return import_module("toys_with_parts")


@pytest.fixture(scope="session")
def measuring(toys: Any) -> Any:
    """The module of toy metrics of each shape."""
    return import_module("toys_that_measure")


@pytest.fixture
def registry(toys: Any) -> Any:
    """The toy plugins."""
    return toys.ToyRegistry()


@pytest.fixture
def promising_registry(toys: Any) -> Any:
    """The toy plugins, but the only metric says what it makes."""
    return toys.ToyRegistry([cls for cls in toys.TOYS if cls.kind != "metric"] + [toys.Promising])


@pytest.fixture
def pipeline_text() -> str:
    """A pipeline that uses every role."""
    return PIPELINE


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the good pipeline in it."""
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "toy.yaml").write_text(PIPELINE, encoding="utf-8")
    return tmp_path


Load = Callable[..., Loaded]
MakePlan = Callable[..., Plan]


@pytest.fixture
def load(project: Path) -> Load:
    """Load a text (the good pipeline's by default) as `pipelines/toy.yaml`."""

    def from_text(text: str = PIPELINE, *overrides: str) -> Loaded:
        path = project / "pipelines" / "toy.yaml"
        path.write_text(text, encoding="utf-8")
        return load_pipeline(path, root=project, overrides=overrides)

    return from_text


@pytest.fixture
def plan(load: Load, registry: Any) -> MakePlan:
    """Plan a text."""

    def from_text(text: str = PIPELINE, *overrides: str) -> Plan:
        return make_plan(load(text, *overrides), registry)

    return from_text


@pytest.fixture
def refuse(plan: MakePlan) -> Callable[..., tuple[str, ...]]:
    """Plan a text that must be refused; return the findings."""

    def findings_of(text: str = PIPELINE, *overrides: str) -> tuple[str, ...]:
        with pytest.raises(PipelineError) as caught:
            plan(text, *overrides)
        return caught.value.findings

    return findings_of


@pytest.fixture
def plan_with(load: Load, toys: Any, measuring: Any) -> MakePlan:
    """Plan the good pipeline, or another one, with more steps and gates."""
    registry = toys.ToyRegistry([*toys.TOYS, *measuring.MEASURING])

    def planned(steps: str, text: str = PIPELINE, gates: str = "") -> Plan:
        return make_plan(load(text.replace("gates:\n", f"{steps}gates:\n{gates}")), registry)

    return planned


@pytest.fixture
def refused(plan_with: MakePlan) -> Callable[..., str]:
    """Plan more steps that must be refused; return the findings."""

    def findings(steps: str, gates: str = "") -> str:
        with pytest.raises(PipelineError) as caught:
            plan_with(steps, gates=gates)
        return "\n".join(caught.value.findings)

    return findings
