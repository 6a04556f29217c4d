"""The contenders of `attacks.py`: a bare loop, ours, and peers' PGD where they are installed.

Each gives its adversarial images for one problem, with equal steps and no random start. Peers
are no dependencies of ours: a missing one is left out.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import cross_entropy
from victims import EPS

import adversity
from adversity import SampleRng

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

__all__ = ["BARE", "EARLY", "PEERS", "Problem", "bare", "contenders"]

BARE = "bare loop"
EARLY = "the public call, early stop"


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


def _in_sixteens(problem: Problem) -> Tensor:
    """Run the bare loop on 16 images at a time, a classifier's blocks unless it says otherwise."""
    count = len(problem.images)
    return torch.cat([bare(problem, slice(at, at + 16)) for at in range(0, count, 16)])


def contenders(problem: Problem) -> dict[str, Callable[[], Tensor]]:
    """Return the contenders by name, each giving its adversarial images."""
    parameters: dict[str, Any] = {
        "eps": EPS,
        "steps": problem.steps,
        "step_size": problem.size,
        "random_start": False,
    }
    plain = adversity.create("attack", "pgd", **parameters)
    early = adversity.create("attack", "pgd", early_stop=True, **parameters)
    victim, target = adversity.target(problem.network), PlainTarget(problem.network)
    ids = [str(row) for row in range(len(problem.images))]
    rng = SampleRng(seed=0, step="attack", ids=ids)
    runs: dict[str, Callable[[], Tensor]] = {
        BARE: lambda: bare(problem),
        "bare loop again": lambda: bare(problem),
        "bare loop, 16 at a time": lambda: _in_sixteens(problem),
        "the method": lambda: plain.ready.plugin.perturb(
            target, problem.images, problem.labels, rng
        ),
        "the public call": lambda: plain(victim, problem.images, problem.labels).images,
        EARLY: lambda: early(victim, problem.images, problem.labels).images,
    }
    installed = {name: make for name, (package, make) in PEERS.items() if find_spec(package)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of peers' own imports
        return {**runs, **{name: make(problem) for name, make in installed.items()}}


def _torchattacks(problem: Problem) -> Callable[[], Tensor]:
    import torchattacks

    peer = torchattacks.PGD(
        problem.network, eps=EPS, alpha=problem.size, steps=problem.steps, random_start=False
    )
    return lambda: peer(problem.images, problem.labels)


def _foolbox(problem: Problem) -> Callable[[], Tensor]:
    import foolbox

    model = foolbox.PyTorchModel(problem.network, bounds=(0, 1), device="cpu")
    peer = foolbox.attacks.LinfPGD(
        abs_stepsize=problem.size, steps=problem.steps, random_start=False
    )
    return lambda: peer(model, problem.images, problem.labels, epsilons=EPS)[1]


def _secml(problem: Problem) -> Callable[[], Tensor]:
    from secmlt.adv.evasion.pgd import PGDNative
    from secmlt.models.pytorch.base_pytorch_nn import BasePyTorchClassifier
    from torch.utils.data import DataLoader, TensorDataset

    model = BasePyTorchClassifier(problem.network)
    count = len(problem.images)
    data = DataLoader(TensorDataset(problem.images, problem.labels), batch_size=count)
    peer = PGDNative(
        perturbation_model="linf",
        epsilon=EPS,
        num_steps=problem.steps,
        step_size=problem.size,
        random_start=False,
    )
    return lambda: torch.cat([images for images, _ in peer(model, data)])


def _art(problem: Problem) -> Callable[[], Tensor]:
    from art.attacks.evasion import ProjectedGradientDescentPyTorch
    from art.estimators.classification import PyTorchClassifier

    model = PyTorchClassifier(
        problem.network,
        loss=torch.nn.CrossEntropyLoss(),
        input_shape=tuple(problem.images.shape[1:]),
        nb_classes=10,
        clip_values=(0.0, 1.0),
        device_type="cpu",
    )
    peer = ProjectedGradientDescentPyTorch(
        model,
        eps=EPS,
        eps_step=problem.size,
        max_iter=problem.steps,
        num_random_init=0,
        batch_size=len(problem.images),
        verbose=False,
    )
    images, labels = problem.images.numpy(), problem.labels.numpy()
    return lambda: torch.from_numpy(peer.generate(images, labels))


PEERS: dict[str, tuple[str, Callable[[Problem], Callable[[], Tensor]]]] = {
    "torchattacks PGD": ("torchattacks", _torchattacks),
    "foolbox LinfPGD": ("foolbox", _foolbox),
    "secml-torch PGDNative": ("secmlt", _secml),
    "ART PGDPyTorch": ("art", _art),
}
"""Name to the package that must be installed and what sets it up.

secml-torch 1.5 uses one gradient less than its setting: it looks at a point before it steps.
"""
