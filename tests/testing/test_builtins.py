"""Every built-in plugin keeps the promises that the kit demands of third parties."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

from adversity.registry import discover
from adversity.registry.entry import BUILT_IN
from adversity.testing import parametrize_with_checks


def built_ins(*, heavy: bool) -> list[type[Any]]:
    """Return the plugins of the product; a heavy one says so."""
    return [
        entry.cls
        for entry in discover().entries()
        if entry.distribution == BUILT_IN
        and entry.cls is not None
        and bool(entry.cls.heavy) == heavy
    ]


@parametrize_with_checks(built_ins(heavy=False))
def test_conformance(check: Any) -> None:
    """A built-in plugin passes the check, or says in `expected_failures` why it cannot."""
    check()


@pytest.mark.slow
@parametrize_with_checks(built_ins(heavy=True))
def test_conformance_of_heavy_plugins(check: Any) -> None:
    """A heavy built-in passes the check, or says in `expected_failures` why it cannot."""
    check()


def test_importing_all_of_them_loads_no_heavy_library() -> None:
    """The catalogue answers within a second: neither torch nor what is built on SciPy is loaded."""
    code = (
        "import sys; from adversity.registry import discover; discover().entries(); "
        "sys.exit(' '.join({'torch', 'skimage', 'scipy', 'sklearn'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_kind_is_left_out() -> None:
    """The kit has the file that each kind names for its promises."""
    kits = {kind: contract.describes.kit for kind, contract in discover().kinds.items()}
    missing = [kind for kind, kit in kits.items() if not kit or not find_spec(kit)]
    assert missing == []


def test_every_expected_failure_has_a_reason() -> None:
    """Where a built-in names a check that it cannot pass, it says why in a sentence."""
    for plugin in built_ins(heavy=False) + built_ins(heavy=True):
        for check, reason in plugin.expected_failures.items():
            assert len(reason.split()) >= 4, f"{plugin.name}: {check}: {reason!r}"


def test_a_heavy_plugin_says_why() -> None:
    """What `heavy` holds is a reason in words, not a switch."""
    for plugin in built_ins(heavy=True):
        assert len(plugin.heavy.split()) >= 3, f"{plugin.name}: {plugin.heavy!r}"
