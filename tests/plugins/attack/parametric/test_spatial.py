"""The spatial attack: images that are turned right, and the worst of the grid for each one."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import adversity
from adversity.engine.attack.attacking import attack
from adversity.engine.calls.ready import Ready
from adversity_plugins.attack.parametric._rotation import Search, moved
from adversity_plugins.attack.parametric.spatial import Spatial

ROUNDING = 2e-6
"""Positions are handed over in float32: 1e-7 of an image's side, times its steepest slope."""


def _turned(image: np.ndarray, angle_deg: float, right: float, down: float) -> np.ndarray:
    """Turn and move one image, pixel by pixel, from the definition."""
    height, width = image.shape[1:]
    angle = np.deg2rad(angle_deg)
    found = np.zeros_like(image, dtype=np.float64)
    for row, column in product(range(height), range(width)):
        x = column - (width - 1) / 2 - right * width
        y = row - (height - 1) / 2 - down * height
        # Back by the angle: anticlockwise on a screen whose y axis points down.
        sx = np.cos(angle) * x - np.sin(angle) * y + (width - 1) / 2
        sy = np.sin(angle) * x + np.cos(angle) * y + (height - 1) / 2
        left, top = int(np.floor(sx)), int(np.floor(sy))
        for dy, dx in product((0, 1), (0, 1)):
            if 0 <= top + dy < height and 0 <= left + dx < width:
                weight = (1 - abs(sx - left - dx)) * (1 - abs(sy - top - dy))
                found[:, row, column] += weight * image[:, top + dy, left + dx]
    return found


@settings(max_examples=30, deadline=None)
@given(
    angle=st.floats(-180, 180),
    right=st.floats(-0.3, 0.3),
    down=st.floats(-0.3, 0.3),
    shape=st.sampled_from([(1, 5, 5), (3, 6, 4), (1, 4, 7)]),
)
def test_an_image_is_turned_and_moved_as_defined(angle, right, down, shape):
    """Against bilinear interpolation written out for each pixel."""
    images = torch.rand(1, *shape, generator=torch.Generator().manual_seed(0))
    made = moved(images, torch.tensor([[angle, right, down]], dtype=torch.float64))[0]
    expected = _turned(images[0].double().numpy(), angle, right, down)
    assert np.abs(made.double().numpy() - expected).max() < 10 * ROUNDING


def test_ninety_degrees_is_anticlockwise():
    """A quarter turn is that of `rot90`, which turns as mathematics does."""
    images = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    quarter = moved(images, torch.tensor([[90.0, 0.0, 0.0]], dtype=torch.float64))
    assert float((quarter - images.rot90(1, (2, 3))).abs().max()) < ROUNDING


def test_black_comes_in_where_an_image_is_moved_away():
    """Two pixels to the right: two black columns on the left, the rest as it was."""
    images = torch.rand(1, 1, 6, 8, generator=torch.Generator().manual_seed(0))
    made = moved(images, torch.tensor([[0.0, 2 / 8, 0.0]], dtype=torch.float64))
    assert torch.equal(made[..., :2], torch.zeros(1, 1, 6, 2))
    assert float((made[..., 2:] - images[..., :-2]).abs().max()) < ROUNDING


def _spatial(**parameters: Any) -> Ready:
    return Ready(Spatial(**parameters), 'attack "spatial" (test)')


def _robust(ready: Ready, network: Any, images: Any, labels: Any, ids: Any = None) -> list[bool]:
    names = ids or [str(row) for row in range(len(images))]
    result = attack(ready, adversity.target(network).bind(names), images, labels)
    robust: list[bool] = (~result.success).tolist()
    return robust


def test_the_worst_of_the_grid_is_that_of_brute_force_for_each_image(
    network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """All 5 x 3 x 3 changes of each image, made and asked about one by one."""
    settings = {"angle_deg": 5.0, "shift": 1 / 32, "angles": 5, "shifts": 3}
    early, whole = (
        _robust(_spatial(**settings, early_stop=stop), network, images, labels)
        for stop in (True, False)
    )
    expected = []
    for image, label in zip(images, labels, strict=True):
        survived = True
        for angle, right, down in product(
            (-5, -2.5, 0, 2.5, 5), (-1 / 32, 0, 1 / 32), (-1 / 32, 0, 1 / 32)
        ):
            made = torch.from_numpy(_turned(image.double().numpy(), angle, right, down)).float()
            survived &= int(network(made[None]).argmax(1)) == int(label)
        expected.append(survived)
    assert early == whole == expected
    assert 0 < sum(whole) < len(whole)


class _Shared(Search):
    """The broken twin: one change for the whole batch."""

    def _try(self, point: torch.Tensor) -> None:
        with torch.no_grad():
            logits = self._target.logits(moved(self._images, point))
        fooled = float((logits.argmax(1) != self._labels).sum())
        if fooled > float(self._worst.loss[0]):
            self._worst.loss[:], self.best[:] = fooled, point


def test_one_change_for_the_whole_batch_leaves_more_standing(
    monkeypatch: pytest.MonkeyPatch,
    network: torch.nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
) -> None:
    """The twin that shares its transform differs from brute force, and from itself alone."""
    ready = _spatial(angle_deg=5.0, shift=1 / 32, angles=5, shifts=3)
    honest = _robust(ready, network, images, labels)
    monkeypatch.setattr("adversity_plugins.attack.parametric._rotation.Search", _Shared)
    shared = _robust(ready, network, images, labels)
    assert sum(shared) > sum(honest)
    alone = [
        _robust(ready, network, images[row : row + 1], labels[row : row + 1])[0] for row in range(6)
    ]
    assert alone == honest[:6]
    assert shared[:6] != alone


@pytest.mark.parametrize("method", ["grid", "random", "first_order"])
def test_an_image_s_result_does_not_depend_on_its_neighbours(
    network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor, method: str
) -> None:
    """Alone, in another order and twice: the same bytes; and again after other images."""
    ready = _spatial(method=method, angles=3, shifts=3, draws=4, steps=4)
    ids = [f"s{row}" for row in range(len(images))]

    def made(rows: list[int]) -> Any:
        victim = adversity.target(network).bind([ids[row] for row in rows])
        return attack(ready, victim, images[rows], labels[rows])

    whole = made(list(range(len(images))))
    back = made(list(range(len(images)))[::-1])
    assert torch.equal(back.images.flip(0), whole.images)
    for row in (0, 7):
        alone = made([row])
        assert torch.equal(alone.images[0], whole.images[row])
        for name, values in alone.parameters.items():
            assert torch.equal(values[0], whole.parameters[name][row])


def test_more_draws_and_a_finer_grid_never_leave_more(
    network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """The draws of a longer search begin with those of a shorter one, a grid of 5 holds one of 3."""
    near = {"angle_deg": 8.0, "shift": 0.05}
    few = _robust(_spatial(method="random", draws=2, **near), network, images, labels)
    many = _robust(_spatial(method="random", draws=12, **near), network, images, labels)
    assert all(a >= b for a, b in zip(few, many, strict=True))
    assert sum(many) < sum(few)
    coarse = _robust(_spatial(angles=3, shifts=1, **near), network, images, labels)
    fine = _robust(_spatial(angles=5, shifts=1, **near), network, images, labels)
    assert all(a >= b for a, b in zip(coarse, fine, strict=True))


def test_climbing_follows_the_gradient(images: torch.Tensor) -> None:
    """On a victim that likes brightness at the right edge, twenty steps beat one."""

    class Edge(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            bright = (x * torch.linspace(-1, 1, x.shape[3])).mean((1, 2, 3))
            return torch.stack([0 * bright, bright - 1], 1)

    labels = torch.zeros(len(images), dtype=torch.int64)

    def climbed(steps: int) -> torch.Tensor:
        ready = _spatial(method="first_order", draws=1, steps=steps, early_stop=False)
        result = attack(
            ready, adversity.target(Edge()).bind([str(row) for row in range(24)]), images, labels
        )
        logits: torch.Tensor = Edge()(result.images)[:, 1]
        return logits

    gain = climbed(20) - climbed(1)
    assert float(gain.mean()) > 0.01
    assert float((gain > 0).float().mean()) > 0.8
