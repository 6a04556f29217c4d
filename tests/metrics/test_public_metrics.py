"""The public face of `adversity.metrics`: its names and its examples."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

from adversity import metrics

MODULES = [f"adversity.metrics.{found.name}" for found in pkgutil.iter_modules(metrics.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name: str) -> None:
    """Every number shown in a docstring is what the code gives."""
    assert doctest.testmod(import_module(name)).failed == 0


def test_every_public_name_is_there_and_documented() -> None:
    """Each name in `__all__` exists, is described, and is public in its own file too."""
    for name in metrics.__all__:
        value = getattr(metrics, name)
        assert value.__doc__
    public = {n for m in MODULES for n in import_module(m).__all__}
    assert set(metrics.__all__) <= public
