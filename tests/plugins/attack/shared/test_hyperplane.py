"""The projection onto a hyperplane within the box, against solutions that we did not write.

linf and l1 are linear programs, solved by HiGHS; l2 has one multiplier, found by Brent's method.
Tolerances: 1e-7 relative is what HiGHS promises of a solution, 1e-12 what float64 rounding may
leave of the gap over a few values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, linprog, minimize

from adversity_plugins.attack._shared.hyperplane import to_hyperplane

if TYPE_CHECKING:
    from collections.abc import Callable

NORMS = ("linf", "l2", "l1")
ORDER = {"linf": np.inf, "l2": 2, "l1": 1}


def shortest(x: np.ndarray, w: np.ndarray, gap: float, norm: str) -> float:
    """Return the length of the shortest way that closes the gap inside the box."""
    size = len(x)
    if norm == "linf":
        eye, one = np.eye(size), np.ones((size, 1))
        found = linprog(
            np.r_[np.zeros(size), 1.0],
            A_ub=np.block([[eye, -one], [-eye, -one]]),
            b_ub=np.zeros(2 * size),
            A_eq=np.r_[w, 0.0][None],
            b_eq=[gap],
            bounds=[*zip(-x, 1 - x, strict=True), (0, None)],
        )
        return float(found.fun)
    if norm == "l1":
        found = linprog(
            np.ones(2 * size),
            A_eq=np.r_[w, -w][None],
            b_eq=[gap],
            bounds=[*((0, up) for up in 1 - x), *((0, down) for down in x)],
        )
        return float(found.fun)

    def way(m: float) -> np.ndarray:
        return np.clip(x + m * w, 0, 1) - x

    top = 1.0
    while abs(w @ way(np.sign(gap) * top)) < abs(gap):
        top *= 2
    m = brentq(lambda m: w @ way(m) - gap, -top, top, xtol=1e-15 * top, rtol=1e-15)
    return float(np.linalg.norm(way(m)))


def fault(project: Callable[..., torch.Tensor], seed: int, size: int, norm: str) -> str | None:
    """Return what is wrong with a projection of some random rows, or None."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-0.4, 1.4, (4, size)).clip(0, 1)
    w = rng.normal(size=(4, size)) * rng.integers(0, 2, size) * 10.0 ** rng.integers(-3, 4)
    # Rounded parts make ties, in the slopes and in the room.
    x[:2], w[:2] = x[:2].round(1), w[:2].round(1)
    corner = np.where(w > 0, 1 - x, -x)
    share = rng.uniform(-1.2, 1.2, 4)
    most = np.where(share > 0, (w * corner).sum(1), -(w * np.where(w > 0, -x, 1 - x)).sum(1))
    gaps = share * most
    found = project(*map(torch.from_numpy, (x, w, gaps)), norm=norm).numpy()
    for row in range(4):
        wrong = _fault_of(found[row], x[row], w[row], (gaps[row], share[row]), norm)
        if wrong:
            return wrong
    return None


def _fault_of(
    delta: np.ndarray, x: np.ndarray, w: np.ndarray, gap: tuple[float, float], norm: str
) -> str | None:
    level, share = gap
    if (x + delta < -1e-15).any() or (x + delta > 1 + 1e-15).any():
        return "outside the box"
    if (delta[w == 0] != 0).any():
        return "moves what the normal does not feel"
    if not w.any() or level == 0:
        return None if not delta.any() else "moves without need"
    reached, scale = float(w @ delta), float(np.abs(w).sum())
    if abs(share) > 1:
        far = level / share * np.sign(share)
        return None if abs(reached - far) <= 1e-12 * scale else f"no corner: {reached} of {far}"
    if abs(reached - level) > 1e-12 * scale:
        return f"misses the plane: {reached} of {level}"
    length, best = np.linalg.norm(delta, ORDER[norm]), shortest(x, w, level, norm)
    return None if abs(length - best) <= 1e-7 * max(best, 1e-3) else f"long: {length} > {best}"


@pytest.mark.parametrize("norm", NORMS)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_it_is_the_exact_solution(norm: str, seed: int, size: int) -> None:
    """It closes the gap inside the box on the shortest way, or goes to the nearest corner."""
    assert fault(to_hyperplane, seed, size, norm) is None


def unboxed(x: Any, w: Any, gaps: Any, *, norm: str) -> torch.Tensor:
    """Project as if there were no box: the closed form of the dual norm."""
    if norm == "linf":
        return gaps[:, None] * w.sign() / w.abs().sum(1, keepdim=True).clamp_min(1e-300)
    if norm == "l2":
        return gaps[:, None] * w / w.square().sum(1, keepdim=True).clamp_min(1e-300)
    steep = w.abs().argmax(1, keepdim=True)
    part = gaps[:, None] / w.gather(1, steep)
    return torch.zeros_like(w).scatter(1, steep, part.nan_to_num(0, 0, 0))


def clipped(x: Any, w: Any, gaps: Any, *, norm: str) -> torch.Tensor:
    """Project without the box and cut afterwards: it stops short of the plane."""
    return (x + unboxed(x, w, gaps, norm=norm)).clamp(0, 1) - x


def other_norm(x: Any, w: Any, gaps: Any, *, norm: str) -> torch.Tensor:
    """Close the gap inside the box, but on the shortest way in another norm."""
    wrong: Any = {"linf": "l2", "l2": "l1", "l1": "linf"}[norm]
    return to_hyperplane(x, w, gaps, norm=wrong)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("twin", [unboxed, clipped, other_norm])
def test_broken_twins_are_caught(norm: str, twin: Callable[..., torch.Tensor]) -> None:
    """A projection that forgets the box, cuts afterwards or measures otherwise fails the oracle."""
    assert any(fault(twin, seed, 6, norm) for seed in range(5))


@pytest.mark.parametrize("seed", range(3))
def test_l2_is_what_a_quadratic_program_finds(seed: int) -> None:
    """SLSQP finds the same way, to the 1e-5 that it is precise."""
    rng = np.random.default_rng(seed)
    x, w = rng.uniform(0, 1, 6), rng.normal(size=6)
    gap = 0.7 * float(np.where(w > 0, w * (1 - x), -w * x).sum())
    found = minimize(
        lambda d: d @ d,
        np.zeros(6),
        jac=lambda d: 2 * d,
        bounds=list(zip(-x, 1 - x, strict=True)),
        constraints={"type": "eq", "fun": lambda d: w @ d - gap, "jac": lambda d: w},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    ours = to_hyperplane(
        torch.from_numpy(x)[None],
        torch.from_numpy(w)[None],
        torch.tensor([gap]),
        norm="l2",
    )
    assert np.abs(ours[0].numpy() - found.x).max() < 1e-5


@pytest.mark.parametrize(
    ("norm", "expected"), [("linf", 0.1), ("l2", 0.6 / 14.25**0.5), ("l1", 0.2)]
)
def test_away_from_the_box_it_is_the_dual_norm(norm: Any, expected: float) -> None:
    """w = (3, -2, 1, .5): a gap of .65, .6 and .6 is as far as the gap over |w|_q."""
    w = torch.tensor([[3.0, -2.0, 1.0, 0.5]]).double()
    gap = torch.tensor([0.65 if norm == "linf" else 0.6], dtype=torch.float64)
    delta = to_hyperplane(torch.full((1, 4), 0.5).double(), w, gap, norm=norm)
    assert float(np.linalg.norm(delta.numpy()[0], ORDER[norm])) == pytest.approx(
        expected, rel=1e-12
    )


@pytest.mark.parametrize("norm", NORMS)
def test_slopes_of_any_size_do_no_harm(norm: Any) -> None:
    """Slopes of 1e-200 and 1e+200 are projected as exactly as those of 1."""
    rng = np.random.default_rng(3)
    x = torch.from_numpy(rng.uniform(0, 1, (1, 8)))
    w = torch.from_numpy(rng.normal(size=(1, 8)))
    gap = torch.tensor([0.5], dtype=torch.float64)
    plain = to_hyperplane(x, w, gap, norm=norm)
    for scale in (1e-200, 1e200):
        again = to_hyperplane(x, scale * w, scale * gap, norm=norm)
        assert float((again - plain).abs().max()) < 1e-12


@pytest.mark.parametrize("norm", NORMS)
def test_a_row_is_the_same_bits_alone(norm: Any) -> None:
    """Neither the number of rows, nor their order, nor a transposed layout moves a bit."""
    rng = np.random.default_rng(4)
    x = torch.from_numpy(rng.uniform(-0.3, 1.3, (33, 3 * 17 * 17)).clip(0, 1))
    w, gaps = torch.from_numpy(rng.normal(size=x.shape)), torch.from_numpy(rng.normal(size=33) * 40)
    whole = to_hyperplane(x, w, gaps, norm=norm)
    order = torch.randperm(33, generator=torch.Generator().manual_seed(0))
    assert torch.equal(to_hyperplane(x[order], w[order], gaps[order], norm=norm), whole[order])
    for row in range(0, 33, 8):
        one = slice(row, row + 1)
        assert torch.equal(to_hyperplane(x[one], w[one], gaps[one], norm=norm), whole[one])
    turned = w.T.contiguous().T
    assert torch.equal(to_hyperplane(x, turned, gaps, norm=norm), whole)
