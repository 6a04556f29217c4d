"""Classifiers: packaged networks, those of torchvision and timm, files, and what is fitted here."""

from __future__ import annotations

from adversity import Classifier, hookimpl, plugins_in


@hookimpl
def adversity_classifiers() -> list[type[Classifier]]:
    """Return the built-in classifiers: every one that a file of this folder defines."""
    return plugins_in(__name__, Classifier)
