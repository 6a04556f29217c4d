"""Adam, row by row: every sample has its own moments and may leave at any time.

Reference: Kingma, Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.
"""

from __future__ import annotations

import torch

__all__ = ["Adam"]

_FIRST, _SECOND = 0.9, 0.999
_TINY = 1e-8


class Adam:
    """The moments of N rows that began together.

    Example:
        >>> import torch
        >>> point = torch.zeros(1, 2, dtype=torch.float64)
        >>> Adam(point, 0.1).step(point, torch.tensor([[3.0, -0.2]]).double())
        tensor([[-0.1000,  0.1000]], dtype=torch.float64)
    """

    def __init__(self, like: torch.Tensor, learning_rate: float) -> None:
        """Begin with moments of zero.

        Args:
            like: `[N, D]`, the points that will be moved.
            learning_rate: About the length of a first step, in every value.
        """
        self._first, self._second = torch.zeros_like(like), torch.zeros_like(like)
        self._rate, self._steps = learning_rate, 0

    def step(self, point: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """Return the points `[N, D]` after a step against their gradients.

        Args:
            point: `[N, D]`.
            gradient: `[N, D]` of a loss to be lowered.
        """
        self._steps += 1
        self._first = _FIRST * self._first + (1 - _FIRST) * gradient
        self._second = _SECOND * self._second + (1 - _SECOND) * gradient.square()
        first = self._first / (1 - _FIRST**self._steps)
        second = self._second / (1 - _SECOND**self._steps)
        return point - self._rate * first / (second.sqrt() + _TINY)

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with some rows only: the others leave."""
        self._first, self._second = self._first[rows], self._second[rows]
