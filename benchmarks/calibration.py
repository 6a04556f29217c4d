"""Metrics of calibration beside torchmetrics, netcal and torch-uncertainty: values, time, memory.

10 000 answers of ten classes, too sure, and 10 000 stated Gaussians. Each of our metrics is
computed as from Python, checks, details and intervals included, and held against what a peer's
gives; of both the least CPU time of the turns counts. Then 40 million rows, .9 sure and 45 %
right, go through the accumulators, whose error is .450 and whose memory must not grow with them.

Peers live in environments of their own, given as `--peer NAME=PYTHON` with NAME `torchmetrics`,
`netcal` or `torch-uncertainty`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import contest
import numpy as np
from scipy.special import ndtri

from adversity import metrics

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

PEER = Path(__file__).parent / "calibration_peer.py"
ROWS, LARGE = 10_000, 40_000_000
LIMIT = 1.0
"""Our time over the fastest peer's."""
CLOSE = 1e-6
"""Peers with float32 inside agree to this; on these answers no row lies on an edge."""
GROWTH_MIB = 8.0
"""What ten times the rows may add to the peak."""
CHILD = """\
import json, resource, sys
import numpy as np
from adversity import metrics
rows, batch = int(sys.argv[1]), int(sys.argv[2])
sure, right = np.full(batch, 0.9), np.arange(batch) % 20 < 9
probs, labels = np.stack([1 - sure, sure], axis=1), right.astype(int)
top, smooth = metrics.ReliabilityAccumulator(), metrics.SmoothAccumulator()
each = metrics.ClasswiseAccumulator(2)
for _ in range(rows // batch):
    top.update(sure, right)
    smooth.update(sure, right)
    each.update(probs, labels)
values = [metrics.calibration_error(top.value()), smooth.value()]
values.append(metrics.classwise_error(each.value()))
print(json.dumps({
    "rows": rows,
    "values": [measure.value for measure in values],
    "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def given() -> dict[str, Any]:
    """Return answers whose logits are 1.7 times too large, and Gaussians 1.3 times too narrow."""
    rng = np.random.default_rng(0)
    z = 2.0 * rng.standard_normal((ROWS, 10))
    chances = metrics.softmax(z)
    labels = (chances.cumsum(axis=1) < rng.random((ROWS, 1))).sum(axis=1)
    mean, variance = rng.normal(0, 5, ROWS), rng.uniform(1, 4, ROWS)
    reach = float(ndtri(0.95)) * np.sqrt(variance)
    return {
        "probs": metrics.softmax(1.7 * z),
        "labels": np.minimum(labels, 9),
        "mean": mean,
        "variance": variance,
        "target": mean + 1.3 * rng.standard_normal(ROWS) * np.sqrt(variance),
        "low": mean - reach,
        "high": mean + reach,
    }


def ours(data: Mapping[str, Any]) -> dict[str, Callable[[], float]]:
    """Return our metrics, by the names that peers' have."""
    answers = (data["probs"], data["labels"])
    stated = (data["mean"], data["variance"], data["target"])

    def error(**rule: Any) -> Callable[[], float]:
        return lambda: metrics.ece(*answers, **rule).value

    return {
        "ece": error(),
        "ece, l2": error(norm="l2"),
        "ece, max": error(norm="max"),
        "ece, uniform": error(weights="uniform"),
        "ece, mass": error(spacing="mass"),
        "ece, classwise": error(classwise=True),
        "smooth_ece": lambda: metrics.smooth_ece(*answers).value,
        "brier": lambda: metrics.brier(*answers).value,
        "nll": lambda: metrics.nll(*answers).value,
        "crps": lambda: float(metrics.crps_values(*stated).mean()),
        "interval_coverage": lambda: float(metrics.covered(*stated, level=0.9).mean()),
        "interval_width": lambda: float(metrics.interval_widths(stated[1], level=0.9).mean()),
    }


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return values and times of all sides, and what many rows cost."""
    turns = 1 if options.quick else options.turns
    data, rows = given(), 0 if options.quick else LARGE
    calls = ours(data)
    found: dict[str, dict[str, dict[str, float]]] = {
        name: {"ours": {"value": call(), "seconds": float("inf")}} for name, call in calls.items()
    }
    asked: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "given.npz"
        np.savez(path, **data)
        for name, call in calls.items():  # turns of one metric follow each other, as at the peers
            for _ in range(turns):
                _least(found[name]["ours"], call)
        for peer, python in options.peers.items():
            run = [python, str(PEER), peer, str(path), str(turns), str(rows)]
            said = json.loads(subprocess.run(run, check=True, capture_output=True).stdout)
            asked[peer] = said["large"]
            for name, row in said["metrics"].items():
                found[name][peer] = row
    counts = (20_000, 200_000) if options.quick else (LARGE // 10, LARGE)
    runs = [_many(count, min(counts[0], 1_000_000)) for count in counts]
    grown = {"mebibytes": runs[1]["peak_mib"] - runs[0]["peak_mib"], "limit": GROWTH_MIB}
    return {"metrics": found, "runs": runs, "growth": grown, "peers_large": asked}


def _least(row: dict[str, float], call: Callable[[], float]) -> None:
    start = time.process_time()
    call()
    row["seconds"] = min(row["seconds"], time.process_time() - start)


def _many(rows: int, batch: int) -> dict[str, Any]:
    """Send rows through the accumulators in a process of its own."""
    run = [sys.executable, "-c", CHILD, str(rows), str(batch)]
    found: dict[str, Any] = json.loads(subprocess.run(run, check=True, capture_output=True).stdout)
    return found


def lines(record: Mapping[str, Any]) -> list[str]:
    """Return the table, and whether the limits hold."""
    peers = list(record["peers_large"])
    text = [f"{'CPU ms':18} {'value':>14} {'ours':>7} " + " ".join(f"{p:>20}" for p in peers)]
    slow, other = [], []
    for name, row in record["metrics"].items():
        own, theirs = row["ours"], {peer: row[peer] for peer in peers if peer in row}
        cells = []
        for peer in peers:
            known = theirs.get(peer)
            cells.append("" if known is None else f"{1000 * known['seconds']:.2f}")
            if known is not None and abs(known["value"] - own["value"]) > CLOSE:
                other.append(f"{name} of {peer} ({known['value']:.9f})")
        text.append(
            f"{name:18} {own['value']:14.9f} {1000 * own['seconds']:7.2f} "
            + " ".join(f"{cell:>20}" for cell in cells)
        )
        if theirs:
            ratio = own["seconds"] / min(known["seconds"] for known in theirs.values())
            text[-1] += f"  {ratio:.2f}"
            slow += [name] if ratio > LIMIT else []
    text.append(f"slower than a peer (limit {LIMIT:g}): {', '.join(slow) or 'none'}")
    text.append(f"another value than a peer's by more than {CLOSE:g}: {', '.join(other) or 'none'}")
    for run in record["runs"]:
        said = ", ".join(f"{value:.15g}" for value in run["values"])
        text.append(
            f"{run['rows']} rows: {said} (top, smooth, classwise); {run['peak_mib']:.0f} MiB"
        )
    grown = record["growth"]
    text.append(f"ten times the rows: {grown['mebibytes']:+.1f} MiB (limit {grown['limit']:g})")
    for peer, row in record["peers_large"].items():
        if row:
            text.append(
                f"{peer}, {row['rows']} rows: {row['value']:.6f}, {row['mebibytes']:+.0f} MiB"
            )
    return text


def main(arguments: Sequence[str]) -> None:
    """Do what is asked."""
    parser = contest.options(__doc__)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--turns", type=int, default=15)
    asked = parser.parse_args(arguments)
    asked.peers = dict(peer.split("=", 1) for peer in asked.peer)
    record: dict[str, Any] = {"benchmark": "calibration", "quick": asked.quick}
    record["machine"] = contest.machine("numpy", "scipy")
    record.update(measure(asked))
    contest.write(record, lines(record), as_json=asked.json)


if __name__ == "__main__":
    main(sys.argv[1:])
