"""Features in which three stand for each of four classes, and a linear layer that goes by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from adversity import Block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

Array = np.ndarray[Any, Any]
CLASSES, WIDTH = 4, 12


def planted(count: int, seed: int, *, known: bool = True) -> tuple[Array, Array]:
    """Draw features `[N, 12]`, not negative, of which three stand for each class; and classes."""
    rng = np.random.default_rng(seed)
    features = np.abs(rng.normal(0.5, 0.3, (count, WIDTH)))
    targets = np.arange(count) % CLASSES
    if known:
        for part in range(3):
            features[np.arange(count), 3 * targets + part] += 2.0
    return features.astype(np.float32).astype(np.float64), targets


def layer() -> tuple[Array, Array]:
    """Draw weights `[12, 4]` and a bias `[4]`: each class goes by its three features."""
    rng = np.random.default_rng(99)
    weight = 0.2 * rng.normal(size=(WIDTH, CLASSES))
    for k in range(CLASSES):
        weight[3 * k : 3 * k + 3, k] += 1.0
    bias = rng.normal(size=CLASSES)
    return weight.astype(np.float32).astype(np.float64), bias.astype(np.float32).astype(np.float64)


def head(features: Tensor) -> Tensor:
    """Return the logits of features in float64."""
    weight, bias = (torch.from_numpy(each) for each in layer())
    return features.double() @ weight + bias


class Stream:
    """Features, logits and labels in blocks of 37 rows."""

    def __init__(self, features: Array, targets: Array, logits: Any = None) -> None:
        self.features, self.targets = torch.from_numpy(features), torch.from_numpy(targets)
        self.logits = head(self.features) if logits is None else torch.as_tensor(logits)
        self.class_names = tuple(f"class_{k}" for k in range(CLASSES))

    def __len__(self) -> int:
        return len(self.features)

    def __iter__(self) -> Iterator[Block]:
        for start in range(0, len(self), 37):
            cut = slice(start, start + 37)
            features = self.features[cut]
            ids = tuple(map(str, range(len(features))))
            logits = self.logits[cut]
            yield Block(
                ids,
                targets=self.targets[cut],
                features=features,
                logits=logits,
                probs=logits.double().softmax(1),
            )


def ready(plugin: Any, stream: Stream | None = None) -> Any:
    """Fit where it must be, load, and give it the head where it needs it."""
    if hasattr(plugin, "fit"):
        given = stream or Stream(*planted(400, 0))
        plugin.load(plugin.fit(given, np.random.default_rng(0)))
    if plugin.needs_head:
        plugin.take_head(head)
    return plugin


def scores(plugin: Any, features: Array) -> Array:
    """Score features and the logits that the layer makes of them."""
    rows = torch.from_numpy(features)
    found: Array = plugin.score(rows, head(rows)).numpy()
    return found


def asked() -> Array:
    """Return three rows of the classes, and three strange ones."""
    strange, _ = planted(3, 2, known=False)
    return np.concatenate([planted(3, 1)[0], strange])
