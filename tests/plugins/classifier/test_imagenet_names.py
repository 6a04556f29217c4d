"""The names of ImageNet's classes: as torchvision gives them, and without its import."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from adversity_plugins.classifier.network import _imagenet

if TYPE_CHECKING:
    import pytest


def test_the_names_are_those_that_torchvision_gives() -> None:
    """Read from its source or asked of it: the same thousand, none twice."""
    names = _imagenet._names_in_source()
    assert names == _imagenet._names_by_import()
    assert len(set(names)) == 1000


def test_names_that_left_the_source_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torchvision that keeps them elsewhere still gives them."""
    whole = _imagenet.category_names()
    _imagenet.category_names.cache_clear()
    monkeypatch.setattr(_imagenet, "_LIST", "_ANOTHER_LIST")
    try:
        assert _imagenet._names_in_source() is None
        assert _imagenet.category_names() == whole
    finally:
        _imagenet.category_names.cache_clear()


def test_torchvision_is_not_imported_for_names() -> None:
    """Its import costs seconds, and a page asks for names alone."""
    code = (
        "import sys; from adversity_plugins.classifier.network._imagenet import category_names; "
        "category_names(); print('torchvision' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
