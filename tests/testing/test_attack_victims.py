"""The victims that attacks are tried on: closed forms against a solver, and what a target is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import linprog, minimize

from adversity.testing.inputs.images import scenes
from adversity.testing.kinds.attack.linear_victims import BOX_EPS, FREE_EPS, best_drop, linear_cases
from adversity.testing.kinds.attack.victims import (
    CLASSES,
    KitTarget,
    Sure,
    Unfeeling,
    found_state,
    log_odds,
    network,
)


def solved(direction: np.ndarray, image: np.ndarray, eps: float, norm: Any) -> float:
    """Return the largest drop by a linear program, or for l2 by sequential least squares."""
    if norm == "l2":
        ball = {"type": "ineq", "fun": lambda d: eps**2 - d @ d, "jac": lambda d: -2 * d}
        found = minimize(
            lambda d: direction @ d,
            np.zeros_like(image),
            jac=lambda _: direction,
            bounds=list(zip(-image, 1 - image, strict=True)),
            constraints=[ball],
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        )
        return -float(found.fun)
    if norm == "linf":
        bounds = list(zip(np.maximum(-image, -eps), np.minimum(1 - image, eps), strict=True))
        return -float(linprog(direction, bounds=bounds).fun)
    # d = up - down, both at least 0: their sum is the l1 norm.
    both = np.concatenate([direction, -direction])
    bounds = [(0, room) for room in (*(1 - image), *image)]
    found = linprog(both, A_ub=np.ones((1, both.size)), b_ub=[eps], bounds=bounds)
    return -float(found.fun)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("seed", range(4))
def test_closed_form_is_what_a_solver_finds(norm: Any, seed: int) -> None:
    """With values at the bounds and free ones. 1e-6: the solvers' own tolerance."""
    draw = np.random.default_rng(seed)
    image = draw.uniform(-0.3, 1.3, 12).clip(0, 1)
    direction = draw.normal(size=12)
    for eps in (0.05, 0.4, 1.5):
        expected = solved(direction, image, eps, norm)
        assert best_drop(direction, image, eps, norm) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("norm", "drop"), [("linf", 0.65), ("l2", 0.3774917), ("l1", 0.30)])
def test_golden_drop_without_the_box(norm: Any, drop: float) -> None:
    """w = (3, -2, 1, .5), eps = .1 around .5: eps times the dual norm, by hand."""
    direction = np.array([3.0, -2.0, 1.0, 0.5])
    assert best_drop(direction, np.full(4, 0.5), 0.1, norm) == pytest.approx(drop, abs=1e-7)


@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize(("norm", "dual"), [("linf", 1), ("l2", 2), ("l1", np.inf)])
def test_linear_victims_fall_at_their_optimum(norm: Any, dual: float, box: bool) -> None:
    """The right class leads by the drop less 1e-5, the others stay out of reach.

    Without the box the drop is eps times the dual norm; with it there must be less.
    """
    cases = list(linear_cases(norm, box=box))
    assert [case.classes for case in cases] == [2, 2, 4, 4]
    for case in cases:
        values = case.module(case.image)[0].double()
        assert int(values.argmax()) == case.own
        assert float(values[case.own] - values[case.rival]) == pytest.approx(case.best, rel=2e-5)
        rest = [k for k in range(case.classes) if k not in (case.own, case.rival)]
        assert all(float(values[case.own] - values[k]) > 20 for k in rest)
        free = case.eps * float(np.linalg.norm(case.direction, dual))
        assert case.best == pytest.approx(free) if not box else case.best < 0.99 * free
        assert case.eps == (BOX_EPS[norm] if box else FREE_EPS)


def test_share_of_the_optimum() -> None:
    """The clean image reaches nothing of it, the sign of the gradient all in linf."""
    case = next(linear_cases("linf", box=False))
    assert case.reached(case.image) == 0
    step = case.eps * torch.from_numpy(np.sign(case.direction)).view_as(case.image)
    assert case.reached(case.image - step) == pytest.approx(1, abs=1e-7)
    assert case.reached(case.image + step) == pytest.approx(-1, abs=1e-7)


def test_target_counts_and_keeps_rows() -> None:
    """Queries and gradients belong to samples, also through `rows`; K is the network's."""
    images = scenes(4, 3, 12, 12)
    target = KitTarget(network(3), "abcd")
    assert target.classes == CLASSES
    whole = target.logits(images)
    point = images[[2, 0]].requires_grad_()
    part = target.rows(torch.tensor([2, 0])).logits(point)
    torch.autograd.grad(part.sum(), point)
    assert torch.equal(whole[[2, 0]], part.detach())
    assert target.counts.queries[:4].tolist() == [2, 1, 2, 1]
    assert target.counts.gradients[:4].tolist() == [1, 0, 1, 0]
    assert target.rows([3]).ids == ("d",)


def test_answers_do_not_depend_on_the_batch() -> None:
    """Alone or among others, to the last bit: what differs is then the attack's doing."""
    images = scenes(5, 1, 11, 15)
    whole = KitTarget(network(1), "abcde").logits(images)
    for row in range(5):
        alone = KitTarget(network(1), "a").logits(images[row : row + 1])
        assert torch.equal(alone[0], whole[row])


def test_network_shows_every_trace_of_a_careless_attack() -> None:
    """One dropout is kept on, a part of the weights is frozen, and changes are seen."""
    net = network(3)
    assert {part.training for part in net.modules()} == {True, False}
    assert {weight.requires_grad for weight in net.parameters()} == {True, False}
    before = found_state(net)
    assert found_state(net) == before
    net.eval()
    net(scenes(2, 3, 12, 12)).sum().backward()
    after = found_state(net)
    assert {name for name in before if before[name] != after[name]} == {"mode", "gradients"}
    net.train()
    net(scenes(2, 3, 12, 12))
    assert found_state(net)["weights and buffers"] != before["weights and buffers"]


def test_making_a_network_leaves_the_global_generator() -> None:
    """Modules draw their first weights from it; the kit puts it back."""
    from adversity.testing.kinds.attack import victims

    victims._built.cache_clear()
    before = torch.get_rng_state()
    network(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_sure_victim_has_no_gradient_of_cross_entropy() -> None:
    """The premise of the check: in float32 it is exactly zero, that of the logits is not."""
    images = scenes(3, 3, 12, 12).requires_grad_()
    logits = Sure(network(3), own=1)(images)
    labels = torch.ones(3, dtype=torch.int64)
    loss = torch.nn.functional.cross_entropy(logits, labels)
    assert float(torch.autograd.grad(loss, images, retain_graph=True)[0].abs().max()) == 0
    assert float(torch.autograd.grad(logits[:, 1].sum(), images)[0].abs().max()) > 0


def test_unfeeling_victim_has_no_gradient_for_dark_images() -> None:
    """The premise of the check: zero for dark images, not for bright ones."""
    bright = scenes(2, 3, 12, 12)
    images = torch.cat([bright, 0.2 * bright]).requires_grad_()
    logits = Unfeeling(network(3))(images)
    (gradient,) = torch.autograd.grad(logits[:, 0].sum(), images)
    assert (gradient.flatten(1).abs().amax(1) > 0).tolist() == [True, True, False, False]


def test_log_odds_of_equal_logits() -> None:
    """Five equal logits: the odds against a class are four to one."""
    odds = log_odds(torch.zeros(1, 5), torch.tensor([2]))
    assert float(odds) == pytest.approx(np.log(4), abs=1e-12)
