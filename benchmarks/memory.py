"""Peak memory of a pipeline run over few and over many generated images.

Each run is a process of its own. The pipeline trains a small network on 128 images, then
adds noise, predicts and attacks, a shard at a time, with the attack's images kept on disk.
If memory is bounded by the shard, ten times the images cost hardly more: what may grow are
the narrow columns of a table, and neither the images nor the answers. Two classes show the
former; 1 000 classes, in two cells, calibrated and scored, the latter.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import contest

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

IMAGE_BYTES = 3 * 32 * 32 * 4
"""One image as float32, as it goes through the engine."""
LIMIT = 0.5
"""What a further image may cost, in images: below 1, not even one copy of each is held."""
CLASSES = 1000
WIDE_LIMIT = 1.1
"""Of 1 000 classes: the peak with ten times the rows over the peak with the fewer."""

PIPELINE = """\
name: memory
data:
  train: {{uses: dataset/generated_images, with: {{count: 128, first: 500000}}}}
  images: {{uses: dataset/generated_images, with: {{count: {count}}}}}
steps:
  net: {{uses: classifier/small_cnn, fit_on: train, with: {{epochs: 1, width: 4}}}}
  noisy: {{uses: degradation/gaussian_noise, from: images, with: {{severity: 3}}}}
  predictions: {{uses: net, from: noisy}}
  attacked:
    uses: attack/fgsm
    from: noisy
    against: predictions
    with: {{eps: 8/255}}
run: {{shard_size: 256, batch_size: 64, workers: 1}}
"""

WIDE = """\
name: memory
matrix: {{severity: [1, 3]}}
data:
  train: {{uses: dataset/generated_images, with: {{count: 128, first: 500000, classes: 1000}}}}
  held_out: {{uses: dataset/generated_images, with: {{count: 256, first: 600000, classes: 1000}}}}
  images: {{uses: dataset/generated_images, with: {{count: {count}, classes: 1000}}}}
steps:
  net: {{uses: classifier/small_cnn, fit_on: train, with: {{epochs: 1, width: 4}}}}
  noisy: {{uses: degradation/gaussian_noise, from: images, with: {{severity: $severity}}}}
  predictions: {{uses: net, from: noisy}}
  held_predictions: {{uses: net, from: held_out}}
  calibrated:
    uses: uncertainty/temperature_scaling
    from: predictions
    fit_on: held_predictions
  doubt: {{uses: uncertainty/entropy, from: calibrated}}
  attacked:
    uses: attack/fgsm
    from: noisy
    against: calibrated
    with: {{eps: 8/255}}
run: {{shard_size: 256, batch_size: 64, workers: 1}}
"""

CHILD = """\
import json, resource, sys, time
import adversity
for number in range(int(sys.argv[1])):
    begun = time.perf_counter()
    result = adversity.run(f"memory-{number}.yaml", into=f"out-{number}")
    rows = result.steps["predictions"].rows
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"rows": rows, "peak": peak, "seconds": time.perf_counter() - begun}))
"""


def install(folder: Path) -> None:
    """Put the metadata of a distribution with the data set's entry point into a folder."""
    info = folder / "generated_images-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: generated-images\nVersion: 1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(
        "[adversity]\ngenerated_images = generated_images\n", encoding="utf-8"
    )


def peaks_of(*runs: tuple[str, int]) -> list[dict[str, Any]]:
    """Run pipelines over so many images in a child process; return the peak memory of it so far.

    Only of a single run is it that run's own. This process imports no torch: a child starts its
    peak at its parent's size.

    Raises:
        RuntimeError: If the run fails.
    """
    import os

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        install(folder)
        for number, (pipeline, count) in enumerate(runs):
            file = folder / f"memory-{number}.yaml"
            file.write_text(pipeline.format(count=count), encoding="utf-8")
        paths = [name, str(Path(__file__).parent)]
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(len(runs))],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            counts = ", ".join(str(count) for _, count in runs)
            raise RuntimeError(f"a run over {counts} images failed:\n{done.stderr}")
    said = [json.loads(line) for line in done.stdout.splitlines()[-len(runs) :]]
    unit = 1 if sys.platform == "darwin" else 1024
    return [
        {
            "images": count,
            "rows": facts["rows"],
            "peak_mib": facts["peak"] * unit / 2**20,
            "seconds": facts["seconds"],
        }
        for (_, count), facts in zip(runs, said, strict=True)
    ]


def measure(asked: Namespace) -> dict[str, Any]:
    """Run over few and over many images, of two classes and of 1 000.

    In short all in one process, since no figure counts and its start takes longest.
    """
    if asked.quick:
        done = peaks_of((PIPELINE, 48), (PIPELINE, 96), (WIDE, 48), (WIDE, 96))
        runs, wide = done[:2], done[2:]
    else:
        runs = [*peaks_of((PIPELINE, 2_000)), *peaks_of((PIPELINE, 20_000))]
        wide = [*peaks_of((WIDE, 5_000)), *peaks_of((WIDE, 50_000))]
    return {
        "runs": runs,
        "growth": judged(*runs),
        "wide": {"classes": CLASSES, "runs": wide, "growth": judged_wide(*wide)},
    }


def judged(few: dict[str, Any], many: dict[str, Any]) -> dict[str, Any]:
    """Return the ratio of the peaks, and what each further image cost."""
    each = further(few, many)
    return {
        "ratio": many["peak_mib"] / few["peak_mib"],
        "bytes_per_further_image": each,
        "image_bytes": IMAGE_BYTES,
        "limit": LIMIT,
        "met": each <= LIMIT * IMAGE_BYTES,
    }


def judged_wide(few: dict[str, Any], many: dict[str, Any]) -> dict[str, Any]:
    """Return the ratio of the peaks, and what each further image cost."""
    ratio = many["peak_mib"] / few["peak_mib"]
    return {
        "ratio": ratio,
        "bytes_per_further_image": further(few, many),
        "answer_bytes": 4 * CLASSES,
        "limit": WIDE_LIMIT,
        "met": ratio <= WIDE_LIMIT,
    }


def further(few: dict[str, Any], many: dict[str, Any]) -> float:
    """Return the bytes of peak memory that each further image of a cell cost."""
    grown = (many["peak_mib"] - few["peak_mib"]) * 2**20
    return float(grown / (many["images"] - few["images"]))


def lines(record: dict[str, Any]) -> list[str]:
    """Return what people read."""
    growth, wide = record["growth"], record["wide"]["growth"]
    ours = (
        f"{verdict(growth)}: ratio {growth['ratio']:.3f}; a further image costs "
        f"{growth['bytes_per_further_image']:.0f} bytes, {growth['image_bytes']} would be "
        f"the image itself, limit {growth['limit']:g} of it"
    )
    theirs = (
        f"{verdict(wide)}: ratio {wide['ratio']:.3f}, limit {wide['limit']:g}; a further image "
        f"costs {wide['bytes_per_further_image']:.0f} bytes, {wide['answer_bytes']} would be one "
        "answer"
    )
    runs = record["wide"]["runs"]
    title = f"{record['wide']['classes']} classes:"
    return ["", *map(line, record["runs"]), ours, "", title, *map(line, runs), theirs]


def line(run: dict[str, Any]) -> str:
    """Return what people read of one run."""
    return f"{run['images']:>7} images: peak {run['peak_mib']:.0f} MiB, {run['seconds']:.0f} s"


def verdict(growth: dict[str, Any]) -> str:
    """Return whether a limit is met, in a word."""
    return "met" if growth["met"] else "MISSED"


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    contest.perform(
        "memory",
        __doc__,
        arguments,
        packages=("torch", "pyarrow"),
        measure=measure,
        lines=lines,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
