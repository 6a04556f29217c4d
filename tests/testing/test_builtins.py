"""Every built-in plugin keeps the promises that the kit demands of third parties."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from adversity.registry import discover
from adversity.registry.entry import BUILT_IN
from adversity.testing import parametrize_with_checks

HEAVY = {"efficientnet_lite0", "ffdnet", "pgd", "torchvision"}
HEAVY |= {"apgd", "auto_attack", "fab", "square", "carlini_wagner", "ddn", "deepfool", "fmn"}
HEAVY |= {"boundary", "hop_skip_jump", "nes", "spatial", "gradient_boosting", "random_forest"}
HEAVY |= {"cascade", "feature_space", "natural_variation"}
"""These take five seconds and more: large networks, and many steps or queries in three norms."""


def built_ins(*, heavy: bool) -> list[type[Any]]:
    """Return the plugins of the product whose kind the kit has a file for."""
    return [
        entry.cls
        for entry in discover().entries()
        if entry.distribution == BUILT_IN
        and entry.cls is not None
        and (entry.name in HEAVY) == heavy
        and find_spec(f"adversity.testing.{entry.kind}") is not None
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


def test_no_kind_is_left_out() -> None:
    """The kit has a file for each kind that there is."""
    missing = [kind for kind in discover().kinds if not find_spec(f"adversity.testing.{kind}")]
    assert missing == []


def test_every_expected_failure_has_a_reason() -> None:
    """Where a built-in names a check that it cannot pass, it says why in a sentence."""
    for plugin in built_ins(heavy=False) + built_ins(heavy=True):
        for check, reason in plugin.expected_failures.items():
            assert len(reason.split()) >= 4, f"{plugin.name}: {check}: {reason!r}"
