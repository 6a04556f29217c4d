"""Adversity: how far can a vision model be trusted?

Plugin authors import the contracts from here; users call `create`, `target` and `run`.
Names are loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from adversity._version import __version__ as __version__

if TYPE_CHECKING:
    from adversity import metrics as metrics
    from adversity.clipping import clip as clip
    from adversity.contracts import API_VERSION as API_VERSION
    from adversity.contracts import Access as Access
    from adversity.contracts import Asset as Asset
    from adversity.contracts import Attack as Attack
    from adversity.contracts import AttackInRounds as AttackInRounds
    from adversity.contracts import Block as Block
    from adversity.contracts import CellMetric as CellMetric
    from adversity.contracts import Classifier as Classifier
    from adversity.contracts import Combine as Combine
    from adversity.contracts import Dataset as Dataset
    from adversity.contracts import Decide as Decide
    from adversity.contracts import Degradation as Degradation
    from adversity.contracts import Degraded as Degraded
    from adversity.contracts import Detector as Detector
    from adversity.contracts import FitData as FitData
    from adversity.contracts import Fitted as Fitted
    from adversity.contracts import ImageMetric as ImageMetric
    from adversity.contracts import Learner as Learner
    from adversity.contracts import Linear as Linear
    from adversity.contracts import Measure as Measure
    from adversity.contracts import MeasuredCell as MeasuredCell
    from adversity.contracts import MeasureInfo as MeasureInfo
    from adversity.contracts import Metric as Metric
    from adversity.contracts import Model as Model
    from adversity.contracts import NearestBudget as NearestBudget
    from adversity.contracts import NearestFailure as NearestFailure
    from adversity.contracts import NoReferenceMetric as NoReferenceMetric
    from adversity.contracts import Norm as Norm
    from adversity.contracts import NormBall as NormBall
    from adversity.contracts import NormBudget as NormBudget
    from adversity.contracts import OwnDistance as OwnDistance
    from adversity.contracts import Parametric as Parametric
    from adversity.contracts import Perturbed as Perturbed
    from adversity.contracts import Plot as Plot
    from adversity.contracts import Plugin as Plugin
    from adversity.contracts import PostHoc as PostHoc
    from adversity.contracts import Predictive as Predictive
    from adversity.contracts import ProjectFile as ProjectFile
    from adversity.contracts import ProjectFolder as ProjectFolder
    from adversity.contracts import Prototypes as Prototypes
    from adversity.contracts import Regressor as Regressor
    from adversity.contracts import Restoration as Restoration
    from adversity.contracts import Restored as Restored
    from adversity.contracts import Sample as Sample
    from adversity.contracts import Sampling as Sampling
    from adversity.contracts import Score as Score
    from adversity.contracts import Sign as Sign
    from adversity.contracts import State as State
    from adversity.contracts import Structure as Structure
    from adversity.contracts import Table as Table
    from adversity.contracts import Target as Target
    from adversity.contracts import Targeted as Targeted
    from adversity.contracts import Threat as Threat
    from adversity.contracts import Tree as Tree
    from adversity.contracts import Trees as Trees
    from adversity.contracts import Uncertainty as Uncertainty
    from adversity.contracts.gather import plugins_in as plugins_in
    from adversity.engine.chain.victim import target as target
    from adversity.engine.public.create import create as create
    from adversity.engine.public.run import run as run
    from adversity.hookspecs import hookimpl as hookimpl
    from adversity.notifier import Message as Message
    from adversity.notifier import Notifier as Notifier
    from adversity.seeding import SampleRng as SampleRng


_CONTRACTS = [
    "API_VERSION",
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
    "Learner",
    "Linear",
    "Measure",
    "MeasureInfo",
    "MeasuredCell",
    "Metric",
    "Model",
    "NearestBudget",
    "NearestFailure",
    "Norm",
    "NoReferenceMetric",
    "NormBall",
    "NormBudget",
    "OwnDistance",
    "Parametric",
    "Perturbed",
    "Plot",
    "Plugin",
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
]
_HOMES = dict.fromkeys(_CONTRACTS, "adversity.contracts") | {
    "SampleRng": "adversity.seeding",
    "clip": "adversity.clipping",
    "create": "adversity.engine.public.create",
    "hookimpl": "adversity.hookspecs",
    "metrics": "adversity.metrics",
    "Message": "adversity.notifier",
    "Notifier": "adversity.notifier",
    "plugins_in": "adversity.contracts.gather",
    "run": "adversity.engine.public.run",
    "target": "adversity.engine.chain.victim",
}
__all__ = sorted([*_HOMES, "__version__"])  # noqa: PLE0605  (a test proves it equal to the imports)


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'adversity' has no attribute {name!r}")
    module = import_module(_HOMES[name])
    value = module if name == "metrics" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names without loading them."""
    return list(__all__)
