"""The public face: what `adversity` exports, and what importing it costs."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import adversity

IMPORT = """
import json, sys
import adversity
heavy = ["torch", "numpy", "pydantic", "pluggy", "prefect", "dvc"]
print(json.dumps([m for m in heavy if m in sys.modules]))
"""


def test_importing_the_package_imports_nothing_heavy():
    """`adversity --help` and shell completion begin with this import."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True, timeout=120
    )
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("name", adversity.__all__)
def test_every_exported_name_resolves(name):
    """Each is found where the lazy table says it lives."""
    assert getattr(adversity, name) is not None


def test_type_checkers_see_exactly_what_is_exported():
    """The imports under TYPE_CHECKING and `__all__` are one list, written twice."""
    tree = ast.parse(Path(adversity.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname for node in block.body for alias in node.names}
    assert seen | {"__version__"} == set(adversity.__all__)
    assert sorted(adversity.__all__) == list(adversity.__all__) == dir(adversity)


def test_a_name_that_does_not_exist_is_an_attribute_error():
    """As for any module, so that hasattr and autocompletion work."""
    assert not hasattr(adversity, "perturbator")
    with pytest.raises(AttributeError, match="module 'adversity' has no attribute 'perturbator'"):
        _ = adversity.perturbator
