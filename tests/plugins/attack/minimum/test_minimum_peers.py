"""Against other libraries on a small digits network: our median distance is no larger.

Tolerance 2 per cent: attacks that search along gradients end in other local minima, sample by
sample.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits

import adversity
from adversity.contracts.threat import distances
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity_plugins.attack.minimum.carlini_wagner import CarliniWagner
from adversity_plugins.attack.minimum.ddn import DDN
from adversity_plugins.attack.minimum.deepfool import DeepFool
from adversity_plugins.attack.minimum.fmn import FMN

NO_WORSE = 1.02


@pytest.fixture(scope="module")
def digits() -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    """A convolutional network trained on 8 x 8 digits, and 48 held-out digits it has right."""
    data = load_digits()
    images = torch.tensor(data.images[:, None] / 16, dtype=torch.float32)
    labels = torch.tensor(data.target)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = torch.nn.Sequential(
            torch.nn.Conv2d(1, 16, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Flatten(),
            torch.nn.Linear(256, 64),
            torch.nn.ReLU(),
            torch.nn.Linear(64, 10),
        )
        optimiser = torch.optim.Adam(net.parameters(), 2e-3)
        for _ in range(15):
            for index in torch.randperm(1400).split(64):
                loss = torch.nn.functional.cross_entropy(net(images[index]), labels[index])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
    net.requires_grad_(requires_grad=False).eval()
    images, labels = images[1400:], labels[1400:]
    right = net(images).argmax(1) == labels
    return net, images[right][:48], labels[right][:48]


def median(net: torch.nn.Module, found: Any, images: Any, labels: Any, norm: str) -> float:
    """Return the median distance; infinite for samples that are not fooled."""
    size = distances(found.detach(), images, norm)
    size[net(found).argmax(1) == labels] = torch.inf
    return float(size.median())


def ours(cls: type[Any], victim: Any, images: Any, labels: Any, **given: Any) -> float:
    """Return our median distance, infinite where there is no success."""
    attack = AttackCall(Ready(cls(**given), f'attack "{cls.name}" (test)'))
    result = attack(adversity.target(victim), images, labels)
    return float(result.norms.where(result.success, torch.inf).median())


@pytest.mark.peers
@pytest.mark.parametrize(
    ("cls", "norm", "given", "peer", "theirs"),
    [
        (DeepFool, "l2", {}, "L2DeepFoolAttack", {}),
        (DeepFool, "linf", {}, "LinfDeepFoolAttack", {}),
        (FMN, "linf", {}, "LInfFMNAttack", {"steps": 200}),
        (FMN, "l2", {}, "L2FMNAttack", {"steps": 200}),
        (FMN, "l1", {}, "L1FMNAttack", {"steps": 200}),
        (DDN, "l2", {}, "DDNAttack", {"steps": 200}),
        (
            CarliniWagner,
            "l2",
            {"steps": 200, "search_steps": 5},
            "L2CarliniWagnerAttack",
            {"steps": 200, "binary_search_steps": 5},
        ),
    ],
)
def test_median_distance_against_foolbox(
    digits: Any, cls: Any, norm: str, given: Any, peer: str, theirs: Any
) -> None:
    """Foolbox's attack of the same name at the same number of steps."""
    foolbox = pytest.importorskip("foolbox")
    net, images, labels = digits
    model = foolbox.PyTorchModel(net, bounds=(0, 1))
    found = getattr(foolbox.attacks, peer)(**theirs)(model, images, labels, epsilons=None)[1]
    named = {"norm": norm} if "norm" in cls.model_fields else {}
    mine = ours(cls, net, images, labels, **named, **given)
    assert mine <= NO_WORSE * median(net, found, images, labels, norm)


@pytest.mark.peers
@pytest.mark.parametrize(
    ("cls", "norm", "peer", "theirs"),
    [
        (DeepFool, "l2", "sdf", {}),
        (FMN, "linf", "fmn", {"norm": float("inf"), "steps": 200}),
        (DDN, "l2", "ddn", {"steps": 200}),
    ],
)
def test_median_distance_against_adv_lib(
    digits: Any, cls: Any, norm: str, peer: str, theirs: Any
) -> None:
    """adv-lib's attacks; for DeepFool its stronger successor SuperDeepFool."""
    attacks = pytest.importorskip("adv_lib.attacks")
    net, images, labels = digits
    found = getattr(attacks, peer)(net, images, labels, **theirs)
    named = {"norm": norm} if "norm" in cls.model_fields else {}
    mine = ours(cls, net, images, labels, **named)
    assert mine <= NO_WORSE * median(net, found, images, labels, norm)


@pytest.mark.peers
def test_linf_carlini_wagner_against_art(digits: Any) -> None:
    """ART's linf attack on twelve digits, as many gradients in a descent."""
    art = pytest.importorskip("art.attacks.evasion")
    estimators = pytest.importorskip("art.estimators.classification")
    net, images, labels = digits
    images, labels = images[:12], labels[:12]
    model = estimators.PyTorchClassifier(
        net, torch.nn.CrossEntropyLoss(), (1, 8, 8), 10, clip_values=(0, 1), device_type="cpu"
    )
    peer = art.CarliniLInfMethod(model, max_iter=20, verbose=False, batch_size=12)
    found = torch.from_numpy(peer.generate(images.numpy(), labels.numpy()))
    mine = ours(CarliniWagner, net, images, labels, norm="linf", steps=200, search_steps=5)
    assert mine <= NO_WORSE * median(net, found, images, labels, "linf")
