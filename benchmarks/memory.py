"""Peak memory of a pipeline run over few and over many generated images.

Each run is a process of its own. The pipeline trains a small network on 128 images, then
adds noise, predicts and attacks, a shard at a time, with the attack's images kept on disk.
If memory is bounded by the shard, ten times the images cost hardly more: what may grow is
the table, a row for each image, and not the pictures.
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

CHILD = """\
import json, resource, sys, time
import adversity
begun = time.perf_counter()
result = adversity.run("memory.yaml", into="out")
rows = result.steps["attacked"].rows
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


def peak_of(count: int) -> dict[str, Any]:
    """Run the pipeline over `count` images in a child process; return its peak memory.

    This process imports no torch: a child starts its peak at its parent's size.

    Raises:
        RuntimeError: If the run fails.
    """
    import os

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        install(folder)
        (folder / "memory.yaml").write_text(PIPELINE.format(count=count), encoding="utf-8")
        paths = [name, str(Path(__file__).parent)]
        done = subprocess.run(
            [sys.executable, "-c", CHILD],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"the run over {count} images failed:\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "images": found["rows"],
        "peak_mib": found["peak"] * unit / 2**20,
        "seconds": found["seconds"],
    }


def measure(asked: Namespace) -> dict[str, Any]:
    """Run over few and over many images."""
    runs = [peak_of(count) for count in ((48, 96) if asked.quick else (2_000, 20_000))]
    return {"runs": runs, "growth": judged(*runs)}


def judged(few: dict[str, Any], many: dict[str, Any]) -> dict[str, Any]:
    """Return the ratio of the peaks, and what each further image cost."""
    grown = (many["peak_mib"] - few["peak_mib"]) * 2**20
    each = grown / (many["images"] - few["images"])
    return {
        "ratio": many["peak_mib"] / few["peak_mib"],
        "bytes_per_further_image": each,
        "image_bytes": IMAGE_BYTES,
        "limit": LIMIT,
        "met": each <= LIMIT * IMAGE_BYTES,
    }


def lines(record: dict[str, Any]) -> list[str]:
    """Return what people read."""
    shown = [
        "",
        *(
            f"{run['images']:>7} images: peak {run['peak_mib']:.0f} MiB, {run['seconds']:.0f} s"
            for run in record["runs"]
        ),
    ]
    growth = record["growth"]
    if growth:
        word = "met" if growth["met"] else "MISSED"
        shown.append(
            f"{word}: ratio {growth['ratio']:.3f}; a further image costs "
            f"{growth['bytes_per_further_image']:.0f} bytes, {growth['image_bytes']} would be "
            f"the image itself, limit {growth['limit']:g} of it"
        )
    return shown


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
