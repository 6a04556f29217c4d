"""Listing data sets, classifiers and attacks costs nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "torchvision",
    "sklearn",
    "skimage",
    "scipy",
    "PIL",
    "safetensors",
    "foolbox",
    "onnx",
    "timm",
)


@pytest.mark.parametrize("kind", ["dataset", "classifier", "attack"])
def test_listing_imports_nothing_heavy(kind):
    """Importing a kind's package and calling its hook imports none of the heavy libraries."""
    code = (
        f"import sys, adversity_plugins.{kind} as kind;"
        f"classes = kind.adversity_{kind}s();"
        f"assert len(classes) > 3, classes;"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
