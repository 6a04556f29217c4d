"""The standard AutoAttack against its peers' on the same weights: time and robust accuracy.

Ours is the public call, with every check. The peers are pyautoattack, the authors' code as a
package, and torchattacks' own, each only where it is installed. One network, one batch of
digits, one thread; all contenders take turns in shuffled order.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import contest
import torch
from victims import digits, trained

import adversity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor, nn

OURS = "auto_attack, the public call"
LIMIT = 0.8
"""What our CPU time may be over a peer's, at no higher robust accuracy."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is done."""

    train: int
    epochs: int
    images: int
    repetitions: int
    widths: tuple[int, ...]
    eps: tuple[tuple[str, float], ...]
    """The radius in each norm: in full one that many samples hold out against, in short one that
    the first attack fools most of them with."""


FULL = Scale(1200, 12, 100, 1, (16, 32, 64), (("linf", 0.1), ("l2", 1.5)))
QUICK = Scale(400, 6, 16, 1, (4, 8, 16), (("linf", 0.5), ("l2", 10.0)))


def contenders(
    network: nn.Module, images: Tensor, labels: Tensor, *, norm: str, eps: float
) -> dict[str, Callable[[], Tensor]]:
    """Return the contenders by name, each giving its adversarial images."""
    attack = adversity.create("attack", "auto_attack", norm=norm, eps=eps)
    runs: dict[str, Callable[[], Tensor]] = {
        OURS: lambda: attack(adversity.target(network), images, labels).images
    }
    theirs = {"linf": "Linf", "l2": "L2"}[norm]
    if find_spec("pyautoattack"):
        import pyautoattack

        reference = pyautoattack.AutoAttack(network, norm=theirs, eps=eps, seed=0)
        runs["pyautoattack"] = lambda: _silent(
            lambda: reference.run_standard_evaluation(images, labels)[0]
        )
    if find_spec("torchattacks"):
        import torchattacks

        other = torchattacks.AutoAttack(network, norm=theirs, eps=eps, n_classes=10, seed=0)
        runs["torchattacks AutoAttack"] = lambda: _silent(lambda: other(images, labels))
    return runs


def _silent(run: Callable[[], Tensor]) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a peer warns of every flat point
        return run()


def judged(network: nn.Module, images: Tensor, clean: Tensor, labels: Tensor) -> dict[str, float]:
    """Return the share still classified correctly, and the largest change in both norms."""
    with torch.no_grad():
        right = network(images).argmax(1) == labels
    change = (images - clean).double().flatten(1)
    return {
        "robust_accuracy": float(right.double().mean()),
        "linf": float(change.abs().max()),
        "l2": float(change.norm(dim=1).max()),
    }


def measure(asked: Any) -> dict[str, Any]:
    """Train the network and let every contender attack it."""
    torch.set_num_threads(1)
    scale = QUICK if asked.quick else FULL
    data = digits(train=scale.train, test=scale.images)
    network = trained(scale.widths, data, epochs=scale.epochs).requires_grad_(requires_grad=False)
    images, labels, eps = data.test_images, data.test_labels, dict(scale.eps)[asked.norm]
    running = contenders(network, images, labels, norm=asked.norm, eps=eps)
    if asked.only:
        running = {name: run for name, run in running.items() if name in (OURS, asked.only)}
    results: dict[str, Tensor] = {}

    def keeping(name: str) -> Callable[[], None]:
        def run() -> None:
            results[name] = running[name]().detach()

        return run

    times = contest.contest(
        {name: keeping(name) for name in running}, repetitions=scale.repetitions, warm=False
    )
    rows = {name: judged(network, results[name], images, labels) for name in running}
    ratios = {name: contest.ratios(times, name)[OURS] for name in running if name != OURS}
    return {
        "attack": {"norm": asked.norm, "eps": eps, "images": len(images)},
        "repetitions": scale.repetitions,
        "clean_accuracy": judged(network, images, images, labels)["robust_accuracy"],
        "contenders": {name: rows[name] | contest.seconds(times, name) for name in running},
        "ratios": ratios,
        "limits": [
            {
                "contender": name,
                "limit": LIMIT,
                "measured": ratio["cpu"].median,
                "robust_accuracy": [rows[OURS]["robust_accuracy"], rows[name]["robust_accuracy"]],
                "met": ratio["cpu"].median <= LIMIT
                and rows[OURS]["robust_accuracy"] <= rows[name]["robust_accuracy"],
            }
            for name, ratio in ratios.items()
        ],
    }


def lines(record: dict[str, Any]) -> list[str]:
    """Return the table for people."""
    attack = record["attack"]
    title = (
        f"standard AutoAttack, {attack['norm']}, eps {attack['eps']}, {attack['images']} digits, "
        f"clean accuracy {record['clean_accuracy']:.4f}, runs of each: {record['repetitions']}"
    )
    head = f"{'':30}{'wall s':>10}{'CPU s':>10}{'robust':>9}{'largest linf':>14}{'l2':>10}"
    shown = ["", title, head]
    shown += [
        f"{name:30}{row['wall'].median:10.1f}{row['cpu'].median:10.1f}"
        f"{row['robust_accuracy']:9.4f}{row['linf']:14.6f}{row['l2']:10.4f}"
        for name, row in record["contenders"].items()
    ]
    shown.append("")
    for row in record["limits"]:
        ours, theirs = row["robust_accuracy"]
        shown.append(
            f"{'met' if row['met'] else 'MISSED'}: ours takes {row['measured']:.3f} of the CPU "
            f"time of {row['contender']}, limit {row['limit']:.2f}; robust accuracy {ours:.4f} "
            f"and {theirs:.4f}"
        )
    return shown if record["limits"] else [*shown, "no peer is installed: nothing to compare with"]


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = contest.options(__doc__)
    parser.add_argument("--norm", choices=("linf", "l2"), default="linf", help="of the budget")
    parser.add_argument("--only", metavar="PEER", help="compare with this peer alone")
    asked = parser.parse_args(arguments)
    read_with = contest.machine("torch", "pyautoattack", "torchattacks")
    record = {"benchmark": "auto_attack", "quick": asked.quick, "machine": read_with}
    record.update(measure(asked))
    contest.write(record, lines(record), as_json=asked.json)


if __name__ == "__main__":
    main(sys.argv[1:])
