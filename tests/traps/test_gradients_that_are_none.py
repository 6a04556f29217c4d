"""A gradient of NaN, and pixels at the bounds that no gradient feels, do not pass for robustness."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import adversity
from adversity import clip
from adversity.metrics import share
from adversity.pipeline.gates.gate_text import Gate
from adversity.pipeline.gates.verdicts import judge
from adversity.pipeline.plan.engine_measures import OF_ATTACKS
from adversity.report.doubts.caveats import caveats
from adversity.report.values.model import CellResult, StepSummary
from adversity.report.words.reading import with_words

EPS = 0.05
COUNT = 60


class Brightened(torch.nn.Module):
    """A linear classifier of two classes behind 1.5 times the image, cut to [0, 1] in some way."""

    def __init__(self, cut: Any) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(4)
        self.cut, self.weights = cut, torch.randn(108, generator=draw, dtype=torch.float64)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        bright = self.cut(1.5 * images.flatten(1).double()) - 0.35
        margin = bright @ self.weights
        return torch.stack([margin, -margin], 1).float()

    def robust(self, images: torch.Tensor) -> int:
        """Count what no change of eps turns, in closed form: nothing is near white."""
        rows = images.flatten(1).double()
        margin = (1.5 * rows - 0.35) @ self.weights
        worse = torch.where(
            margin[:, None] * self.weights > 0, (rows - EPS).clamp_min(0), rows + EPS
        )
        return int(((1.5 * worse - 0.35) @ self.weights * margin.sign() > 0).sum())


@pytest.fixture(scope="module")
def dark() -> torch.Tensor:
    """Images in [0, 0.6] of which more than a third is exactly black."""
    draw = torch.Generator().manual_seed(5)
    return (torch.rand(COUNT, 3, 6, 6, generator=draw) - 0.4).clamp_min(0)


def _step(flags: dict[str, float], count: int) -> StepSummary:
    found = {f"{name}_share": share(round(v * count), count) for name, v in flags.items()}
    cell = CellResult({}, count, found, (), {"eps": EPS})
    made = StepSummary(
        id="attacked", uses="attack/pgd", kind="attack", makes="adversarial", cells=(cell,)
    )
    return with_words([made], OF_ATTACKS)[0]


def _voids(step: StepSummary) -> list[str]:
    return [caveat.text for caveat in caveats((), (step,)) if caveat.level == "void"]


@pytest.mark.parametrize("name", ["fgsm", "pgd", "apgd"])
def test_3_34_black_pixels_are_felt_behind_a_clip(name: str, dark: torch.Tensor) -> None:
    """With `clip` as many stand as the closed form says; the twin with `clamp` leaves more."""
    given = {"random_start": False} if name == "pgd" else {}
    attack = adversity.create("attack", name, eps=EPS, **given)
    left = {}
    for cut in (clip, torch.clamp):
        network = Brightened(lambda values, cut=cut: cut(values, 0.0, 1.0))
        labels = network(dark).argmax(1)
        result = attack(adversity.target(network), dark, labels)
        left[cut] = COUNT - int(result.success.sum())
        assert result.flags["hidden_pixels"] == (cut is torch.clamp)
    assert left[clip] == network.robust(dark)
    assert left[torch.clamp] > left[clip]


def test_3_34_hidden_pixels_void_the_figure_and_fail_a_gate(dark: torch.Tensor) -> None:
    """The report says that pixels change the answer and are not felt; a gate can rest on it."""
    network = Brightened(lambda values: values.clamp(0, 1))
    pgd = adversity.create("attack", "pgd", eps=EPS)
    result = pgd(adversity.target(network), dark, network(dark).argmax(1))
    step = _step(result.flags, 16)
    (text,) = _voids(step)
    assert "100% (16 of 16; " in text
    assert "change the answer and have a gradient of exactly zero" in text
    gate = Gate("", "", "attacked", "hidden_pixels_share", {}, None, "<=", 0.05)
    assert [found.verdict for found in judge([gate], {"attacked": step})] == ["fail"]


class Sine(Brightened):
    """The same network, and sin(z) / z of what is 0, written so that its gradient is 0 / 0."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        zero = 0 * images.flatten(1).sum(1, keepdim=True)
        one = torch.where(zero == 0, torch.ones_like(zero), zero.sin() / zero)
        return super().forward(images) + (one - 1)


def test_3_33_a_gradient_of_nan_is_none(dark: torch.Tensor) -> None:
    """Finite logits, NaN gradients: none is felt, 8 of 8 are named, and the figure is void."""
    pgd = adversity.create("attack", "pgd", eps=0.4)
    images, twin = dark[:8], Sine(clip)
    labels = twin(images).argmax(1)
    assert int(pgd(adversity.target(Brightened(clip)), images, labels).success.sum()) == 8
    result = pgd(adversity.target(twin), images, labels)
    assert bool(result.images.isfinite().all())
    assert result.nan_gradient.tolist() == [True] * 8
    texts = _voids(_step(result.flags, 8))
    assert any("(8 of 8; " in text and "held NaN or infinity" in text for text in texts)
    gate = Gate("", "", "attacked", "nan_gradient_share", {}, None, "<=", 0.05)
    found = judge([gate], {"attacked": _step(result.flags, 8)})
    assert [one.verdict for one in found] == ["fail"]
