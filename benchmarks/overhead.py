"""A pipeline against a plain PyTorch script that does the same work.

Both read the same files, train the same network with the same function, add the same
strength of noise, measure PSNR and SSIM with the same functions, predict, attack what is
right with PGD, judge and write images and figures. The pipeline also checks every plugin's
answer, seeds each sample, keeps tables with intervals, and writes a report. What that costs
is a fixed part and a part for each image: a straight line through a few sizes.

And one forced step of a project, by its parts: `forced_step.py`.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import contest
import forced_step
import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch.nn.functional import cross_entropy

import adversity
from adversity.metrics import psnr, ssim
from adversity.seeding import fit_generator
from adversity_plugins.classifier.network._small_cnn_network import SmallNetwork
from adversity_plugins.classifier.network._small_cnn_training import Recipe, train
from adversity_plugins.dataset.digits import enlarge

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Sequence

    from torch import Tensor

EPS, SIGMA, TRAINING = 8 / 255, 0.08, 128
BATCH = 64

PIPELINE = """\
name: overhead
data:
  train: {{uses: dataset/digits, with: {{split: test, limit: {training}}}}}
  images: {{uses: dataset/digits, with: {{split: train, limit: {count}}}}}
steps:
  net: {{uses: classifier/small_cnn, fit_on: train, with: {{epochs: 4}}}}
  noisy: {{uses: degradation/gaussian_noise, from: images, with: {{sigma: {sigma}}}}}
  predictions: {{uses: net, from: noisy}}
  attacked:
    uses: attack/pgd
    from: noisy
    against: predictions
    with: {{eps: 8/255, steps: {steps}}}
run: {{batch_size: {batch}, workers: 1}}
"""


def pipeline(folder: Path, count: int, steps: int) -> dict[str, float]:
    """Run the pipeline into a new folder; return its two accuracies."""
    file = folder / f"overhead-{count}.yaml"
    text = PIPELINE.format(count=count, steps=steps, training=TRAINING, sigma=SIGMA, batch=BATCH)
    file.write_text(text, encoding="utf-8")
    with tempfile.TemporaryDirectory(dir=folder) as out:
        steps_done = adversity.run(file, into=out, root=folder).steps
    return {
        "accuracy": steps_done["predictions"].measures[""]["accuracy"].value,
        "robust_accuracy": steps_done["attacked"].measures[""]["robust_accuracy"].value,
    }


def read(data: Path) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Read the digits: images `[N, 1, 32, 32]`, labels `[N]`, the judging and the training rows.

    The larger split is judged on, since time is measured and not how well it was learned.
    """
    raw = load_file(data / "digits.safetensors")["images"]
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    images = torch.from_numpy(np.stack([enlarge(image) for image in raw]))[:, None]
    labels = torch.tensor([int(row["label"]) for row in rows])
    judging = [k for k, row in enumerate(rows) if row["split"] == "train"]
    training = [k for k, row in enumerate(rows) if row["split"] == "test"][:TRAINING]
    training.sort(key=lambda k: rows[k]["id"])
    return images, labels, torch.tensor(judging), torch.tensor(training)


def plain(folder: Path, count: int, steps: int) -> dict[str, float]:
    """Do the work as one script for one experiment; return its two accuracies."""
    torch.manual_seed(0)
    images, labels, judging, training = read(folder / "data" / "digits")
    network = _train(images[training], labels[training])
    batches = [(images[rows], labels[rows]) for rows in torch.split(judging[:count], BATCH)]
    parts, rows = [], []
    for clean, truth in batches:
        noisy = (clean + SIGMA * torch.randn_like(clean)).clamp(0, 1)
        with torch.no_grad():
            right = network(noisy).argmax(1) == truth
        attacked = noisy.clone()
        attacked[right] = _pgd(network, noisy[right], truth[right], steps)
        with torch.no_grad():
            robust = right & (network(attacked).argmax(1) == truth)
        quality = {
            "noisy": [psnr(noisy, clean).tolist(), ssim(noisy, clean).tolist()],
            "attacked": [psnr(attacked, clean).tolist(), ssim(attacked, clean).tolist()],
        }
        parts.append(attacked)
        rows.append((right, robust, quality))
    figures = {
        "accuracy": float(torch.cat([row[0] for row in rows]).double().mean()),
        "robust_accuracy": float(torch.cat([row[1] for row in rows]).double().mean()),
    }
    with tempfile.TemporaryDirectory(dir=folder) as out:
        save_file({"images": torch.cat(parts).numpy()}, Path(out) / "attacked.safetensors")
        record = {**figures, "quality": [row[2] for row in rows]}
        (Path(out) / "figures.json").write_text(json.dumps(record), encoding="utf-8")
    return figures


def _train(images: Tensor, labels: Tensor) -> SmallNetwork:
    recipe = Recipe(epochs=4, width=16, learning_rate=0.003, batch_size=32)
    # The pipeline's own generator: the same weights, so the same samples are attacked.
    state = train(images, labels, tuple("0123456789"), recipe, fit_generator(0, "net", 0))
    network = SmallNetwork(channels=1, classes=10, width=16)
    network.load_state_dict({name: torch.from_numpy(a) for name, a in state.arrays.items()})
    return network.eval()


def _pgd(network: torch.nn.Module, images: Tensor, labels: Tensor, steps: int) -> Tensor:
    low, high = (images - EPS).clamp(0, 1), (images + EPS).clamp(0, 1)
    point = (images + EPS * (2 * torch.rand_like(images) - 1)).clamp(0, 1)
    for _ in range(steps):
        point = point.detach().requires_grad_()
        loss = cross_entropy(network(point), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, point)
        point = point.detach() + 2.5 * EPS / steps * gradient.sign()
        point = torch.maximum(torch.minimum(point, high), low)
    return point.detach()


def line(sizes: Sequence[int], values: Sequence[float]) -> dict[str, float]:
    """Fit seconds = fixed + each * images by least squares.

    Example:
        >>> found = line([100, 200, 300], [3.0, 4.0, 5.0])
        >>> round(found["fixed"], 6), round(found["each"], 6)
        (2.0, 0.01)
    """
    each, fixed = np.polyfit(sizes, values, 1)
    return {"fixed": float(fixed), "each": float(each)}


def measure(asked: Namespace) -> dict[str, Any]:
    """Measure at a few sizes, on one thread."""
    sizes, steps, repetitions = ((64, 128), 2, 1) if asked.quick else ((225, 450, 900), 20, 3)
    torch.set_num_threads(1)
    figures = compared(sizes, steps, repetitions)
    with tempfile.TemporaryDirectory() as folder:
        often = 0 if asked.quick else repetitions
        forced = forced_step.forced(
            Path(folder), count=64 if asked.quick else 300, steps=2 * steps, repetitions=often
        )
    return {"steps": steps, "repetitions": repetitions, **figures, "forced": forced}


def compared(sizes: Sequence[int], steps: int, repetitions: int) -> dict[str, Any]:
    """Run the contest: both contenders at every size, all shuffled together."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data" / "digits").mkdir(parents=True)
        adversity.create("dataset", "digits").materialise(folder / "data" / "digits")
        does = {"pipeline": pipeline, "plain": plain}
        answers: dict[str, dict[str, float]] = {}

        def contender(who: str, count: int) -> Callable[[], None]:
            def run() -> None:
                answers[f"{who} {count}"] = does[who](folder, count, steps)

            return run

        running = {f"{who} {n}": contender(who, n) for who in does for n in sizes}
        times = contest.contest(running, repetitions=repetitions, warm=repetitions > 1)
    seconds = {name: contest.seconds(times, name) for name in times}
    return {
        "sizes": {
            str(n): {
                "ratio": contest.ratios(times, f"plain {n}")[f"pipeline {n}"],
                **{who: {**seconds[f"{who} {n}"], **answers[f"{who} {n}"]} for who in does},
            }
            for n in sizes
        },
        "lines": {
            who: {
                clock: line(sizes, [seconds[f"{who} {n}"][clock].median for n in sizes])
                for clock in ("wall", "cpu")
            }
            for who in does
        },
    }


def lines(record: dict[str, Any]) -> list[str]:
    """Return what people read."""
    shown = ["", f"{'images':>7}{'wall ratio':>26}{'CPU ratio':>26}{'accuracy':>18}{'robust':>18}"]
    for count, row in record["sizes"].items():
        both = [
            f"{row['pipeline'][name]:.3f} / {row['plain'][name]:.3f}"
            for name in ("accuracy", "robust_accuracy")
        ]
        wall, cpu = row["ratio"]["wall"], row["ratio"]["cpu"]
        shown.append(f"{count:>7}{wall!s:>26}{cpu!s:>26}{both[0]:>18}{both[1]:>18}")
    for clock in ("wall", "cpu"):
        ours, its = record["lines"]["pipeline"][clock], record["lines"]["plain"][clock]
        shown.append(
            f"{clock}: pipeline {ours['fixed']:.2f} s + {1000 * ours['each']:.2f} ms an image; "
            f"plain {its['fixed']:.2f} s + {1000 * its['each']:.2f} ms an image; the pipeline adds "
            f"{ours['fixed'] - its['fixed']:.2f} s and "
            f"{1000 * (ours['each'] - its['each']):.2f} ms an image"
        )
    return [*shown, *forced_step.lines(record["forced"])]


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    contest.perform(
        "overhead",
        __doc__,
        arguments,
        packages=("torch", "numpy"),
        measure=measure,
        lines=lines,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
