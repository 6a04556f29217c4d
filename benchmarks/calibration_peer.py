"""The side of `calibration.py` that runs in the environment of a peer, and needs nothing of ours.

Called by it with that environment's interpreter: a file of answers and numbers goes in, one JSON
object of values and CPU seconds comes out. Whatever the peer lacks is left out.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Compute what the peer has, several times, or the large one once."""
    warnings.simplefilter("ignore")
    peer, path, turns, rows = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    makers = {
        "torchmetrics": torchmetrics,
        "netcal": netcal,
        "torch-uncertainty": torch_uncertainty,
    }
    with np.load(path) as given:
        found = {name: timed(call, turns) for name, call in makers[peer](dict(given)).items()}
    print(json.dumps({"metrics": found, "large": large(peer, rows) if rows else None}))


def timed(call: Callable[[], Any], turns: int) -> dict[str, float]:
    """Return the value, and the least CPU seconds of the turns after one for warming up."""
    value, best = float(call()), float("inf")
    for _ in range(turns):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return {"value": value, "seconds": best}


def torchmetrics(given: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """Return its calibration errors."""
    import torch
    from torchmetrics import CalibrationError

    probs, labels = torch.from_numpy(given["probs"]), torch.from_numpy(given["labels"])

    def error(norm: str) -> Callable[[], Any]:
        def call() -> Any:
            asked: Any = {"task": "multiclass", "num_classes": probs.shape[1]}
            metric = CalibrationError(**asked, n_bins=15, norm=norm)
            metric.update(probs, labels)
            return metric.compute()

        return call

    return {"ece": error("l1"), "ece, l2": error("l2"), "ece, max": error("max")}


def netcal(given: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """Return its calibration errors."""
    from netcal import metrics

    def error(kind: Any) -> Callable[[], Any]:
        return lambda: kind(15).measure(given["probs"], given["labels"])

    named = {"ece": metrics.ECE, "ece, uniform": metrics.ACE, "ece, max": metrics.MCE}
    return {name: error(kind) for name, kind in named.items()}


def torch_uncertainty(given: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """Return its calibration errors, proper scores, and intervals of numbers."""
    import torch
    from torch_uncertainty import metrics

    probs, labels = torch.from_numpy(given["probs"]), torch.from_numpy(given["labels"])
    classes = probs.shape[1]
    asked: Any = {"task": "multiclass", "num_classes": classes, "num_bins": 15}
    ends = [torch.from_numpy(given[name]) for name in ("low", "high", "target")]

    def of(make: Callable[[], Any], *columns: Any) -> Callable[[], Any]:
        def call() -> Any:
            metric = make()
            metric.update(*columns)
            return metric.compute()

        return call

    made = {
        "ece": lambda: metrics.CalibrationError(**asked),
        "ece, l2": lambda: metrics.CalibrationError(**asked, norm="l2"),
        "ece, max": lambda: metrics.CalibrationError(**asked, norm="max"),
        "ece, mass": lambda: metrics.AdaptiveCalibrationError(**asked),
        "ece, classwise": lambda: metrics.ClasswiseCalibrationError(
            num_classes=classes, num_bins=15
        ),
        "brier": lambda: metrics.BrierScore(num_classes=classes, top_class=False),
        "nll": metrics.CategoricalNLL,
    }
    calls = {name: of(make, probs, labels) for name, make in made.items()}
    calls["interval_coverage"] = of(metrics.IntervalCoverage, *ends)
    calls["interval_width"] = of(metrics.MeanIntervalWidth, *ends[:2])
    return calls


def large(peer: str, rows: int) -> dict[str, float] | None:
    """Return the error of many rows, .9 sure and 45 % right, and by how much the peak rose."""
    if peer == "netcal":  # it takes all rows at once
        return None
    import torch

    if peer == "torchmetrics":
        from torchmetrics import CalibrationError
    else:
        from torch_uncertainty.metrics import CalibrationError

    metric = CalibrationError(task="binary", **_named(peer))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    batch = min(rows, 1_000_000)
    labels = torch.arange(batch) % 20 < 9
    for _ in range(rows // batch):
        metric.update(torch.full((batch,), 0.9), labels.long())
    value = float(metric.compute())
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"value": value, "rows": rows, "mebibytes": (after - before) / 1024}


def _named(peer: str) -> dict[str, int]:
    return {"n_bins" if peer == "torchmetrics" else "num_bins": 15}


if __name__ == "__main__":
    main()
