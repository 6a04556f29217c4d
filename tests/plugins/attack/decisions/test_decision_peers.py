"""HopSkipJump and the boundary attack against Foolbox and ART at equal numbers of queries.

The peer runs first with its own schedule, and what it asked for on average is our budget for
each sample. Medians of distances are compared: never more than 5 % above the peer's, which is
what another start, drawn at random, moves the median of 24 walks by.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import adversity
from adversity.contracts.threat import distances
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity.seeding import preserve_global_rng
from adversity_plugins.attack.decisions.boundary import Boundary
from adversity_plugins.attack.decisions.hop_skip_jump import HopSkipJump

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

SLACK = 1.05


class Counted(torch.nn.Module):
    """A network that counts the images it is asked about."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network, self.rows = network, 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits `[N, K]`."""
        self.rows += len(images)
        return self.network(images.float())  # type: ignore[no-any-return]


def ours(plugin: Any, network: Any, images: Any, labels: Any) -> torch.Tensor:
    """Return our distances; no sample may have asked more than the budget."""
    found = AttackCall(Ready(plugin, "attack (test)"))(adversity.target(network), images, labels)
    assert bool(found.success.all())
    assert int(found.queries.max()) <= plugin.queries
    return found.norms


def theirs(network: Any, found: torch.Tensor, images: Any, labels: Any, norm: str) -> torch.Tensor:
    """Return a peer's distances, infinite where its image is no failure."""
    sizes = distances(found.float(), images, norm)
    return sizes.masked_fill(network(found.float()).argmax(1) == labels, torch.inf)


def compared(mine: torch.Tensor, peer: torch.Tensor) -> None:
    """Require a median that is not above the peer's by more than the slack."""
    assert float(mine.median()) <= SLACK * float(peer.median())


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("steps", [3, 8])
def test_hop_skip_jump_comes_as_near_as_foolboxs(
    network: Any, images: Any, labels: Any, norm: str, steps: int
) -> None:
    """About 600 and 1 900 queries a sample on a small network."""
    foolbox = pytest.importorskip("foolbox")
    victim = Counted(network).eval()
    with preserve_global_rng():
        torch.manual_seed(0)
        found = foolbox.attacks.HopSkipJumpAttack(steps=steps, constraint=norm).run(
            foolbox.PyTorchModel(victim, bounds=(0, 1), device="cpu"),
            images,
            foolbox.criteria.Misclassification(labels),
        )
    mine = ours(HopSkipJump(norm=norm, queries=victim.rows // 24), network, images, labels)
    compared(mine, theirs(network, found, images, labels, norm))


@pytest.mark.parametrize("steps", [500, 2000])
def test_the_boundary_attack_comes_as_near_as_foolboxs(
    network: Any, images: Any, labels: Any, steps: int
) -> None:
    """About 600 and 2 300 queries a sample on a small network."""
    foolbox = pytest.importorskip("foolbox")
    victim = Counted(network).eval()
    with preserve_global_rng():
        torch.manual_seed(0)
        found = foolbox.attacks.BoundaryAttack(steps=steps).run(
            foolbox.PyTorchModel(victim, bounds=(0, 1), device="cpu"),
            images,
            foolbox.criteria.Misclassification(labels),
        )
    mine = ours(Boundary(queries=victim.rows // 24), network, images, labels)
    compared(mine, theirs(network, found, images, labels, "l2"))


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_hop_skip_jump_comes_as_near_as_arts(
    network: Any, images: Any, labels: Any, norm: str
) -> None:
    """Eight images; ART goes back to the boundary before each jump and not after the last."""
    evasion = pytest.importorskip("art.attacks.evasion")
    estimators = pytest.importorskip("art.estimators.classification")
    images, labels = images[:8], labels[:8]
    victim = Counted(network).eval()
    with preserve_global_rng():
        np.random.seed(0)  # noqa: NPY002  (the peer draws from the global state)
        classifier = estimators.PyTorchClassifier(
            victim,
            loss=torch.nn.CrossEntropyLoss(),
            input_shape=(3, 8, 8),
            nb_classes=10,
            clip_values=(0.0, 1.0),
            device_type="cpu",
        )
        peer = evasion.HopSkipJump(
            classifier, norm=2 if norm == "l2" else np.inf, max_iter=6, verbose=False
        )
        found = torch.from_numpy(peer.generate(images.numpy(), labels.numpy()))
    mine = ours(HopSkipJump(norm=norm, queries=victim.rows // 8), network, images, labels)
    compared(mine, theirs(network, found, images, labels, norm))
