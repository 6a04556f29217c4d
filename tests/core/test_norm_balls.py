"""Norm balls: how they are measured, what they admit, and what has their sizes but is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from adversity import NearestFailure, Norm, NormBall


@pytest.mark.parametrize(("norm", "order"), [("linf", np.inf), ("l2", 2), ("l1", 1)])
def test_norms_are_measured_in_float64(norm: Norm, order: float) -> None:
    """NumPy's norms of the float64 difference; the whole space is the distance of black to white."""
    draw = np.random.default_rng(0)
    first, second = (draw.random((3, 2, 4, 5)).astype(np.float32) for _ in range(2))
    ball = NormBall(norm=norm, eps=0.1)
    sizes = ball.measure(torch.from_numpy(first), torch.from_numpy(second))
    rows = (first.astype(np.float64) - second.astype(np.float64)).reshape(3, -1)
    # 1e-12: sums of 40 float64 terms in another order.
    assert sizes.tolist() == pytest.approx(np.linalg.norm(rows, order, axis=1), rel=1e-12)
    assert ball.whole_space((2, 4, 5)) == pytest.approx(np.linalg.norm(np.ones(40), order))


def test_a_ball_admits_what_rounding_may_add_and_no_more() -> None:
    """A millionth more in each norm; in linf half a spacing of float32 as well, 2 to the -25."""
    for norm, slack in (("l2", 1e-6), ("l1", 1e-6), ("linf", 1e-6 + 2.0**-25)):
        ball = NormBall(norm=norm, eps=1.0)  # type: ignore[arg-type]
        inside = ball.admits(np.array([1 + 0.99 * slack, 1 + 1.01 * slack]))
        assert inside.tolist() == [True, False]
    assert NearestFailure(norm="l2").admits(torch.tensor([1e9])).all()


@dataclass(frozen=True, kw_only=True)
class CornerBall(NormBall):
    """A ball in one corner of the image alone."""

    word = "corner_ball"

    corner: str = "left"


@dataclass(frozen=True, kw_only=True)
class CornerFailure(NearestFailure):
    """The nearest failure in one corner of the image."""

    word = "corner_failure"

    corner: str = "left"


@pytest.mark.parametrize("cls", [CornerBall, CornerFailure])
def test_a_part_of_a_ball_is_compared_with_no_ball(cls: type[NormBall]) -> None:
    """It has the same sizes and allows less, so that what a ball holds says nothing of it."""
    part, ball = cls(norm="l2", eps=0.5), NormBall(norm="l2", eps=0.5)
    assert not ball.no_larger(part)
    assert not part.no_larger(ball)
    assert part.no_larger(cls(norm="l2", eps=0.6))
    assert not part.no_larger(cls(norm="l2", eps=0.6, corner="right"))  # type: ignore[call-arg]
    assert part.in_norm is part.as_json()["norm"] is None
    assert (part.knows_space, ball.knows_space, NearestFailure.knows_space) == (False, True, True)
