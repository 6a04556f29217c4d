"""Metrics of numbers: what they read from a table, and what each sample is."""

from __future__ import annotations

import numpy as np
import pytest

from adversity import Table, metrics
from adversity_plugins.metric.accuracy import Accuracy
from adversity_plugins.metric.brier import Brier
from adversity_plugins.metric.crps import CRPS
from adversity_plugins.metric.gaussian_nll import GaussianNLL
from adversity_plugins.metric.interval_coverage import IntervalCoverage
from adversity_plugins.metric.interval_width import IntervalWidth
from adversity_plugins.metric.nll import NLL
from adversity_plugins.metric.quantile_calibration import QuantileCalibration
from adversity_plugins.metric.regression_error import RegressionError
from adversity_plugins.metric.regression_gain import RegressionGain

OURS = (RegressionError, GaussianNLL, IntervalCoverage, CRPS, IntervalWidth)


def table(width: int | None = None, count: int = 40, **more: np.ndarray) -> Table:
    """Return a table of numbers, `[N]` or `[N, D]`."""
    rng = np.random.default_rng(2)
    shape = (count,) if width is None else (count, width)
    target, variance = rng.normal(0, 5, shape), rng.uniform(1, 4, shape)
    columns = {
        "id": np.array([str(i) for i in range(count)], dtype=object),
        "target": target,
        "mean": target + rng.normal(0, 1, shape) * np.sqrt(variance),
        "variance": variance,
    }
    names = ("x",) if width is None else tuple("xyz"[:width])
    return Table({**columns, **more}, names)


@pytest.mark.parametrize("width", [None, 3])
@pytest.mark.parametrize("metric", OURS)
def test_samples_are_what_a_measure_is_the_mean_of(metric: type, width: int | None) -> None:
    """Paired tests and groups of samples rest on it."""
    given = table(width)
    measures, samples = metric().compute(given), metric().per_sample(given)
    assert samples
    for name, values in samples.items():
        assert values.shape == (40,)
        assert measures[name].value == pytest.approx(values.mean(), rel=1e-12)


def test_measures_are_those_of_the_mathematics() -> None:
    """With the level that is asked for, and what the numbers are."""
    given = table()
    mean, variance, target = given["mean"], given["variance"], given["target"]
    found = RegressionError().compute(given)
    assert found["rmse"].value == metrics.rmse(mean, target).value
    assert found["r_squared"].value == metrics.r_squared(mean, target)
    assert found["rmse"].convention["target"] == "x"
    held = metrics.covered(mean, variance, target, level=0.5)
    narrow = IntervalCoverage(level=0.5).compute(given)["interval_coverage"]
    assert (narrow.value, narrow.method) == (held.mean(), "wilson")
    assert narrow.convention["nominal"] == 0.5


@pytest.mark.parametrize("width", [None, 3])
def test_gains_are_paired_row_by_row(width: int | None) -> None:
    """What pairs are the mean of is the gain in absolute error; groups are allowed for."""
    first, groups = table(width), np.repeat([f"g{i}" for i in range(8)], 5)
    nearer = {**first.columns, "mean": (first["mean"] + first["target"]) / 2, "group": groups}
    better = Table(nearer, first.class_names)
    found = RegressionGain().compute(better, first)
    errors = metrics.absolute_errors(first["mean"], first["target"])
    # Errors are halved, and so is the root of their squares.
    assert found["mae_gain"].value == pytest.approx(errors.mean() / 2, rel=1e-12)
    assert found["rmse_gain"].value == pytest.approx(
        metrics.rmse(first["mean"], first["target"]).value / 2, rel=1e-12
    )
    assert all(str(measure.method).endswith("grouped") for measure in found.values())
    pairs = RegressionGain().per_pair(better, first)["mae_gain"]
    np.testing.assert_allclose(pairs, errors / 2, rtol=1e-12)
    assert RegressionGain().compute(first) == {}


def test_numbers_of_a_vector_stand_by_themselves_too() -> None:
    """The RMSE over all says nothing of which number is off."""
    given = table(2)
    each = RegressionError().compute(given)["rmse"].details["per_number"]
    assert each == {
        name: metrics.rmse(given["mean"][:, i], given["target"][:, i]).value
        for i, name in enumerate("xy")
    }


def test_metrics_of_classes_get_no_table_of_numbers() -> None:
    """One that goes by targets alone would take numbers for class indices."""
    given = table(correct=np.ones(40, dtype=bool))
    assert all(metric.takes(given) for metric in OURS)
    assert not any(metric.takes(given) for metric in (Accuracy, Brier, NLL))
    classes = {"id": given["id"], "target": np.zeros(40, dtype=np.int64)}
    assert not any(metric.takes(Table(classes)) for metric in OURS)
    assert Brier.takes(Table(classes))


def test_a_table_without_variance_has_errors_alone() -> None:
    """Nothing is made up for a model that does not say how sure it is."""
    given = Table({k: v for k, v in table().columns.items() if k != "variance"}, ("x",))
    assert [metric.takes(given) for metric in OURS] == [True, *[False] * 4]


@pytest.mark.parametrize("width", [None, 3])
def test_stated_gaussians_are_judged_as_wholes(width: int | None) -> None:
    """Score, width and quantiles are those of the mathematics, with their parameters."""
    given = table(width)
    mean, variance, target = given["mean"], given["variance"], given["target"]
    assert CRPS().compute(given)["crps"].value == pytest.approx(
        metrics.crps_values(mean, variance, target).mean(), rel=1e-12
    )
    wide = IntervalWidth(level=0.5).compute(given)["interval_width"]
    assert wide.value == pytest.approx(
        metrics.interval_widths(variance, level=0.5).mean(), rel=1e-12
    )
    assert wide.convention["nominal"] == 0.5
    ranks = metrics.quantile_ranks(mean, variance, target)
    found = QuantileCalibration(levels=9).compute(given)
    assert found == {"quantile_calibration_error": metrics.quantile_calibration(ranks, levels=9)}


@pytest.mark.parametrize("metric", [CRPS(), IntervalWidth(), QuantileCalibration()])
def test_a_table_without_rows_has_no_measures(metric) -> None:
    """NaN is not a value."""
    empty = Table({name: values[:0] for name, values in table().columns.items()}, ("x",))
    assert metric.compute(empty) == {}
    assert all(not len(values) for values in metric.per_sample(empty).values())
