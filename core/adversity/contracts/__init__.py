"""The contracts: one file a kind, the promise and nothing else."""

from adversity.contracts.asset import Asset
from adversity.contracts.attack import Access, Attack, AttackInRounds, Target
from adversity.contracts.attack_parameters import NearestBudget, NormBudget, Targeted
from adversity.contracts.classifier import Classifier
from adversity.contracts.dataset import Dataset
from adversity.contracts.degradation import Degradation, Severity
from adversity.contracts.fitted import Fitted
from adversity.contracts.kind import Kind
from adversity.contracts.learner import Learner
from adversity.contracts.measure_info import MeasureInfo, Sign
from adversity.contracts.metric import (
    CellMetric,
    ImageMetric,
    MeasuredCell,
    Metric,
    MetricBase,
    NoReferenceMetric,
)
from adversity.contracts.nested import Plugin
from adversity.contracts.plot import Plot
from adversity.contracts.plugin import API_VERSION, KINDS, PluginBase, parse_fraction
from adversity.contracts.project_files import ProjectFile, ProjectFolder
from adversity.contracts.regressor import Regressor
from adversity.contracts.restoration import Restoration
from adversity.contracts.structure import Linear, Prototypes, Structure, Tree, Trees
from adversity.contracts.table import Table
from adversity.contracts.threat import Norm, Threat
from adversity.contracts.threats import NearestFailure, NormBall, OwnDistance, Parametric
from adversity.contracts.uncertainty import (
    Combine,
    Decide,
    Detector,
    Model,
    PostHoc,
    Sampling,
    Score,
    Uncertainty,
)
from adversity.contracts.values import (
    Block,
    Degraded,
    FitData,
    IndexRow,
    Measure,
    Perturbed,
    Predictive,
    Restored,
    Sample,
    State,
)

__all__ = [
    "API_VERSION",
    "KINDS",
    "Access",
    "Asset",
    "Attack",
    "AttackInRounds",
    "Block",
    "CellMetric",
    "Classifier",
    "Combine",
    "Dataset",
    "Decide",
    "Degradation",
    "Degraded",
    "Detector",
    "FitData",
    "Fitted",
    "ImageMetric",
    "IndexRow",
    "Kind",
    "Learner",
    "Linear",
    "Measure",
    "MeasureInfo",
    "MeasuredCell",
    "Metric",
    "MetricBase",
    "Model",
    "NearestBudget",
    "NearestFailure",
    "NoReferenceMetric",
    "Norm",
    "NormBall",
    "NormBudget",
    "OwnDistance",
    "Parametric",
    "Perturbed",
    "Plot",
    "Plugin",
    "PluginBase",
    "PostHoc",
    "Predictive",
    "ProjectFile",
    "ProjectFolder",
    "Prototypes",
    "Regressor",
    "Restoration",
    "Restored",
    "Sample",
    "Sampling",
    "Score",
    "Severity",
    "Sign",
    "State",
    "Structure",
    "Table",
    "Target",
    "Targeted",
    "Threat",
    "Tree",
    "Trees",
    "Uncertainty",
    "parse_fraction",
]
