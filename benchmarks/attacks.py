"""PGD-20 against a bare loop over `torch.autograd.grad`, in time and in images.

All contenders attack one batch of digits in linf, without a random start, on two small
networks. What our images cost is compared with the bare loop of the same repetition; what
they are is compared with its images, value by value.
"""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import contest
import torch
from contenders import BARE, EARLY, Problem, bare, contenders
from victims import EPS, digits, trained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

LIMITS = {"the method": 1.03, "the public call": 1.10, EARLY: 0.85}
"""What our CPU time may be, over the bare loop's, at the same robust accuracy."""
WIDTHS = ((16, 32, 64), (4, 8, 16))


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is done."""

    train: int
    epochs: int
    images: int
    steps: int
    repetitions: int
    widths: tuple[tuple[int, ...], ...]


FULL = Scale(train=1200, epochs=12, images=64, steps=20, repetitions=25, widths=WIDTHS)
QUICK = Scale(train=400, epochs=6, images=32, steps=4, repetitions=1, widths=WIDTHS[1:])


def exact(problem: Problem) -> Tensor:
    """Run the bare loop in float64, where no cross-entropy of these networks vanishes."""
    network = copy.deepcopy(problem.network).double()
    return bare(Problem(network, problem.images.double(), problem.labels, problem.steps))


def verdicts(problem: Problem, images: Tensor) -> Tensor:
    """Return which of the images are still classified correctly, `[N]` bool."""
    with torch.no_grad():
        right: Tensor = problem.network(images).argmax(1) == problem.labels
    return right


def compare(
    problem: Problem, images: Tensor, reference: Tensor, true: Tensor, *, early: bool = False
) -> dict[str, Any]:
    """Count where images differ from the bare loop's, over the images right from the start.

    A value that differs by more than 1e-6 is a gradient so near zero that its sign depends
    on rounding. The public call leaves images alone that were wrong from the start; with
    early stop only those that were never fooled go all the way, and only they are compared.
    """
    tried = verdicts(problem, problem.images)
    robust, reference_robust = verdicts(problem, images), verdicts(problem, reference)
    rows = tried & robust if early else tried
    apart = (images - reference).abs()[rows]
    return {
        "robust_accuracy": float((robust & tried).double().mean()),
        "largest_difference": float(apart.max()) if apart.numel() else 0.0,
        "flips": int((apart > 1e-6).sum()),
        "flips_to_float64": int(((images.double() - true).abs()[rows] > 1e-6).sum()),
        "values": apart.numel(),
        "verdicts_changed": int((robust != reference_robust)[tried].sum()),
    }


def measure(widths: tuple[int, ...], scale: Scale) -> dict[str, Any]:
    """Run the contest on one network."""
    data = digits(train=scale.train, test=scale.images)
    network = trained(widths, data, epochs=scale.epochs)
    problem = Problem(network, data.test_images, data.test_labels, scale.steps)
    running = contenders(problem)
    images = {name: run().detach() for name, run in running.items()}
    true = exact(problem)
    times = contest.contest(running, repetitions=scale.repetitions, warm=scale.repetitions > 1)
    ratios = contest.ratios(times, BARE)
    return {
        "clean_accuracy": float(verdicts(problem, problem.images).double().mean()),
        "bare_seconds": contest.seconds(times, BARE),
        "contenders": {
            name: ratios[name]
            | compare(problem, images[name], images[BARE], true, early=name == EARLY)
            for name in running
        },
    }


def judged(networks: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each limit with what was measured, on CPU time: the machine may have other work.

    A limit is met only with the bare loop's robust accuracy.
    """
    return [
        {
            "network": network,
            "contender": name,
            "limit": limit,
            "measured": rows[name]["cpu"].median,
            "met": rows[name]["cpu"].median <= limit
            and rows[name]["robust_accuracy"] == rows[BARE]["robust_accuracy"],
        }
        for network, figures in networks.items()
        for rows in (figures["contenders"],)
        for name, limit in LIMITS.items()
    ]


def lines(record: dict[str, Any]) -> list[str]:
    """Return the table for people."""
    shown: list[str] = []
    for network, figures in record["networks"].items():
        took = figures["bare_seconds"]
        title = (
            f"conv {network}, clean accuracy {figures['clean_accuracy']:.4f}, bare loop "
            f"{1000 * took['wall'].median:.0f} ms wall, {1000 * took['cpu'].median:.0f} ms CPU"
        )
        shown += [
            "",
            title,
            f"{'':28}{'wall ratio':>26}{'CPU ratio':>26}{'robust':>8}{'flips':>17}{'to float64':>11}{'verdicts':>9}",
        ]
        for name, row in figures["contenders"].items():
            flips = f"{row['flips']} of {row['values']}"
            shown.append(
                f"{name:28}{row['wall']!s:>26}{row['cpu']!s:>26}{row['robust_accuracy']:8.4f}"
                f"{flips:>17}{row['flips_to_float64']:>11}{row['verdicts_changed']:>9}"
            )
    shown.append("")
    for row in record["limits"]:
        word = "met" if row["met"] else "MISSED"
        shown.append(
            f"{word}: {row['contender']} on conv {row['network']} takes {row['measured']:.3f} of "
            f"the bare loop's CPU time, limit {row['limit']:.2f}"
        )
    return shown


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    asked = contest.options(__doc__).parse_args(arguments)
    scale = QUICK if asked.quick else FULL
    torch.set_num_threads(1)
    machine = contest.machine(
        "torch", "torchattacks", "foolbox", "secml-torch", "adversarial-robustness-toolbox"
    )
    networks = {"-".join(map(str, widths)): measure(widths, scale) for widths in scale.widths}
    record = {
        "benchmark": "attacks",
        "quick": asked.quick,
        "machine": machine,
        "attack": {"norm": "linf", "eps": EPS, "steps": scale.steps, "images": scale.images},
        "repetitions": scale.repetitions,
        "networks": networks,
        "limits": judged(networks),
    }
    contest.write(record, lines(record), as_json=asked.json)


if __name__ == "__main__":
    main(sys.argv[1:])
