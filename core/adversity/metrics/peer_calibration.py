"""Calibration errors as other packages compute them, to be held against published numbers.

Each has a convention of its own, which goes with its value. They are not what we advise: float32
sums, a bin for 1.0 alone, a bin left out. Not here: their options beyond the number of bins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from adversity.contracts.values import Measure
from adversity.errors import DataError
from adversity.metrics.predictions import class_labels, class_probs, whole_number
from adversity.metrics.reliability import checked_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from adversity.metrics.predictions import Floats

__all__ = ["Peer", "peer_ece", "peer_ece_of", "peer_rows"]

Peer = Literal["torchmetrics", "netcal", "mapie", "hendrycks"]
_Told = dict[str, Any]
_Reals = np.ndarray[Any, np.dtype[np.floating[Any]]]
_BETA = 100
"""Rows of a bin of `hendrycks`."""


def peer_ece(
    peer: Peer,
    probs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
    bins: int = 15,
) -> Measure:
    """Return what another package's calibration error gives for the same call.

    - `torchmetrics`: `CalibrationError(n_bins=bins)`. Bins [low, high) and one more for exactly
      1.0, float32 sums that stop at 2^24 rows; with two classes of the second one
      (`task="binary"`), in float64 as it does for float64.
    - `netcal`: `ECE(bins).measure`. Bins [low, high), the last one closed; with two classes of the
      second one.
    - `mapie`: `expected_calibration_error(num_bins=bins)`. Bins (low, high], `bins` - 1 of them,
      and exactly 0 by itself.
    - `hendrycks`: `calib_err`, "RMS calibration error" of ImageNet-A, -R and AugMix. Bins of 100
      rows by rank, the rest in the last one, which is then left out; 0 below 200 rows. `bins` is
      not used. Ties stand in the order of the rows.

    Args:
        peer: Whose.
        probs: `[N, K]`, K >= 2, rows sum to 1; or give `logits`.
        labels: `[N]` integers in 0 .. K - 1.
        logits: `[N, K]`.
        bins: What their argument says.

    Returns:
        The value, without an interval.

    Raises:
        DataError: The arrays do not fit, or the peer is unknown or refuses so few rows.

    Reference:
        torchmetrics 1.9.0; netcal 1.4.0; MAPIE 1.6.0; hendrycks/natural-adv-examples,
        `calibration_tools.py`.

    Example:
        >>> round(peer_ece("mapie", [[0.9, 0.1], [0.9, 0.1]], [0, 1], bins=10).value, 6)
        0.4
    """
    _known(peer)
    return peer_ece_of(peer, *peer_rows(peer, probs, labels, logits=logits), bins=bins)


def peer_rows(
    peer: Peer,
    probs: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return what a peer goes by of each row: a probability, whether it holds, and if it is the second class's.

    Args:
        peer: Whose.
        probs: `[N, K]`, K >= 2, rows sum to 1; or give `logits`.
        labels: `[N]` integers in 0 .. K - 1.
        logits: `[N, K]`.

    Returns:
        `[N]` float64, `[N]` booleans and `[N]` booleans, which are all the same.

    Raises:
        DataError: The arrays do not fit.
    """
    values = class_probs(probs, logits)
    truth = class_labels(labels, rows=len(values), classes=values.shape[1])
    positive = values.shape[1] == 2 and peer in ("torchmetrics", "netcal")
    told = np.full(len(values), positive)
    if positive:
        return np.ascontiguousarray(values[:, 1]), truth == 1, told
    return values.max(axis=1), values.argmax(axis=1) == truth, told


def peer_ece_of(
    peer: Peer,
    confidence: ArrayLike,
    correct: ArrayLike,
    positive: ArrayLike,
    *,
    bins: int = 15,
) -> Measure:
    """Return what `peer_ece` does, from what `peer_rows` returns of rows.

    Args:
        peer: Whose.
        confidence: `[N]` in [0, 1].
        correct: `[N]` booleans.
        positive: Whether they speak of the second class of two.
        bins: What their argument says.

    Raises:
        DataError: As `peer_ece`.
    """
    whole_number(bins, "bins", low=1)
    rule = _known(peer)
    sure, right = checked_rows(confidence, correct)
    second = bool(np.any(positive))
    given = np.minimum(sure, 1.0)
    if peer == "torchmetrics" and not second:
        given = given.astype(np.float32)
    value, told = rule(given, right, bins)
    label = "second class of two" if second else "top"
    return Measure(
        value, len(sure), convention={"compat": peer, "label": label} | told, better="lower"
    )


def _known(peer: str) -> Callable[[_Reals, NDArray[np.bool_], int], tuple[float, _Told]]:
    rules = {
        "torchmetrics": _torchmetrics,
        "netcal": _netcal,
        "mapie": _mapie,
        "hendrycks": _hendrycks,
    }
    if peer not in rules:
        raise DataError(f"expected a peer out of {', '.join(rules)}, got {peer!r}")
    return rules[peer]


def _torchmetrics(sure: _Reals, right: NDArray[np.bool_], bins: int) -> tuple[float, _Told]:
    import torch  # whose edges and sums are rounded in their own way

    kind = sure.dtype
    edges = torch.linspace(0, 1, bins + 1, dtype=getattr(torch, str(kind))).numpy()
    at = np.searchsorted(edges, sure, side="right") - 1
    n, hits, sums = (np.zeros(bins + 1, kind) for _ in range(3))
    # One row after the other: in float32 adding 1 changes nothing from 2^24 on.
    np.add.at(n, at, np.ones(1, kind))
    np.add.at(hits, at, right.astype(kind))
    np.add.at(sums, at, sure)
    full = np.maximum(n, np.ones(1, kind))
    gaps = np.abs(hits / full - sums / full) * (n / n.sum())
    told = {"bins": bins, "edge": "left, 1.0 by itself", "norm": "l1", "sums": str(kind)}
    return float(torch.from_numpy(gaps).sum()), told


def _netcal(sure: _Reals, right: NDArray[np.bool_], bins: int) -> tuple[float, _Told]:
    edges = np.linspace(0.0, 1.0, bins + 1)
    at = np.minimum(np.searchsorted(edges, sure, side="right") - 1, bins - 1)
    return _mean_gap(at, sure, right), {"bins": bins, "edge": "left", "norm": "l1"}


def _mapie(sure: _Reals, right: NDArray[np.bool_], bins: int) -> tuple[float, _Told]:
    at = np.searchsorted(np.linspace(0.0, 1.0, bins), sure, side="left")
    # With one edge, at 0, all that is above it lies in no bin.
    inside = at < bins
    if not inside.any():
        raise DataError(f"expected 2 bins or more, got {bins}: MAPIE counts edges")
    value = _mean_gap(at[inside], sure[inside], right[inside])
    return value, {"bins": bins - 1, "num_bins": bins, "edge": "guo, 0 by itself", "norm": "l1"}


def _mean_gap(at: NDArray[np.intp], sure: _Reals, right: NDArray[np.bool_]) -> float:
    gaps = np.bincount(at, right.astype(np.float64)) - np.bincount(at, sure)
    return float(np.abs(gaps).sum() / len(sure))


def _hendrycks(sure: _Reals, right: NDArray[np.bool_], bins: int) -> tuple[float, _Told]:
    if len(sure) < _BETA:
        raise DataError(
            f"expected {_BETA} rows or more, got {len(sure)}: hendrycks makes bins of {_BETA}"
        )
    order = np.argsort(sure, kind="stable")
    counted = (len(sure) // _BETA - 1) * _BETA
    gaps = [
        part[0].mean() - part[1].mean()
        for part in zip(
            sure[order][:counted].reshape(-1, _BETA),
            right[order][:counted].reshape(-1, _BETA),
            strict=True,
        )
    ]
    value = float(np.sqrt(np.square(gaps).sum() * _BETA / len(sure)))
    told = {"rows_a_bin": _BETA, "spacing": "rank", "norm": "l2", "left_out": "the last bin"}
    return value, told
