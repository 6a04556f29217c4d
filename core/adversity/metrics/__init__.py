"""The mathematics of the numbers: pure functions on arrays, each with its convention.

Not here: reading tables, which the metric plugins do. Importing this needs NumPy only.
"""

from adversity.metrics.agreement import agreement, kappa
from adversity.metrics.brier_parts import BrierParts, brier_parts, brier_parts_of
from adversity.metrics.calibration import (
    calibration_error,
    classwise_error,
    consistency_test,
    ece,
)
from adversity.metrics.classification import accuracy, accuracy_of, accuracy_of_ranks, ranks
from adversity.metrics.classifier_test import classifier_test
from adversity.metrics.classwise import ClasswiseAccumulator, class_reliability
from adversity.metrics.confidence_gap import confidence_gap, confidence_gap_of
from adversity.metrics.failure import failure_distance, failures_found, median_interval, query_count
from adversity.metrics.grouped import are_grouped, grouped, grouped_interval
from adversity.metrics.grouped_calibration import grouped_calibration, grouped_records
from adversity.metrics.image_quality import (
    psnr,
    psnr_convention,
    ssim,
    ssim_convention,
    ssim_smallest_side,
)
from adversity.metrics.intervals import clopper_pearson, mean_interval, share, wilson
from adversity.metrics.mmd import mmd
from adversity.metrics.noise_level import noise_level
from adversity.metrics.open_set import openness, oscr
from adversity.metrics.paired import paired_difference
from adversity.metrics.paired_bootstrap import paired_bootstrap
from adversity.metrics.peer_calibration import peer_ece, peer_ece_of, peer_rows
from adversity.metrics.precision import average_precision
from adversity.metrics.predicted_quantiles import (
    crps_values,
    interval_widths,
    quantile_calibration,
    quantile_ranks,
)
from adversity.metrics.predictions import log_softmax, softmax
from adversity.metrics.preferences import bradley_terry
from adversity.metrics.proper_scores import (
    brier,
    brier_of,
    log_likelihoods,
    nll,
    nll_of,
    squared_errors,
)
from adversity.metrics.ranking import auroc, fpr_at_95_tpr
from adversity.metrics.regression import (
    absolute_errors,
    covered,
    gaussian_nats,
    r_squared,
    rmse,
    rmse_gain,
    squared_residuals,
)
from adversity.metrics.reliability import (
    ReliabilityAccumulator,
    ReliabilityBins,
    binned,
    reliability,
    top_class,
)
from adversity.metrics.robust import (
    attack_success,
    robust_accuracy,
    worst_case_robust_accuracy,
    worst_case_success,
)
from adversity.metrics.selective import augrc, aurc, selective_accuracy
from adversity.metrics.several_tests import holm
from adversity.metrics.smooth_calibration import SmoothAccumulator, smooth_ece
from adversity.metrics.two_sides import thinned
from adversity.metrics.worst_group import worst_group_accuracy, worst_group_gap

__all__ = [
    "BrierParts",
    "ClasswiseAccumulator",
    "ReliabilityAccumulator",
    "ReliabilityBins",
    "SmoothAccumulator",
    "absolute_errors",
    "accuracy",
    "accuracy_of",
    "accuracy_of_ranks",
    "agreement",
    "are_grouped",
    "attack_success",
    "augrc",
    "aurc",
    "auroc",
    "average_precision",
    "binned",
    "bradley_terry",
    "brier",
    "brier_of",
    "brier_parts",
    "brier_parts_of",
    "calibration_error",
    "class_reliability",
    "classifier_test",
    "classwise_error",
    "clopper_pearson",
    "confidence_gap",
    "confidence_gap_of",
    "consistency_test",
    "covered",
    "crps_values",
    "ece",
    "failure_distance",
    "failures_found",
    "fpr_at_95_tpr",
    "gaussian_nats",
    "grouped",
    "grouped_calibration",
    "grouped_interval",
    "grouped_records",
    "holm",
    "interval_widths",
    "kappa",
    "log_likelihoods",
    "log_softmax",
    "mean_interval",
    "median_interval",
    "mmd",
    "nll",
    "nll_of",
    "noise_level",
    "openness",
    "oscr",
    "paired_bootstrap",
    "paired_difference",
    "peer_ece",
    "peer_ece_of",
    "peer_rows",
    "psnr",
    "psnr_convention",
    "quantile_calibration",
    "quantile_ranks",
    "query_count",
    "r_squared",
    "ranks",
    "reliability",
    "rmse",
    "rmse_gain",
    "robust_accuracy",
    "selective_accuracy",
    "share",
    "smooth_ece",
    "softmax",
    "squared_errors",
    "squared_residuals",
    "ssim",
    "ssim_convention",
    "ssim_smallest_side",
    "thinned",
    "top_class",
    "wilson",
    "worst_case_robust_accuracy",
    "worst_case_success",
    "worst_group_accuracy",
    "worst_group_gap",
]
