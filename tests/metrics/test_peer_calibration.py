"""Calibration errors of other packages, to the digit that they print.

Recorded with torchmetrics 1.9.0 (`CalibrationError(n_bins=15)`, of two classes `task="binary"`),
netcal 1.4.0 (`ECE(15).measure`), MAPIE 1.6.0 (`expected_calibration_error(num_bins=15)`) and
`calib_err` of hendrycks/natural-adv-examples at 0777070, each in an environment of its own with
torch 2.15 and NumPy 2.4, on the draws of `conftest.py` that are named here.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from adversity import metrics
from adversity.errors import DataError

DRAWS = {
    "ten": {"n": 10_000, "classes": 10, "scale": 1.7, "seed": 0},
    "few": {"n": 250, "classes": 3, "scale": 1.2, "seed": 1},
    "two": {"n": 3000, "classes": 2, "scale": 1.5, "seed": 2},
}
RECORDED = {
    "torchmetrics": (0.1600440889596939, 0.06099719554185867, 0.052209370510286304),
    "netcal": (0.16004431067487734, 0.060997281667022965, 0.052209370510286304),
    "mapie": (0.16010381297836815, 0.07492924242253247, 0.05047718547815343),
    "hendrycks": (0.17564833523453532, 0.00788836472194065, 0.0622679381434922),
}


def given(draw, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and labels of a draw."""
    logits, labels = draw(**DRAWS[name])
    return softmax(logits, axis=1), labels


@pytest.mark.parametrize("peer", RECORDED)
@pytest.mark.parametrize("name", DRAWS)
def test_the_value_is_theirs(draw, peer: str, name: str) -> None:
    """In float64 to 1e-14, the order of the sums; torchmetrics' float32 to one unit of its last place."""
    theirs = dict(zip(DRAWS, RECORDED[peer], strict=True))[name]
    measure = metrics.peer_ece(peer, *given(draw, name))  # type: ignore[arg-type]
    close = 2.0**-26 if peer == "torchmetrics" and name != "two" else 1e-14
    assert measure.value == pytest.approx(theirs, abs=close)
    assert measure.convention["compat"] == peer
    assert (measure.low, measure.high) == (None, None)


@pytest.mark.parametrize("peer", ["torchmetrics", "mapie", "hendrycks"])
def test_ours_is_another_number(draw, peer: str) -> None:
    """What is asked for is told from our own: at least 1e-7 apart on ten classes."""
    probs, labels = given(draw, "ten")
    own = metrics.ece(probs, labels, norm="l2" if peer == "hendrycks" else "l1").value
    theirs = metrics.peer_ece(peer, probs, labels).value  # type: ignore[arg-type]
    assert abs(own - theirs) > 1e-7


def test_logits_are_answers_too(draw) -> None:
    """They are turned into the same probabilities (1e-14)."""
    logits, labels = draw(**DRAWS["few"])
    for peer in ("netcal", "mapie"):
        assert metrics.peer_ece(peer, logits=logits, labels=labels).value == pytest.approx(  # type: ignore[arg-type]
            metrics.peer_ece(peer, softmax(logits, axis=1), labels).value,  # type: ignore[arg-type]
            abs=1e-14,
        )


def test_a_confidence_of_one_has_a_bin_by_itself_in_torchmetrics() -> None:
    """.95 all right and 1.0 all wrong: apart (.05 + 1) / 2, in one bin |.5 - .975|."""
    probs = np.zeros((20, 3))
    probs[:, 0] = np.repeat([0.95, 1.0], 10)
    probs[:, 1] = 1 - probs[:, 0]
    labels = np.repeat([0, 1], 10)
    apart = metrics.peer_ece("torchmetrics", probs, labels, bins=10)
    assert apart.value == pytest.approx(0.525, abs=1e-7)
    for together in (
        metrics.ece(probs, labels, bins=10),
        metrics.peer_ece("netcal", probs, labels, bins=10),
    ):
        assert together.value == pytest.approx(0.475, abs=1e-15)


def test_what_they_refuse_is_refused() -> None:
    """An unknown package, less rows than one of hendrycks's bins, and MAPIE's one edge."""
    probs, labels = [[0.9, 0.1]], [0]
    with pytest.raises(DataError, match="'keras'"):
        metrics.peer_ece("keras", probs, labels)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="100 rows or more, got 1"):
        metrics.peer_ece("hendrycks", probs, labels)
    with pytest.raises(DataError, match="2 bins or more, got 1"):
        metrics.peer_ece("mapie", probs, labels, bins=1)
