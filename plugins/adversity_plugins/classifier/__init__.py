"""Classifiers: a packaged ImageNet network, any torchvision network, and one that trains here."""

from __future__ import annotations

from adversity import Classifier, hookimpl
from adversity_plugins.classifier.efficientnet_lite0 import EfficientNetLite0
from adversity_plugins.classifier.small_cnn import SmallCNN
from adversity_plugins.classifier.torchvision import Torchvision


@hookimpl
def adversity_classifiers() -> tuple[type[Classifier], ...]:
    """Return the built-in classifiers."""
    return EfficientNetLite0, SmallCNN, Torchvision
