"""Mean corruption error against published numbers and the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adversity import Measure, MeasuredCell, Plot, Table
from adversity.errors import InputError
from adversity_plugins.metric._alexnet import ALEXNET, ALEXNET_CLEAN
from adversity_plugins.metric.mce import MCE

NO_ROWS = Table({"id": np.array([], dtype=object)})
DENOMINATORS = {
    "gaussian_noise": 0.886428,
    "shot_noise": 0.894468,
    "impulse_noise": 0.922640,
    "defocus_blur": 0.819880,
    "glass_blur": 0.826268,
    "motion_blur": 0.785948,
    "zoom_blur": 0.798360,
    "snow": 0.866816,
    "frost": 0.826572,
    "fog": 0.819324,
    "brightness": 0.564592,
    "contrast": 0.853204,
    "elastic_transform": 0.646056,
    "pixelate": 0.717840,
    "jpeg_compression": 0.606500,
}
"""As evaluation code quotes them, for example MMClassification's `CorruptionError`."""


def cells(errors: dict[str, Any]) -> list[MeasuredCell]:
    """Return a cell for each corruption and severity."""
    return [
        MeasuredCell(
            {"corruption": name, "severity": str(severity)},
            {"accuracy": Measure(1 - error, 100)},
            NO_ROWS,
        )
        for name, of in errors.items()
        for severity, error in enumerate(of, start=1)
    ]


@pytest.mark.parametrize("name", DENOMINATORS)
def test_alexnets_means_are_the_ones_in_use(name: str) -> None:
    """The mean over the five severities, to the six digits in which it is quoted."""
    assert np.mean(ALEXNET[name]) == pytest.approx(DENOMINATORS[name], abs=5e-7)


def test_alexnet_has_100() -> None:
    """By definition, both ways, where its own clean error is the clean error."""
    found = MCE(clean_accuracy=1 - ALEXNET_CLEAN).fold(cells(ALEXNET))
    assert found["mce"].value == pytest.approx(100)
    assert found["relative_mce"].value == pytest.approx(100)
    assert found["mce"].n == 75


def test_the_mean_is_over_corruptions_not_cells() -> None:
    """Sums over severities are divided first: by hand, for two constant errors."""
    errors = {name: [0.5] * 5 for name in ALEXNET}
    errors["fog"] = [0.1, 0.2, 0.3, 0.4, 0.5]
    expected = 100 * np.mean(
        [(0.3 if name == "fog" else 0.5) / mean for name, mean in DENOMINATORS.items()]
    )
    found = MCE().fold(cells(errors))
    assert found.keys() == {"mce"}
    assert found["mce"].value == pytest.approx(expected, abs=1e-3)
    plot = Plot.from_json(found["mce"].details["plot"])
    assert plot.x == list(ALEXNET)
    assert plot.y[plot.x.index("fog")] == pytest.approx(100 * 0.3 / 0.819324, abs=1e-3)


def test_relative_errors_are_what_corruptions_add() -> None:
    """A network whose error never grows has 0, whatever its error is."""
    found = MCE(clean_accuracy=0.6).fold(cells({name: [0.4] * 5 for name in ALEXNET}))
    assert found["relative_mce"].value == pytest.approx(0, abs=1e-9)
    assert found["mce"].value > 0


def test_extra_corruptions_are_left_out_and_named() -> None:
    """They have no denominators in it."""
    errors = {**ALEXNET, "spatter": [0.9] * 5}
    found = MCE().fold(cells(errors))["mce"]
    assert found.value == pytest.approx(100)
    assert found.convention["left out"] == "spatter"


def test_names_with_their_kind_and_other_variables_are_read() -> None:
    """`degradation/fog` is fog, and the variables may have other names."""
    given = [
        MeasuredCell(
            {"damage": f"degradation/{one.values['corruption']}", "s": one.values["severity"]},
            one.measures,
            NO_ROWS,
        )
        for one in cells(ALEXNET)
    ]
    found = MCE(corruption="damage", severity="s").fold(given)
    assert found["mce"].value == pytest.approx(100)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (cells(ALEXNET)[:-1], "1 of 75 cells are missing, jpeg_compression at 5"),
        (cells(ALEXNET) + cells(ALEXNET)[:1], "several for gaussian_noise at 1"),
        (
            [MeasuredCell({"seed": "1"}, {"accuracy": Measure(1, 1)}, NO_ROWS)],
            "a variable corruption",
        ),
        ([MeasuredCell({"seed": "1"}, {"ece": Measure(1, 1)}, NO_ROWS)], "the cell seed=1 has ece"),
    ],
)
def test_anything_less_is_refused(given: list[MeasuredCell], words: str) -> None:
    """It would be another number under the same name."""
    with pytest.raises(InputError, match=words):
        MCE().fold(given)
