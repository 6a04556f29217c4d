"""Classifiers: packaged and torchvision networks, and what is fitted here."""

from __future__ import annotations

from adversity import Classifier, hookimpl
from adversity_plugins.classifier.decision_tree import DecisionTree
from adversity_plugins.classifier.efficientnet_lite0 import EfficientNetLite0
from adversity_plugins.classifier.gradient_boosting import GradientBoosting
from adversity_plugins.classifier.linear_svm import LinearSVM
from adversity_plugins.classifier.logistic_regression import LogisticRegression
from adversity_plugins.classifier.nearest_neighbours import NearestNeighbours
from adversity_plugins.classifier.random_forest import RandomForest
from adversity_plugins.classifier.rbf_svm import RbfSVM
from adversity_plugins.classifier.small_cnn import SmallCNN
from adversity_plugins.classifier.torchvision import Torchvision


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
