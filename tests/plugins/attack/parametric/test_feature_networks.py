"""An attack in the features of a trained network: bounds, strength and rows on their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

import adversity
from adversity.engine.attack.attacking import attack
from adversity.engine.calls.set_up import set_up
from adversity_plugins.attack.parametric._feature_space_metric import Features
from adversity_plugins.attack.parametric.feature_space import FeatureSpace

if TYPE_CHECKING:
    from adversity.engine.calls.ready import Ready


def _ready(**parameters: Any) -> Ready:
    plugin = FeatureSpace(**{"early_stop": False, **parameters})
    return set_up(plugin, 'attack "feature_space" (test)', "cpu")


def _run(ready: Ready, network: Any, images: Any, labels: Any, ids: Any = None) -> Any:
    names = ids or [str(row) for row in range(len(images))]
    victim = adversity.target(network).bind(names)
    return attack(ready, victim, images, labels)


@pytest.fixture(scope="module")
def trained(images: torch.Tensor, labels: torch.Tensor) -> Any:
    """A feature network that learnt to tell the victim's classes."""
    small = adversity.create("classifier", "small_cnn", epochs=3, width=4)
    return small.fit(images, labels, class_names=[str(k) for k in range(10)])


def test_features_of_a_network_bound_the_change_and_more_of_it_fools_more(
    network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor, trained: Any
) -> None:
    """Distances measured here from the network's own features; a larger eps never leaves more."""
    fooled = []
    for eps in (0.002, 0.01, 0.5):
        ready = _ready(network=trained, eps=eps, steps=3, early_stop=True)
        found = _run(ready, network, images, labels)
        points = [trained.ready.plugin.features(part).double() for part in (found.images, images)]
        near, far = (part / part.norm(dim=1, keepdim=True) for part in points)
        # The network sees other blocks here: 1e-6 on features of length one.
        assert float((near - far).norm(dim=1).max()) <= eps + 1e-6
        assert torch.allclose((near - far).norm(dim=1), found.norms, atol=1e-6)
        assert float(found.images.min()) >= 0
        assert float(found.images.max()) <= 1
        fooled.append(int(found.success.sum()))
    assert fooled == sorted(fooled)
    assert fooled[0] < fooled[-1]


@pytest.mark.parametrize("early_stop", [True, False])
def test_an_image_s_result_does_not_depend_on_its_neighbours(
    network: torch.nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    trained: Any,
    early_stop: bool,
) -> None:
    """Alone and in another order: the same bytes."""
    ready = _ready(network=trained, eps=0.1, steps=3, early_stop=early_stop)
    ids = [f"s{row}" for row in range(len(images))]
    whole = _run(ready, network, images, labels, ids)
    back = _run(ready, network, images.flip(0), labels.flip(0), ids[::-1])
    assert torch.equal(back.images.flip(0), whole.images)
    for row in (0, 7):
        alone = _run(ready, network, images[row : row + 1], labels[row : row + 1], [ids[row]])
        assert torch.equal(alone.images[0], whole.images[row])


def test_the_line_back_ends_just_inside_for_each_image(images: torch.Tensor, trained: Any) -> None:
    """Every image by itself: those within stay, the others end within 1 % of the sphere."""
    plugin = set_up(FeatureSpace(network=trained, eps=0.05), "feature_space", "cpu").plugin
    features = Features(plugin.network, normalise=True)
    far = images.flip(3)
    far[:3] = images[:3]
    found = features.back(images, features.of(images), far, 0.05)
    distance = features.distance(found, images)
    assert torch.equal(found[:3], far[:3])
    assert float(distance.max()) <= 0.05
    outside = features.distance(far, images) > 0.05
    assert int(outside.sum()) > 10
    assert float(distance[outside].min()) > 0.99 * 0.05
