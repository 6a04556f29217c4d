"""Data sets: folders of images, and real images that come inside packages."""

from __future__ import annotations

from adversity import Dataset, hookimpl
from adversity_plugins.dataset.digits import Digits
from adversity_plugins.dataset.folder import Folder
from adversity_plugins.dataset.imagenet_samples import ImageNetSamples


@hookimpl
def adversity_datasets() -> tuple[type[Dataset], ...]:
    """Return the built-in data sets."""
    return Digits, Folder, ImageNetSamples
