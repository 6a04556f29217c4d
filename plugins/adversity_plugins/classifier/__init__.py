"""Classifiers: packaged and torchvision networks, and what is fitted here."""

from __future__ import annotations

from adversity import Classifier, hookimpl
from adversity_plugins.classifier.network.efficientnet_lite0 import EfficientNetLite0
from adversity_plugins.classifier.network.small_cnn import SmallCNN
from adversity_plugins.classifier.network.torchvision import Torchvision
from adversity_plugins.classifier.pixels.decision_tree import DecisionTree
from adversity_plugins.classifier.pixels.gradient_boosting import GradientBoosting
from adversity_plugins.classifier.pixels.linear_svm import LinearSVM
from adversity_plugins.classifier.pixels.logistic_regression import LogisticRegression
from adversity_plugins.classifier.pixels.nearest_neighbours import NearestNeighbours
from adversity_plugins.classifier.pixels.random_forest import RandomForest
from adversity_plugins.classifier.pixels.rbf_svm import RbfSVM


@hookimpl
def adversity_classifiers() -> tuple[type[Classifier], ...]:
    """Return the built-in classifiers."""
    return (
        DecisionTree,
        EfficientNetLite0,
        GradientBoosting,
        LinearSVM,
        LogisticRegression,
        NearestNeighbours,
        RandomForest,
        RbfSVM,
        SmallCNN,
        Torchvision,
    )
