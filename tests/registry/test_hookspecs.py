"""The page of hooks: each kind's worked example, laid down as a distribution, is a plugin."""

import inspect
import textwrap

import pytest

from adversity import hookspecs
from adversity.contracts import KINDS
from adversity.testing import check_plugin


def _example(hook):
    """Return the module that the docstring of a hook shows."""
    _, shown, source = inspect.getdoc(getattr(hookspecs, hook)).partition("Example::\n")
    assert shown, f"{hook} shows no example"
    return textwrap.dedent(source)


def found_examples(site):
    """Lay the examples down, and return what is found of them: all, without a problem."""
    kinds = {f"acme-{kind}": kind for kind in KINDS}
    for kind, contract in KINDS.items():
        site.lay(f"acme-{kind}", _example(contract.describes.hook))
    registry = site.discover()
    entries = [entry for entry in registry.entries() if entry.distribution in kinds]
    assert {entry.distribution: (entry.kind, entry.status) for entry in entries} == {
        distribution: (kind, "ok") for distribution, kind in kinds.items()
    }
    assert len(entries) == len(kinds)
    assert [p for p in registry.problems if p.distribution in kinds] == []
    return entries


def test_each_kind_s_example_is_found(site):
    """Copied into modules of their own, all are found, as they are and without a problem."""
    assert len(found_examples(site)) == len(KINDS)


@pytest.mark.slow
def test_each_kind_s_example_passes_the_kit(site):
    """An author who copies one has a plugin that keeps its promises."""
    for entry in found_examples(site):
        # Every check: readers copy the example whole. It takes less than two seconds a kind.
        check_plugin(entry.cls)
