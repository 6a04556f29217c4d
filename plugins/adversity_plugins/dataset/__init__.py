"""Data sets: folders of images, and real images that come inside packages."""

from __future__ import annotations

from adversity import Dataset, hookimpl, plugins_in


@hookimpl
def adversity_datasets() -> list[type[Dataset]]:
    """Return the built-in data sets: every one that a file of this folder defines."""
    return plugins_in(__name__, Dataset)
