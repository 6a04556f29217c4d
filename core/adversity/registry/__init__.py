"""Discovery of plugins, guarded, and a cached catalogue of them.

Names are loaded on first use: reading the catalogue must not import pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adversity.provenance import source_fingerprint as source_fingerprint
    from adversity.registry.catalogue import Catalogue as Catalogue
    from adversity.registry.catalogue import Listing as Listing
    from adversity.registry.catalogue import read_catalogue as read_catalogue
    from adversity.registry.entry import Entry as Entry
    from adversity.registry.entry import Problem as Problem
    from adversity.registry.registry import Registry as Registry
    from adversity.registry.registry import discover as discover

_HOMES = {
    "Catalogue": "adversity.registry.catalogue",
    "Entry": "adversity.registry.entry",
    "Listing": "adversity.registry.catalogue",
    "Problem": "adversity.registry.entry",
    "Registry": "adversity.registry.registry",
    "discover": "adversity.registry.registry",
    "read_catalogue": "adversity.registry.catalogue",
    "source_fingerprint": "adversity.provenance",
}
__all__ = sorted(_HOMES)  # noqa: PLE0605  (a test proves it equal to the imports)


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'adversity.registry' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
