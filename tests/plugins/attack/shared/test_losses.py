"""Losses of logits: closed-form slopes, the difference-of-logits ratio by hand, few classes."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch

import adversity
from adversity import SampleRng
from adversity.errors import InputError
from adversity_plugins.attack._shared.dlr import require_dlr
from adversity_plugins.attack._shared.losses import (
    Rank,
    likeliest_others,
    loss_of,
    pulled_back,
    slope_of,
)
from adversity_plugins.attack._shared.norms import Ball
from adversity_plugins.attack.gradient.apgd import APGD

AIMS = ("nobody", "wanted", "rival")


@pytest.mark.parametrize("aim", AIMS)
@pytest.mark.parametrize("loss", ["ce", "margin", "dlr"])
def test_slope_is_the_gradient_of_the_loss(loss: Any, aim: str) -> None:
    """The closed form agrees with autograd in float64, for every loss and every aim."""
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(40, 6, generator=generator, dtype=torch.float64).requires_grad_()
    labels = torch.arange(40) % 6
    rivals = (labels + 1 + torch.arange(40) % 5) % 6 if aim == "rival" else None
    how = {"loss": loss, "targeted": aim == "wanted", "rivals": rivals}
    (expected,) = torch.autograd.grad(loss_of(logits, labels, **how).sum(), logits)
    found = slope_of(logits.detach(), labels, **how)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_pulled_back_is_autograd_to_the_bit() -> None:
    """As `torch.autograd.grad(answer, point, slope)`, twice where the graph is kept; inf and NaN, too."""
    generator = torch.Generator().manual_seed(4)
    net = torch.nn.Sequential(torch.nn.Linear(12, 9), torch.nn.ReLU(), torch.nn.Linear(9, 5))
    point = torch.randn(7, 12, generator=generator).requires_grad_()
    slope = torch.randn(7, 5, generator=generator)
    answer = net(point) / torch.tensor([1.0, 1.0, 1.0, 1e-39, 1.0])  # a column of infinities
    (expected,) = torch.autograd.grad(answer, point, slope, retain_graph=True)
    for again in (True, False):
        found = pulled_back(answer, point, slope, again=again)
        torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)


def test_a_gradient_does_not_load_symbolic_shapes() -> None:
    """PyTorch loads them, and sympy, when it is handed a slope: longer than many an attack takes."""
    code = (
        "import sys, torch; from adversity_plugins.attack._shared.losses import pulled_back; "
        "point = torch.ones(2, 3, requires_grad=True); "
        "pulled_back(point * 2, point, torch.ones(2, 3)); print('sympy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_ratio_by_hand() -> None:
    """Equations 6 and 7 of the paper on logits (4, 3, 1, 0): -1/3, and aimed at class 2 -3/3.5."""
    logits, label = torch.tensor([[4.0, 3.0, 1.0, 0.0]]), torch.tensor([0])
    plain = loss_of(logits, label, loss="dlr", targeted=False)
    aimed = loss_of(logits, label, loss="dlr", targeted=False, rivals=torch.tensor([2]))
    wanted = loss_of(logits, torch.tensor([2]), loss="dlr", targeted=True)
    assert plain.item() == pytest.approx(-1 / 3)
    assert aimed.item() == wanted.item() == pytest.approx(-3 / 3.5)
    for stretched in (100 * logits, logits + 50):
        again = loss_of(stretched, label, loss="dlr", targeted=False)
        assert again.item() == pytest.approx(-1 / 3)


def test_equal_logits_give_finite_losses_and_slopes() -> None:
    """Where all logits are equal nothing is divided by zero."""
    logits, label = torch.zeros(2, 5), torch.tensor([0, 3])
    for rivals in (None, torch.tensor([1, 1])):
        how: Any = {"loss": "dlr", "targeted": False, "rivals": rivals}
        assert bool(loss_of(logits, label, **how).isfinite().all())
        assert bool(slope_of(logits, label, **how).isfinite().all())


def test_likeliest_others_leave_out_the_label() -> None:
    """Of three classes there are two others, the likelier first, also if the answer is wrong."""
    logits = torch.tensor([[1.0, 5.0, 3.0], [1.0, 5.0, 3.0]])
    found = likeliest_others(logits, torch.tensor([1, 0]), 9)
    assert found.tolist() == [[2, 0], [1, 2]]


@pytest.mark.parametrize(("classes", "aimed"), [(2, False), (3, True)])
def test_too_few_classes_are_refused_in_words(classes: int, aimed: bool) -> None:
    """DLR needs three classes, four where it aims; the message says what to use instead."""
    with pytest.raises(InputError, match=rf"at least {classes + 1} classes, got {classes}; use"):
        require_dlr(classes, aimed=aimed)
    require_dlr(classes + 1, aimed=aimed)


@pytest.mark.parametrize("loss", ["ce", "margin", "dlr"])
@pytest.mark.parametrize("aim", [{}, {"targeted": True}, {"targets": 2}], ids=str)
def test_apgd_says_how_many_classes_its_loss_needs(loss: str, aim: dict[str, Any]) -> None:
    """As many as the loss does not refuse: a plan refuses the others before anything runs."""
    attack = APGD(eps=0.1, loss=loss, **aim)
    if loss != "dlr":
        assert attack.least_classes == 2
        return
    require_dlr(attack.least_classes, aimed=bool(aim))
    with pytest.raises(InputError, match="use `loss: ce`"):
        require_dlr(attack.least_classes - 1, aimed=bool(aim))


def test_a_failure_ranks_before_the_rest_and_a_loss_is_not_rounded() -> None:
    """Losses 0.03 apart stay apart (at 1e6 float32 has steps of 1/16), whatever fooled or not."""
    fooled = torch.tensor([False, True, True, False])
    first = Rank(fooled, torch.tensor([9.0, 1.00, 1.03, -torch.inf]))
    other = Rank(torch.tensor([True, True, True, False]), torch.tensor([0.0, 1.03, 1.00, 0.0]))
    assert first.above(other).tolist() == [False, False, True, False]
    assert other.above(first).tolist() == [True, True, False, True]
    assert not bool(first.above(first).any())
    assert bool(other.above(Rank.lowest(4)).all())


def test_pgd_keeps_the_restart_of_the_highest_loss(network: Any, images: Any, labels: Any) -> None:
    """Of eight restarts that all fool, the image that is kept has the highest loss of all."""
    pgd = adversity.create("attack", "pgd", eps=0.1, steps=2, restarts=8, loss="margin").ready
    ids = [str(row) for row in range(len(images))]
    victim = adversity.target(network).bind(ids)
    rng = SampleRng(seed=0, step="attack", ids=ids)
    kept = pgd.plugin.perturb(victim, images, labels, rng)
    ball = Ball(images, "linf", 0.1)
    climbs = [pgd.plugin._ascend(victim, ball, labels, rng, restart=k) for k in range(8)]

    def loss(points: torch.Tensor) -> torch.Tensor:
        logits = victim.logits(points).detach()
        return loss_of(logits, labels, loss="margin", targeted=False)

    losses = torch.stack([loss(points) for points in climbs])
    fell = losses.amax(0) > 0
    assert int(fell.sum()) > 12
    assert torch.equal(loss(kept)[fell], losses.amax(0)[fell])
    assert bool((losses.amax(0) - losses.sort(0).values[-2] < 1 / 32)[fell].any())
