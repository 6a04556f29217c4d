"""The 19 corruptions of ImageNet-C: what they cost beside the packages', and whether they agree.

`speed` times the profile `fast` at 224 x 224 and severity 3, float32 in and out, in a batch of
16, the random numbers included, against peers that corrupt the same images one by one; each turn
is divided by the peers' of the same turn. Beside ours stands the floor, where one can be told:
the draws and library calls that fixed bytes need (`corruptions_floor.py`). `fidelity` compares the profile `reference` with them
byte by byte. `golden FILE` writes the hashes that the tests hold it against.

Peers live in environments of their own, given as `--peer NAME=PYTHON`: one with
`imagecorruptions-imaug`, and one with `imagecorruptions==1.1.2 imagenet-c==0.0.3 numpy==1.26.4
scipy==1.14.1 scikit-image==0.22.0 setuptools==69.5.1 opencv-python-headless==4.11.0.86` (the
first two without their dependencies). With `--published PYTHON` the second is asked for the
published code, too.
"""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import contest
import numpy as np
import torch
from corruptions_floor import floors
from corruptions_given import NAMES, photographs

import adversity
from adversity import SampleRng

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

PEER = Path(__file__).parent / "corruptions_peer.py"
BATCH = 16
LIMIT, MEAN = 1.0, 5.0
"""How many times as fast each must be, and all in geometric mean."""
PUBLISHED = ("elastic_transform", "frost", "spatter")
"""What the package `imagecorruptions` has another algorithm for than the published code."""
SEEDS = (1, 2, 3)
FROST = "the photographs of frost are not installed"


def ask(
    python: str,
    images: Any,
    seeds: Any,
    names: Sequence[str],
    severities: Sequence[int],
    *more: str,
) -> dict[str, Any]:
    """Let a peer corrupt images; returns arrays by `NAME/SEVERITY`, and their CPU seconds."""
    with TemporaryDirectory() as folder:
        given, made = Path(folder) / "given.npz", Path(folder) / "made.npz"
        np.savez(
            given,
            images=images,
            seeds=seeds,
            names=np.array(names),
            severities=np.array(severities),
        )
        subprocess.run([python, str(PEER), str(given), str(made), *more], check=True)
        with np.load(made) as found:
            return dict(found)


def ours(name: str, **parameters: Any) -> Any:
    """Return one of our degradations, ready; None for frost without photographs."""
    try:
        return adversity.create("degradation", name, **parameters).ready.plugin
    except adversity.errors.WeightsError:
        return None


def speed(options: argparse.Namespace) -> dict[str, Any]:
    """Time every corruption; the least of the turns of each side."""
    count = 2 if options.quick else BATCH
    pixels = np.tile(photographs()[:2], (count // 2, 1, 1, 1))
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous() / 255
    turns = 1 if options.quick else options.turns
    rows: dict[str, dict[str, float]] = {}
    for _ in range(turns):
        for name in NAMES:
            _least(rows.setdefault(name, {}), "ours", _our_seconds(name, images))
        for peer, python in options.peers.items():
            made = ask(python, pixels, np.arange(count), NAMES, [3], "--repeat", "2")
            for name in NAMES:
                if f"{name}/3/seconds" in made:
                    _least(rows[name], peer, float(made[f"{name}/3/seconds"]) / count)
    for name, seconds in floors(images).items():
        rows[name]["floor"] = seconds
    return {"seconds": rows}


def _least(row: dict[str, float], who: str, seconds: float | None) -> None:
    if seconds is not None:
        row[who] = min(seconds, row.get(who, math.inf))


def _our_seconds(name: str, images: torch.Tensor) -> float | None:
    """Return the least CPU seconds an image, of three batches; None where it cannot run."""
    plugin = ours(name, severity=3)
    if plugin is None:
        print(f"{name}: {FROST}", file=sys.stderr)
        return None
    best, ids = math.inf, [str(k) for k in range(len(images))]
    for _ in range(3):
        start = time.process_time()
        plugin.degrade(images, SampleRng(seed=0, step="speed", ids=ids))
        best = min(best, time.process_time() - start)
    return best / len(images)


def speed_lines(record: Mapping[str, Any]) -> list[str]:
    """Return the table, and whether the limits hold."""
    rows = record["seconds"]
    peers = sorted({peer for row in rows.values() for peer in row} - {"ours", "floor"})
    lines = [
        f"{'CPU ms an image':20} {'ours':>8} {'floor':>8} "
        + " ".join(f"{p:>24}" for p in peers)
        + "  ratio"
    ]
    ratios = {}
    for name, row in rows.items():
        others = [row[peer] for peer in peers if peer in row]
        if others and "ours" in row:
            ratios[name] = min(others) / row["ours"]
        times = " ".join(f"{1000 * row.get(p, math.nan):24.2f}" for p in peers)
        lines.append(
            f"{name:20} {1000 * row.get('ours', math.nan):8.2f} "
            f"{1000 * row.get('floor', math.nan):8.2f} {times}  {ratios.get(name, 0):5.1f}"
        )
    held = [*ratios.values()]
    if held:
        mean = math.exp(sum(map(math.log, held)) / len(held))
        slow = [name for name, value in ratios.items() if not value >= LIMIT]
        lines.append(
            f"geometric mean {mean:.1f} (limit {MEAN:g}); slower than a peer: {slow or 'none'}"
        )
    return lines


def fidelity(options: argparse.Namespace) -> dict[str, Any]:
    """Compare the profile `reference` with every peer at five severities."""
    images, severities = photographs(), (3,) if options.quick else (1, 2, 3, 4, 5)
    names = NAMES[:2] if options.quick else NAMES
    asked = {peer: (python, ()) for peer, python in options.peers.items()}
    if options.published:
        asked["published code"] = (options.published, ("--published",))
    rows: dict[str, dict[str, str]] = {name: {} for name in names}
    for peer, (python, more) in asked.items():
        made = ask(python, images, np.array(SEEDS, np.uint32), names, severities, *more)
        for name in names:
            rows[name][peer] = _compared(name, images, severities, made)
    return {"differences": rows}


def _compared(name: str, images: Any, severities: Sequence[int], made: Mapping[str, Any]) -> str:
    """Say how far ours are from a peer's: `same bytes`, or the share of values and the most."""
    gaps = []
    for severity in severities:
        if f"{name}/{severity}" not in made:
            return "does not run"
        mine = published(name, severity, images)
        if mine is None:
            return FROST
        gaps.append(np.abs(mine.astype(int) - made[f"{name}/{severity}"].astype(int)))
    if not any(gap.any() for gap in gaps):
        return "same bytes"
    share = np.mean([(gap > 0).mean() for gap in gaps])
    return f"{share:.2%} of values differ, by {max(gap.max() for gap in gaps)} at most"


def published(name: str, severity: int, images: Any) -> Any:
    """Return what our profile `reference` makes of 8-bit images from fixed legacy seeds."""
    plugin = ours(name, severity=severity, profile="reference")
    if plugin is None:
        return None
    return np.stack(
        [
            np.uint8(plugin._published(image, np.random.RandomState(seed)))
            for image, seed in zip(images, SEEDS, strict=True)
        ]
    )


def fidelity_lines(record: Mapping[str, Any]) -> list[str]:
    """Return a line for each corruption."""
    return [
        f"{name:20} " + "; ".join(f"{peer}: {said}" for peer, said in row.items())
        for name, row in record["differences"].items()
    ]


def golden(options: argparse.Namespace) -> dict[str, Any]:
    """Return the SHA-256 of each image that the peers make."""
    images, found = photographs(), {}
    (python,) = options.peers.values()
    for names, more in (
        ([name for name in NAMES if name not in (*PUBLISHED, "impulse_noise")], ()),
        (list(PUBLISHED), ("--published",)),
    ):
        made = ask(python, images, np.array(SEEDS, np.uint32), names, (1, 2, 3, 4, 5), *more)
        for name in names:
            found[name] = [
                [
                    hashlib.sha256(image.tobytes()).hexdigest()
                    for image in made[f"{name}/{severity}"]
                ]
                for severity in (1, 2, 3, 4, 5)
            ]
    return {
        "made_by": {
            "imagecorruptions 1.1.2": [name for name in found if name not in PUBLISHED],
            "imagenet-c 0.0.3": list(PUBLISHED),
        },
        "seeds": SEEDS,
        "images": {name: found[name] for name in NAMES if name in found},
    }


def main(arguments: Sequence[str]) -> None:
    """Do what is asked."""
    torch.set_num_threads(1)
    parser = contest.options(__doc__)
    parser.add_argument("what", nargs="?", default="speed", choices=["speed", "fidelity", "golden"])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--published", metavar="PYTHON")
    parser.add_argument("--turns", type=int, default=3)
    asked = parser.parse_args(arguments)
    asked.peers = dict(peer.split("=", 1) for peer in asked.peer)
    if asked.what == "golden":
        asked.file.write_text(json.dumps(golden(asked), indent=1) + "\n", encoding="utf-8")
        return
    record: dict[str, Any] = {"benchmark": f"corruptions {asked.what}", "quick": asked.quick}
    record["machine"] = contest.machine("torch", "numpy", "scipy", "scikit-image", "pillow")
    measure, lines = {"speed": (speed, speed_lines), "fidelity": (fidelity, fidelity_lines)}[
        asked.what
    ]
    record.update(measure(asked))
    contest.write(record, lines(record), as_json=asked.json)


if __name__ == "__main__":
    main(sys.argv[1:])
