"""Images, budgets and labels from Python: on another scale or in another type than ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import adversity
from adversity.errors import AdversityError, DataError, InputError

IMAGES = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = [0, 1, 2, 3, 0, 1]


def network() -> torch.nn.Module:
    """Return a linear network of 4 classes."""
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 4))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES * 255, "divide by 255"),
        ((IMAGES * 255).byte(), r"images.float\(\) / 255"),
        (IMAGES.double(), r"write images.float\(\)"),
        (IMAGES * 2 - 1, r"\(images \+ 1\) / 2"),
        (IMAGES.permute(0, 2, 3, 1), "permute"),
        (IMAGES[0], r"images\[None\]"),
        (IMAGES.numpy(), "torch.as_tensor"),
    ],
    ids=["0 to 255", "bytes", "float64", "-1 to 1", "channels last", "one image", "numpy"],
)
def test_images_on_another_scale_are_refused_with_the_line(images: Any, message: str) -> None:
    """A plugin and an attack say what came and what to write."""
    noise = adversity.create("degradation", "gaussian_noise", severity=1)
    with pytest.raises(DataError, match=message):
        noise(images)
    attack = adversity.create("attack", "fgsm", norm="linf", eps="8/255")
    with pytest.raises(DataError, match=message):
        attack(adversity.target(network()), images, LABELS[: len(images)])


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("pgd", {"norm": "linf", "eps": 8}),
        ("pgd", {"norm": "linf", "eps": "8/255", "step_size": 2}),
        ("pgd", {"norm": "l2", "eps": 128}),
        ("carlini_wagner", {"norm": "l2", "eps": 128}),
        ("square", {"norm": "l2", "eps": 20}),
    ],
)
def test_budgets_on_the_scale_of_bytes_are_refused(name: str, given: dict[str, Any]) -> None:
    """More than the whole space of 3 x 8 x 8 images (1 in linf, sqrt(192) in l2) is no budget."""
    with pytest.raises(AdversityError, match=r"of at most .* did you mean (8|2|128|20)/255\?") as e:
        adversity.create("attack", name, **given)(adversity.target(network()), IMAGES, LABELS)
    assert isinstance(e.value, InputError)


@pytest.mark.parametrize(
    "labels",
    [
        LABELS,
        np.array(LABELS, np.int32),
        np.array(LABELS, np.uint8),
        np.array(LABELS, float),
        torch.tensor(LABELS, dtype=torch.int32),
        torch.tensor(LABELS, dtype=torch.float32),
    ],
    ids=["list", "int32", "uint8", "float", "tensor int32", "tensor float"],
)
def test_labels_of_any_type_attack_and_fit_the_same(labels: Any) -> None:
    """The result is that of int64 labels, to the last bit."""
    attack = adversity.create("attack", "fgsm", norm="linf", eps="8/255")
    victim = adversity.target(network())
    expected = attack(victim, IMAGES, torch.tensor(LABELS))
    assert torch.equal(attack(victim, IMAGES, labels).images, expected.images)
    knn = adversity.create("classifier", "nearest_neighbours")
    assert knn.fit(IMAGES, labels)(IMAGES).argmax(1).tolist() == LABELS
    scaler = adversity.create("uncertainty", "temperature_scaling")
    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    fitted = scaler.fit(logits, torch.tensor(LABELS))(logits)
    assert torch.equal(scaler.fit(logits, labels)(logits), fitted)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.eye(4)[LABELS], r"labels.argmax\(1\)"),
        (np.array([LABELS]).T, r"labels\[:, 0\]"),
        ([0.5, *LABELS[1:]], "whole numbers, got 0.5 in row 0"),
        (["cat", *LABELS[1:]], "class_names.index"),
        (LABELS[:5], r"labels \[6\]"),
        ([-1, *LABELS[1:]], "got -1 in row 0"),
        (np.array(LABELS) > 0, "yes and no"),
    ],
)
def test_other_labels_are_refused_by_attacks_and_fits(labels: Any, message: str) -> None:
    """The same words wherever labels come in."""
    attack = adversity.create("attack", "fgsm", norm="linf", eps="8/255")
    with pytest.raises(DataError, match=message):
        attack(adversity.target(network()), IMAGES, labels)
    knn = adversity.create("classifier", "nearest_neighbours")
    with pytest.raises(DataError, match=message):
        knn.fit(IMAGES, labels)


@pytest.mark.parametrize(
    "given", [{"mean": [123.675, 116.28, 103.53]}, {"std": [58.395, 57.12, 57.375]}]
)
def test_mean_and_deviation_on_the_scale_of_bytes_are_refused(given: dict[str, Any]) -> None:
    """Images are in [0, 1]: the figures of 0 to 255 would make every image black."""
    more = {"architecture": "squeezenet1_1", "weights": "none", "crop": 64}
    with pytest.raises(InputError, match=r"pixels in 0 to 1, got .*write \[(123|58).*/255"):
        adversity.create("classifier", "torchvision", **more, **given)
