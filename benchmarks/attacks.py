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
from torch.nn.functional import cross_entropy
from victims import EPS, digits, trained

import adversity
from adversity import SampleRng

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor, nn

BARE = "bare loop"
EARLY = "the public call, early stop"
LIMITS = {"the method": 1.03, "the public call": 1.10}
"""What our CPU time may be, over the bare loop's."""
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
QUICK = Scale(train=400, epochs=6, images=32, steps=4, repetitions=2, widths=WIDTHS[1:])


@dataclass(frozen=True, slots=True)
class Problem:
    """What every contender is given."""

    network: nn.Module
    images: Tensor
    labels: Tensor
    steps: int

    @property
    def size(self) -> float:
        """The length of a step."""
        return 2.5 * EPS / self.steps


class PlainTarget:
    """A victim without blocks, counts or checks: what the method alone is timed on."""

    classes = 10

    def __init__(self, network: nn.Module) -> None:
        """Take the network as it is."""
        self._network = network

    def logits(self, images: Tensor) -> Tensor:
        """Return `[N, K]`, in one call for all rows."""
        answer: Tensor = self._network(images)
        return answer

    def rows(self, index: Tensor) -> PlainTarget:
        """Return itself."""
        return self


def bare(problem: Problem, rows: slice = slice(None)) -> Tensor:
    """Write PGD as a reader of the paper would: nothing can be left out."""
    images, labels = problem.images[rows], problem.labels[rows]
    low, high = (images - EPS).clamp(0, 1), (images + EPS).clamp(0, 1)
    point = images
    for _ in range(problem.steps):
        point = point.detach().requires_grad_()
        loss = cross_entropy(problem.network(point), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, point)
        moved = point.detach() + problem.size * gradient.sign()
        point = torch.maximum(torch.minimum(moved, high), low)
    return point


def exact(problem: Problem) -> Tensor:
    """Run the bare loop in float64, where no cross-entropy of these networks vanishes."""
    network = copy.deepcopy(problem.network).double()
    return bare(Problem(network, problem.images.double(), problem.labels, problem.steps))


def in_sixteens(problem: Problem) -> Tensor:
    """Run the bare loop on 16 images at a time, a classifier's blocks unless it says otherwise."""
    count = len(problem.images)
    return torch.cat([bare(problem, slice(at, at + 16)) for at in range(0, count, 16)])


def contenders(problem: Problem) -> dict[str, Callable[[], Tensor]]:
    """Return the contenders by name, each giving its adversarial images."""
    made: dict[str, Any] = {
        "eps": EPS,
        "steps": problem.steps,
        "step_size": problem.size,
        "random_start": False,
    }
    plain = adversity.create("attack", "pgd", **made)
    early = adversity.create("attack", "pgd", early_stop=True, **made)
    victim, target = adversity.target(problem.network), PlainTarget(problem.network)
    ids = [str(row) for row in range(len(problem.images))]
    rng = SampleRng(seed=0, step="attack", ids=ids)
    found: dict[str, Callable[[], Tensor]] = {
        BARE: lambda: bare(problem),
        "bare loop again": lambda: bare(problem),
        "bare loop, 16 at a time": lambda: in_sixteens(problem),
        "the method": lambda: plain.ready.plugin.perturb(
            target, problem.images, problem.labels, rng
        ),
        "the public call": lambda: plain(victim, problem.images, problem.labels).images,
        EARLY: lambda: early(victim, problem.images, problem.labels).images,
    }
    peer = _torchattacks(problem)
    return found if peer is None else {**found, "torchattacks PGD": peer}


def _torchattacks(problem: Problem) -> Callable[[], Tensor] | None:
    """Return the peer where it is installed; it is no dependency of ours."""
    try:
        import torchattacks
    except ImportError:
        return None
    peer = torchattacks.PGD(
        problem.network, eps=EPS, alpha=problem.size, steps=problem.steps, random_start=False
    )
    return lambda: peer(problem.images, problem.labels)


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
    times = contest.contest(running, repetitions=scale.repetitions)
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
    """Return each limit with what was measured, on CPU time: the machine may have other work."""
    return [
        {
            "network": network,
            "contender": name,
            "limit": limit,
            "measured": found["contenders"][name]["cpu"].median,
            "met": found["contenders"][name]["cpu"].median <= limit,
        }
        for network, found in networks.items()
        for name, limit in LIMITS.items()
    ]


def lines(record: dict[str, Any]) -> list[str]:
    """Return the table for people."""
    shown: list[str] = []
    for network, found in record["networks"].items():
        took = found["bare_seconds"]
        title = (
            f"conv {network}, clean accuracy {found['clean_accuracy']:.4f}, bare loop "
            f"{1000 * took['wall'].median:.0f} ms wall, {1000 * took['cpu'].median:.0f} ms CPU"
        )
        shown += [
            "",
            title,
            f"{'':28}{'wall ratio':>26}{'CPU ratio':>26}{'robust':>8}{'flips':>17}{'to float64':>11}{'verdicts':>9}",
        ]
        for name, row in found["contenders"].items():
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
    machine = contest.machine("torch", "torchattacks")
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
