"""Steps of a kind that others bring: planned by what the kind says of itself."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import pytest

from adversity.contracts import KINDS, Kind, PluginBase
from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan


class Gauge(PluginBase):
    """Read something off images."""

    describes: ClassVar[Kind] = Kind(
        name="gauge",
        hook="adversity_gauges",
        noun="a gauge",
        role="gauge",
        makes="readings",
        leaves="readings",
        takes=("data", "images"),
        keys=("probe",),
    )

    @abstractmethod
    def read(self, images: Any) -> Any:
        """Return a reading for each."""


class Ruler(Gauge):
    """Read nothing."""

    name: ClassVar[str] = "ruler"

    def read(self, images: Any) -> Any:
        return images


class Certified(PluginBase):
    """Work on what nobody leaves."""

    describes: ClassVar[Kind] = Kind(
        name="certified",
        hook="adversity_certified",
        noun="a certified one",
        role="certify",
        makes="seals",
        leaves="seals",
        takes=("radii", "proofs"),
    )

    @abstractmethod
    def seal(self, radii: Any) -> Any:
        """Return a seal for each."""


class Wax(Certified):
    """Seal nothing."""

    name: ClassVar[str] = "wax"

    def seal(self, radii: Any) -> Any:
        return radii


@pytest.fixture
def planned(load: Any, toys: Any, pipeline_text: str) -> Any:
    """Plan the good pipeline with one more step, of a kind that is not ours."""
    registry = toys.ToyRegistry([*toys.TOYS, Ruler, Wax])
    registry.kinds = {**KINDS, "gauge": Gauge, "certified": Certified}

    def with_step(step: str) -> Any:
        text = pipeline_text.replace("steps:\n", f"steps:\n  more: {{{step}}}\n", 1)
        return make_plan(load(text), registry)

    return with_step


def test_the_options_of_a_step_are_the_keys_of_its_kind(planned: Any) -> None:
    """A kind with `probe` and no `objective` has that one alone, and nothing where it is not given."""
    assert planned("uses: gauge/ruler, from: photos, probe: 3").steps["more"].options == {
        "probe": 3
    }
    plan = planned("uses: gauge/ruler, from: photos")
    assert plan.steps["more"].options == {}
    assert plan.steps["attacked"].options == {"objective": "misclassify"}


def test_what_no_installed_kind_leaves_is_named(planned: Any) -> None:
    """The message says what the step takes, also where nothing here makes it."""
    with pytest.raises(PipelineError) as caught:
        planned("uses: certified/wax, from: photos")
    (finding,) = caught.value.findings
    assert "works on radii or proofs, which no installed kind leaves; photos is" in finding
