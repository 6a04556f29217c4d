"""Momentum and restarts of PGD: each sample by itself, and the paper's loop."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import adversity
from adversity_plugins.attack.gradient import pgd

EPS = 8 / 255


def _loop(net: Any, images: Any, labels: Any, *, steps: int, size: float, mu: float) -> Any:
    """Write MI-FGSM (Dong et al. 2018, algorithm 1) as a reader would, one image at a time."""
    found = []
    for image, label in zip(images, labels, strict=True):
        point, pace = image[None].clone(), torch.zeros_like(image[None])
        for _ in range(steps):
            point = point.detach().requires_grad_()
            loss = torch.nn.functional.cross_entropy(net(point), label[None])
            (gradient,) = torch.autograd.grad(loss, point)
            pace = mu * pace + gradient / gradient.abs().sum()
            point = point.detach() + size * pace.sign()
            point = (image + (point - image).clamp(-EPS, EPS)).clamp(0, 1)
        found.append(point[0])
    return torch.stack(found)


def _run(network: Any, images: Any, labels: Any, **parameters: Any) -> Any:
    given = {"eps": EPS, "steps": 10, "step_size": EPS / 4, "random_start": False, **parameters}
    return adversity.create("attack", "pgd", **given)(adversity.target(network), images, labels)


def test_momentum_is_that_of_the_paper(network: Any, images: Any, labels: Any) -> None:
    """The loop's images to 1e-6, and others than without momentum.

    Bounds are rounded where the loop rounds a sum: at most 6e-8 apart. Where two directions
    cancel, a value's sign may hang on rounding: one in a thousand may differ.
    """
    found = _run(network, images, labels, momentum=1.0).images
    expected = _loop(network, images, labels, steps=10, size=EPS / 4, mu=1.0)
    assert float(((found - expected).abs() > 1e-6).float().mean()) < 1e-3
    without = _run(network, images, labels).images
    assert float(((found - without).abs() > 1e-6).float().mean()) > 0.02


def test_a_norm_over_the_batch_is_told_from_each_sample_s_own(
    monkeypatch: pytest.MonkeyPatch, network: Any, images: Any, labels: Any
) -> None:
    """The twin that divides by the norm of the whole batch gives other images than alone."""
    alone = torch.cat(
        [
            _run(network, images[row : row + 1], labels[row : row + 1], momentum=0.9).images
            for row in range(len(images))
        ]
    )
    assert torch.equal(_run(network, images, labels, momentum=0.9).images, alone)
    # A first gradient and a later one then weigh as the batch says, not as the sample does.
    monkeypatch.setattr(
        pgd, "_of_length_one", lambda gradient: gradient / gradient.abs().sum().clamp(1e-30)
    )
    shared = _run(network, images, labels, momentum=0.9).images
    assert not torch.equal(shared, alone)


def test_a_gradient_of_zero_makes_no_nan(images: Any) -> None:
    """0 / 0 does not spread: a flat victim's images come back as they were."""

    class Flat(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.stack([x.flatten(1).sum(1) * 0 + 1, x.flatten(1).sum(1) * 0], 1)

    labels = torch.zeros(len(images), dtype=torch.int64)
    result = _run(Flat(), images, labels, momentum=1.0)
    assert torch.equal(result.images, images)


@pytest.mark.parametrize("early_stop", [False, True])
def test_more_restarts_never_leave_more_standing(
    network: Any, images: Any, labels: Any, early_stop: bool
) -> None:
    """The best of each sample: whoever falls in two restarts falls in five."""
    given = {"eps": 2 / 255, "steps": 2, "random_start": True, "early_stop": early_stop}
    two = _run(network, images, labels, restarts=2, **given).success
    five = _run(network, images, labels, restarts=5, **given).success
    assert bool((five | ~two).all())
    assert 0 < int(five.sum()) < len(images)


def test_with_early_stop_solved_samples_take_no_part_in_restarts(
    network: Any, images: Any, labels: Any
) -> None:
    """The same samples fall, for fewer gradients."""
    given = {"eps": 2 / 255, "steps": 3, "random_start": True, "restarts": 4}
    whole = _run(network, images, labels, **given)
    early = _run(network, images, labels, early_stop=True, **given)
    assert torch.equal(early.success, whole.success)
    assert int(whole.gradients.min()) == 12
    assert int(early.gradients[early.success].float().mean()) < 12
    assert bool((early.gradients[~early.success] == 12).all())
