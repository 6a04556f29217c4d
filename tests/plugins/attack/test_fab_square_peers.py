"""FAB and Square against three libraries, on a small network that was trained on digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import adversity
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity_plugins.attack.minimum.fab import FAB
from adversity_plugins.attack.scores.square import Square

pytestmark = pytest.mark.peers

EPS = {"linf": 0.1, "l2": 0.7, "l1": 1.5}
"""With which about half of the samples hold."""
PEER = {"linf": "Linf", "l2": "L2", "l1": "L1"}
COUNT = 48


@pytest.fixture(scope="module")
def trained() -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    """A CNN on 8 x 8 digits, and images that it has right."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = torch.tensor(digits.images / 16, dtype=torch.float32)[:, None]
    labels = torch.tensor(digits.target)
    state = torch.get_rng_state()
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(8, 16, 3, stride=2, padding=1),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(256, 10),
    )
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    for step in range(300):
        rows = torch.arange(step * 64, step * 64 + 64) % 1500
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(images[rows]), labels[rows]).backward()
        optimiser.step()
    torch.set_rng_state(state)
    net.eval().requires_grad_(requires_grad=False)
    right = (net(images[1500:]).argmax(1) == labels[1500:]).nonzero().flatten()[:COUNT] + 1500
    return net, images[right], labels[right]


def standing(attack: Any, trained: Any) -> int:
    """Return how many samples hold against ours."""
    net, images, labels = trained
    ready = AttackCall(Ready(attack, f'attack "{attack.name}" (test)'))
    return COUNT - int(ready(adversity.target(net), images, labels).success.sum())


def left_of(trained: Any, changed: torch.Tensor, norm: str) -> int:
    """Return how many samples hold against a peer's images that keep the budget."""
    net, images, labels = trained
    delta = (changed.double() - images.double()).flatten(1)
    size = torch.linalg.vector_norm(delta, {"linf": np.inf, "l2": 2, "l1": 1}[norm], dim=1)
    fooled = (net(changed).argmax(1) != labels) & (size <= EPS[norm] * (1 + 1e-5))
    return int((~fooled).sum())


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_fab_leaves_no_more_than_the_authors(trained: Any, norm: str) -> None:
    """pyautoattack has the authors' code: untargeted and for nine classes, not one sample more."""
    peer = pytest.importorskip("pyautoattack.fab_pt")
    net, images, labels = trained
    for targets in (0, 9):
        theirs = peer.FABAttack_PT(
            net, n_restarts=1, n_iter=50, eps=EPS[norm], norm=PEER[norm],
            targeted=bool(targets), n_target_classes=9, device="cpu",
        )  # fmt: skip
        changed = theirs.perturb(images, labels)
        ours = standing(FAB(norm=norm, eps=EPS[norm], steps=50, targets=targets), trained)
        assert ours <= left_of(trained, changed, norm)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_fab_leaves_no_more_than_torchattacks(trained: Any, norm: str) -> None:
    """torchattacks 3.5.1, untargeted (in l1 it raises UnboundLocalError): not one sample more."""
    torchattacks = pytest.importorskip("torchattacks")
    net, images, labels = trained
    theirs = torchattacks.FAB(net, norm=PEER[norm], eps=EPS[norm], steps=50, n_restarts=1)
    left = left_of(trained, theirs(images, labels), norm)
    ours = standing(FAB(norm=norm, eps=EPS[norm], steps=50), trained)
    assert ours <= left


QUERIES = 600
LUCK = 2
"""Samples by which two random searches of the same kind may differ, of 48."""


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_square_leaves_no_more_than_the_authors(trained: Any, norm: str) -> None:
    """pyautoattack has the authors' code: no more but by luck, with one query less."""
    peer = pytest.importorskip("pyautoattack.square")
    net, images, labels = trained
    theirs = peer.SquareAttack(
        net, norm=PEER[norm], n_queries=QUERIES, eps=EPS[norm], seed=0, device="cpu"
    )
    left = left_of(trained, theirs.perturb(images, labels), norm)
    ours = standing(Square(norm=norm, eps=EPS[norm], queries=QUERIES), trained)
    assert ours <= left + LUCK


# ART divides by zero where a window is still empty.
@pytest.mark.filterwarnings("ignore:.*encountered in divide:RuntimeWarning")
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_square_leaves_no_more_than_torchattacks_and_art(trained: Any, norm: str) -> None:
    """Two more of the same search: no more but by luck."""
    torchattacks = pytest.importorskip("torchattacks")
    estimators = pytest.importorskip("art.estimators.classification")
    evasion = pytest.importorskip("art.attacks.evasion")
    net, images, labels = trained
    ours = standing(Square(norm=norm, eps=EPS[norm], queries=QUERIES), trained)
    first = torchattacks.Square(net, norm=PEER[norm], eps=EPS[norm], n_queries=QUERIES, seed=0)
    left = left_of(trained, first(images, labels), norm)
    classifier = estimators.PyTorchClassifier(
        net, torch.nn.CrossEntropyLoss(), input_shape=(1, 8, 8), nb_classes=10, clip_values=(0, 1)
    )
    second = evasion.SquareAttack(
        classifier, norm=np.inf if norm == "linf" else 2, eps=EPS[norm], max_iter=QUERIES,
        batch_size=COUNT, verbose=False,
    )  # fmt: skip
    changed = torch.from_numpy(second.generate(images.numpy(), labels.numpy()))
    art = left_of(trained, changed, norm)
    assert ours <= left + LUCK
    assert ours <= art + LUCK
