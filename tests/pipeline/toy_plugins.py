"""Toy plugins from the contracts, and a small registry that holds them; `conftest.py` loads it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from adversity import (
    Attack,
    Classifier,
    Dataset,
    Degradation,
    Fitted,
    ImageMetric,
    Metric,
    PostHoc,
    Restoration,
    Sampling,
    Score,
)
from adversity.contracts import KINDS, PluginBase, Severity
from adversity.errors import ParameterError, UnknownPluginError
from adversity.registry import Entry

if TYPE_CHECKING:
    from collections.abc import Sequence


class ToyFolder(Dataset):
    """Nothing in a folder."""

    name: ClassVar[str] = "toy_folder"
    path: str

    def location(self) -> str | None:
        return self.path

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def __len__(self) -> int:
        return 0

    def item(self, index: int) -> Any:
        raise IndexError(index)


class Packed(ToyFolder):
    """Nothing in a package."""

    name: ClassVar[str] = "packed"
    packaged: ClassVar[bool] = True
    path: str = "elsewhere"
    split: Literal["train", "test"] = "test"


class Darker(Degradation):
    """Make images darker."""

    name: ClassVar[str] = "darker"
    levels: ClassVar[Any] = {"factor": (0.9, 0.7, 0.5, 0.3, 0.1)}
    severity: Severity | None = None
    factor: float | None = Field(default=None, gt=0, le=1)

    def degrade(self, images: Any, rng: Any) -> Any:
        return images * self.level("factor")


class Brighter(Restoration):
    """Make images brighter."""

    name: ClassVar[str] = "brighter"
    gain: float = Field(default=2.0, gt=0)
    window: tuple[int, int] = (3, 3)

    def restore(self, images: Any, **needs: Any) -> Any:
        return (images * self.gain).clamp(0, 1)


class Learned(Brighter, Fitted):
    """Learn how bright images should be."""

    name: ClassVar[str] = "learned"
    fits_on: ClassVar[str] = "images"

    def fit(self, data: Any, rng: Any) -> Any:
        raise NotImplementedError

    def load(self, state: Any) -> None:
        raise NotImplementedError


class Tiny(Classifier):
    """Say nothing of images."""

    name: ClassVar[str] = "tiny"
    licence: ClassVar[str] = "MIT"
    weights_licence: ClassVar[str | None] = "Apache-2.0 AND CC-BY-NC-4.0"
    weights: str | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def logits(self, images: Any) -> Any:
        return images.flatten(1)[:, :2]


class Trained(Tiny, Fitted):
    """Say what training says."""

    name: ClassVar[str] = "trained"
    fits_on: ClassVar[str] = "images"
    seed: int = 0

    def fit(self, data: Any, rng: Any) -> Any:
        raise NotImplementedError

    def load(self, state: Any) -> None:
        raise NotImplementedError


class Margin(Score):
    """Say how near the runner-up is."""

    name: ClassVar[str] = "margin"

    def score(self, predictive: Any) -> Any:
        return predictive.probs[:, 0]


class Scaling(PostHoc, Fitted):
    """Scale logits."""

    name: ClassVar[str] = "scaling"
    fits_on: ClassVar[str] = "logits"

    def fit(self, data: Any, rng: Any) -> Any:
        raise NotImplementedError

    def load(self, state: Any) -> None:
        raise NotImplementedError

    def calibrate(self, logits: Any) -> Any:
        return logits.softmax(1)


class Draws(Sampling):
    """Ask several times."""

    name: ClassVar[str] = "draws"

    def estimate(self, models: Any, images: Any, rng: Any) -> Any:
        raise NotImplementedError


class Push(Attack):
    """Push every pixel."""

    name: ClassVar[str] = "push"
    norm: Literal["linf", "l2"] = "linf"
    eps: float = Field(gt=0, le=1)
    steps: int = Field(default=1, ge=1)
    target: Literal["next", "random"] | int = "next"

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        return (images + self.eps).clamp(0, 1)


class Faulty(Score):
    """Fail while checking parameters."""

    name: ClassVar[str] = "faulty"
    how: str = "KeyError"

    @model_validator(mode="after")
    def _fail(self) -> Self:
        if self.how == "input":
            raise ParameterError("how must be kind, got input")
        return {}[self.how]

    def score(self, predictive: Any) -> Any:
        raise NotImplementedError


class Accuracy(Metric):
    """Count right answers."""

    name: ClassVar[str] = "accuracy"
    always: ClassVar[bool] = True

    def compute(self, table: Any, reference: Any = None) -> Any:
        return {}


class Promising(Accuracy):
    """Count right answers and say so."""

    produces: ClassVar[tuple[str, ...]] = ("accuracy", "robust_accuracy")


class Ece(Metric):
    """Compare confidence with accuracy."""

    name: ClassVar[str] = "ece"
    bins: int = Field(default=15, ge=1)

    def compute(self, table: Any, reference: Any = None) -> Any:
        return {}


class Psnr(ImageMetric):
    """Measure noise."""

    name: ClassVar[str] = "psnr"

    def measure(self, images: Any, reference: Any) -> Any:
        return images.flatten(1).mean(1)

    def convention(self) -> Any:
        return {}


TOYS: tuple[type[PluginBase], ...] = (
    ToyFolder,
    Packed,
    Darker,
    Brighter,
    Learned,
    Tiny,
    Trained,
    Margin,
    Scaling,
    Draws,
    Push,
    Faulty,
    Accuracy,
    Ece,
    Psnr,
)

for toy in TOYS:
    toy.licence = toy.licence or "MIT"  # no distribution states one for them


class ToyRegistry:
    """What a plan asks of a registry, over a list of classes."""

    kinds = KINDS

    def __init__(self, classes: Sequence[type[PluginBase]] = TOYS) -> None:
        self._entries = tuple(
            Entry(cls.kind, cls.name, cls, "toys", "1.2", cls.api) for cls in classes
        )

    def entries(self, kind: str | None = None) -> tuple[Entry, ...]:
        return tuple(entry for entry in self._entries if kind in (None, entry.kind))

    def get(self, kind: str, name: str) -> Entry:
        known = {entry.name: entry for entry in self.entries(kind)}
        if name in known:
            return known[name]
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UnknownPluginError(f"unknown plugin {kind}/{name}{hint}")
