"""Toy plugins that read files of the project or hold other plugins; `conftest.py` loads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field
from toy_plugins import Darker, Push, Tiny, ToyFolder

from adversity import Classifier, Degradation, Metric, Plugin, ProjectFile, ProjectFolder

if TYPE_CHECKING:
    from adversity.contracts import PluginBase


class Stored(Tiny):
    """Say what files of the project say."""

    name: ClassVar[str] = "stored"
    weights: ProjectFile | None = None  # type: ignore[assignment]
    members: tuple[ProjectFile, ...] = ()
    by_name: dict[str, ProjectFolder] = Field(default_factory=dict)


class Catalogued(ToyFolder):
    """Nothing in a folder, and a file that lies elsewhere."""

    name: ClassVar[str] = "catalogued"
    catalogue: ProjectFile | None = None


class Grained(Darker):
    """Make images worse with what a file holds."""

    name: ClassVar[str] = "grained"
    texture: ProjectFile | None = None


class Edged(Metric):
    """Compare with what a file holds."""

    name: ClassVar[str] = "edged"
    edges: ProjectFile

    def compute(self, table: Any, reference: Any = None) -> Any:
        return {}


class Mixture(Degradation):
    """Make images worse in several ways, one after the other."""

    name: ClassVar[str] = "mixture"
    parts: tuple[Plugin[Degradation], ...]

    def degrade(self, images: Any, rng: Any) -> Any:
        for part in self.parts:
            images = part(images, rng)
        return images


class Weather(Push):
    """Push through bad weather."""

    name: ClassVar[str] = "weather"
    degradation: Plugin["degradation"]  # type: ignore[name-defined]  # noqa: F821, UP037
    network: Plugin[Classifier] | None = None


FILED: tuple[type[PluginBase], ...] = (Stored, Catalogued, Grained, Edged, Mixture)
"""Plugins that read files of the project."""

NESTING: tuple[type[PluginBase], ...] = (Mixture, Weather)
"""Plugins that hold plugins."""

for toy in (*FILED, *NESTING):
    toy.licence = toy.licence or "MIT"  # no distribution states one for them
