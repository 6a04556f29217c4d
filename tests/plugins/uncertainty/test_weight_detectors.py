"""Detectors that go by the weights of the last layer: planes, masks, and what they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from planted_features import CLASSES, WIDTH, asked, head, layer, planted, ready, scores

from adversity.errors import DataError
from adversity_plugins.uncertainty.detector._asked_layer import asked_layer
from adversity_plugins.uncertainty.detector.dice import DICE
from adversity_plugins.uncertainty.detector.fdbd import FDBD

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def test_the_weights_are_those_of_the_layer() -> None:
    """Asked in float32 and answered in float64: to the last bit of the weights but for the bias."""
    found = asked_layer(head, torch.ones(2, WIDTH))
    weight, bias = layer()
    np.testing.assert_array_equal(found.bias.numpy(), bias)
    # A weight is the difference of two logits: one rounding of numbers below 3.
    np.testing.assert_allclose(found.weight.numpy(), weight, rtol=0, atol=1e-15)


def test_fdbd_is_the_mean_distance_to_the_planes() -> None:
    """Moved by that distance towards the other class, the logits of both are the same."""
    weight, bias = layer()
    rows = asked()
    answer = rows @ weight + bias
    distances = np.zeros(len(rows))
    for n, row in enumerate(rows):
        best = int(answer[n].argmax())
        for other in set(range(CLASSES)) - {best}:
            normal = weight[:, best] - weight[:, other]
            # Found by bisection along the normal, and not by the formula.
            unit, low, high = normal / np.linalg.norm(normal), 0.0, 100.0
            for _ in range(80):
                middle = (low + high) / 2
                moved = (row - middle * unit) @ weight + bias
                low, high = (middle, high) if moved[best] > moved[other] else (low, middle)
            distances[n] += low / (CLASSES - 1)
    # All is in float64; the bisection ends at the spacing of its numbers.
    found = -scores(ready(FDBD(regularized=False)), rows)
    np.testing.assert_allclose(found, distances, rtol=0, atol=1e-12)
    away = np.linalg.norm(rows - planted(400, 0)[0].mean(0), axis=1)
    np.testing.assert_allclose(-scores(ready(FDBD()), rows), distances / away, rtol=0, atol=1e-12)


def test_dice_without_a_mask_is_the_energy_and_with_one_is_not() -> None:
    """At share 0 no weight is cut; at .75 twelve of 48 are left, the largest contributions."""
    rows = torch.from_numpy(asked())
    energy = -head(rows).logsumexp(1).numpy()
    np.testing.assert_allclose(scores(ready(DICE(share=0)), asked()), energy, rtol=0, atol=1e-12)
    weight, bias = layer()
    contribution = weight * planted(400, 0)[0].mean(0)[:, None]
    mask = contribution >= np.sort(contribution.ravel())[-12]
    assert mask.sum() == 12
    sparse = -torch.logsumexp(rows @ torch.from_numpy(weight * mask) + torch.from_numpy(bias), 1)
    found = scores(ready(DICE(share=0.75)), asked())
    np.testing.assert_allclose(found, sparse.numpy(), rtol=0, atol=1e-12)
    assert np.abs(found - energy).max() > 0.1


@pytest.mark.parametrize("plugin", [DICE(), FDBD()])
def test_a_layer_that_is_not_linear_is_refused(plugin: Any) -> None:
    """A softmax behind the layer, and a square of it."""
    bent: list[Callable[[Tensor], Tensor]] = [lambda f: head(f).softmax(1), lambda f: head(f) ** 2]
    for wrong in bent:
        plugin = ready(type(plugin)())
        plugin.take_head(wrong)
        with pytest.raises(DataError, match=rf"{plugin.name} expects logits that a linear last"):
            scores(plugin, asked())


def test_what_has_no_distance_is_refused() -> None:
    """Two classes of the same weights, one class, the mean itself, and a share that leaves nothing."""
    plugin = ready(FDBD())
    plugin.take_head(lambda f: head(f)[:, [0, 1, 1]])
    with pytest.raises(DataError, match="the same for the classes number 1 and 2, counted from 0"):
        scores(plugin, asked())
    plugin.take_head(lambda f: head(f)[:, :1])
    with pytest.raises(DataError, match="fdbd expects two classes or more, got one"):
        scores(plugin, asked())
    plugin = ready(FDBD())
    plugin._mean = torch.from_numpy(asked()[0])
    with pytest.raises(DataError, match=r"not the mean.*got 1 such rows: set regularized: false"):
        scores(plugin, asked())
    with pytest.raises(DataError, match=r"dice expects a share that leaves one of the 48 weights"):
        scores(ready(DICE(share=0.999)), asked())
