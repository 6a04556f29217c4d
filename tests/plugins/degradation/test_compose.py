"""Mixtures of degradations: by hand, in their frequencies, and what they refuse."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch

import adversity
from adversity.errors import InputError, ParameterError

BLUR = {"uses": "gaussian_blur", "with": {"sigma_px": 1.0}}
PALE = {"uses": "contrast", "with": {"factor": 0.4}}
LIGHT = {"uses": "brightness", "with": {"shift": 0.3}}
NOISE = {"uses": "gaussian_noise", "with": {"sigma": 0.1}}
IMAGES = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def compose(*parts: Any, **given: Any) -> Any:
    """Return the degradation, ready."""
    return adversity.create("degradation", "compose", parts=list(parts), **given)


def alone(part: Any, images: torch.Tensor) -> torch.Tensor:
    """Return what one part makes that draws nothing."""
    worse: torch.Tensor = adversity.create("degradation", part["uses"], **part["with"])(images)
    return worse


def many(count: int) -> tuple[torch.Tensor, list[str]]:
    """Return one image so many times, under ids of their own."""
    return IMAGES.expand(count, -1, -1, -1).contiguous(), [f"{k}" for k in range(count)]


def test_all_parts_in_their_order_are_one_after_the_other() -> None:
    """To the bit; the other way round is something else."""
    found = compose(BLUR, LIGHT)(IMAGES)
    assert torch.equal(found, alone(LIGHT, alone(BLUR, IMAGES)))
    assert not torch.equal(found, alone(BLUR, alone(LIGHT, IMAGES)))


def test_one_of_three_is_each_as_often() -> None:
    """Of 300 samples each part has 100; 30 to either side are 3.7 standard deviations."""
    images, ids = many(300)
    made = {part["uses"]: alone(part, IMAGES)[0] for part in (BLUR, PALE, LIGHT)}
    found = compose(BLUR, PALE, LIGHT, count=1)(images, ids=ids, seed=1)
    who = [next(name for name, one in made.items() if torch.equal(one, row)) for row in found]
    assert all(70 <= times <= 130 for times in Counter(who).values())
    assert len(set(who)) == 3


def test_two_of_two_in_a_random_order_are_both_orders() -> None:
    """Each about half of the time, of 200: 35 to either side are 5 standard deviations."""
    images, ids = many(200)
    first = alone(LIGHT, alone(BLUR, IMAGES))[0]
    other = alone(BLUR, alone(LIGHT, IMAGES))[0]
    found = compose(BLUR, LIGHT, order="random")(images, ids=ids)
    firsts = sum(torch.equal(row, first) for row in found)
    others = sum(torch.equal(row, other) for row in found)
    assert firsts + others == 200
    assert abs(firsts - 100) <= 35


def test_the_strength_is_uniform_between_its_ends() -> None:
    """Recovered from the images: mean 0.5 and deviation 0.3 / sqrt(12), over 400 samples."""
    images, ids = many(400)
    whole = (alone(PALE, IMAGES) - IMAGES).flatten()
    found = compose(PALE, strength=[0.35, 0.65])(images, ids=ids) - IMAGES
    shares = found.flatten(1) @ whole / whole.square().sum()
    assert torch.allclose(found.flatten(1), shares[:, None] * whole, atol=1e-6)
    assert 0.35 - 1e-5 <= float(shares.min()) < 0.36
    assert 0.64 < float(shares.max()) <= 0.65 + 1e-5
    assert abs(float(shares.mean()) - 0.5) < 0.02  # 4.6 standard errors
    assert abs(float(shares.std()) - 0.3 / 12**0.5) < 0.006


def test_a_sample_has_its_own_draws_in_any_batch() -> None:
    """Parts, order, strength and the noise of a part hang on the id alone."""
    images, ids = many(6)
    plugin = compose(BLUR, NOISE, PALE, count=2, order="random", strength=[0.2, 1])
    found = plugin(images, ids=ids, seed=3)
    back = plugin(images[:3], ids=[ids[4], ids[0], ids[5]], seed=3)
    assert torch.equal(back, found[[4, 0, 5]])
    assert len({row.numpy().tobytes() for row in found}) == 6


def test_it_claims_what_its_parts_can_keep() -> None:
    """Nothing is drawn if there is nothing to draw; a gradient goes through if all let it."""
    assert not compose(BLUR, PALE).ready.plugin.stochastic
    for more in ({"count": 1}, {"order": "random"}, {"strength": [0, 1]}):
        assert compose(BLUR, PALE, **more).ready.plugin.stochastic
    assert compose(BLUR, NOISE).ready.plugin.stochastic
    assert compose(BLUR, PALE).ready.plugin.differentiable
    jpeg = {"uses": "jpeg_compression", "with": {"severity": 1}}
    assert not compose(BLUR, jpeg).ready.plugin.differentiable
    assert compose(BLUR, jpeg).ready.plugin.takes_channels() == (1, 3)
    assert compose(BLUR, PALE).ready.plugin.takes_channels() is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"parts": []}, "parts"),
        ({"parts": [BLUR], "count": 2}, "at most the 1 parts, got 2"),
        ({"parts": [BLUR], "strength": [0.6, 0.2]}, r"within 0 to 1, got \[0.6, 0.2\]"),
        ({"parts": [BLUR], "strength": [0, 1.5]}, r"within 0 to 1, got \[0, 1.5\]"),
        ({"parts": [{"uses": "downsample", "with": {"factor": 2}}]}, "changes the size"),
        ({"parts": [{"uses": "gausian_noise"}]}, "did you mean gaussian_noise"),
    ],
)
def test_what_cannot_be_mixed_is_refused(given: Any, words: str) -> None:
    """With what was expected and what came."""
    with pytest.raises((InputError, ParameterError), match=words):
        adversity.create("degradation", "compose", **given)
