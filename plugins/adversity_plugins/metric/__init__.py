"""Built-in metrics: tables in, measures out. The mathematics is `adversity.metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity import hookimpl
from adversity_plugins.metric.accuracy import Accuracy
from adversity_plugins.metric.attack_cost import AttackCost
from adversity_plugins.metric.brier import Brier
from adversity_plugins.metric.ece import ECE
from adversity_plugins.metric.failure_distance import FailureDistance
from adversity_plugins.metric.nll import NLL
from adversity_plugins.metric.psnr import PSNR
from adversity_plugins.metric.robust_accuracy import RobustAccuracy
from adversity_plugins.metric.ssim import SSIM

if TYPE_CHECKING:
    from adversity.contracts.metric import MetricBase

__all__ = [
    "ECE",
    "NLL",
    "PSNR",
    "SSIM",
    "Accuracy",
    "AttackCost",
    "Brier",
    "FailureDistance",
    "RobustAccuracy",
]


@hookimpl
def adversity_metrics() -> tuple[type[MetricBase], ...]:
    """Return the built-in metrics."""
    return (Accuracy, NLL, Brier, ECE, PSNR, SSIM, RobustAccuracy, FailureDistance, AttackCost)
