"""Plugins that keep their promises and twins that break one each; a project in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from adversity import Classifier, Degradation, Restoration
from adversity.contracts import KINDS
from adversity.engine.calls.ready import Ready
from adversity.registry import Entry, discover

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module", autouse=True)
def _undrawn(undrawn_charts: None) -> None:
    """What steps compute is looked at here, and what reports say, not how they are drawn."""


class Shift(Degradation):
    """Add random noise to each image from its own stream."""

    name = "shift"
    stochastic = True
    strength: float = 0.1

    def degrade(self, images: torch.Tensor, rng: Any) -> torch.Tensor:
        return (images + self.strength * rng.normal(tuple(images.shape[1:]))).clamp(0, 1)


class Halve(Restoration):
    """Multiply by a half, differentiably."""

    name = "halve"
    differentiable = True

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return images * 0.5


class Rounded(Restoration):
    """Round to 8 levels: the gradient is zero wherever it exists."""

    name = "rounded"

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return (images * 7).round() / 7


class Net(Classifier):
    """A fixed linear classifier of 3 x 6 x 6 images into 4 classes."""

    name = "net"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b", "c", "d")

    def setup(self, device: str) -> None:
        generator = torch.Generator().manual_seed(3)
        self._weights = torch.randn(108, 4, generator=generator)

    _weights: Any = None

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return (images.flatten(1) - 0.5) @ self._weights


def ready(plugin: Any) -> Ready:
    """Set a plugin up and give it a label."""
    plugin.setup("cpu")
    return Ready(plugin, f'{plugin.kind} "{plugin.name}" (test 1.0)')


@pytest.fixture
def plugins() -> dict[str, Any]:
    """The four plugins, ready."""
    return {cls.name: ready(cls()) for cls in (Shift, Halve, Rounded, Net)}


@pytest.fixture
def make_ready() -> Any:
    """A function that makes any plugin ready."""
    return ready


@pytest.fixture
def images() -> torch.Tensor:
    """[21, 3, 6, 6] in [0, 1]."""
    return torch.rand(21, 3, 6, 6, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def ids() -> tuple[str, ...]:
    """21 ids."""
    return tuple(f"s{i:02d}" for i in range(21))


class WithPlugins:
    """The installed plugins, and those of a test."""

    kinds = KINDS

    def __init__(self, *classes: Any) -> None:
        self._own = {
            cls.name: Entry(cls.kind, cls.name, cls, "own", "1.0", cls.api) for cls in classes
        }

    def entries(self, kind: str | None = None) -> tuple[Entry, ...]:
        return discover().entries(kind)

    def get(self, kind: str, name: str) -> Entry:
        return self._own[name] if name in self._own else discover().get(kind, name)


@pytest.fixture(scope="session")
def registry_with() -> Any:
    """A function that makes a registry of the installed plugins and some of a test."""
    return WithPlugins


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with pipelines/ in it."""
    (tmp_path / "pipelines").mkdir()
    return tmp_path
