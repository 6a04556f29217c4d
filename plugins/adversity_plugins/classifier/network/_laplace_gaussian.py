"""A Gaussian over the weights of a linear layer, and what it says of features; needs torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from adversity.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from adversity import State

__all__ = ["FULL", "KRONECKER", "Gaussian", "gaussian_of", "with_one"]

KRONECKER = ("values_in", "basis_in", "values_out", "basis_out")
FULL = ("values", "basis")


def with_one(features: Tensor) -> Tensor:
    """Return features with one more, 1, whose weight is the bias."""
    return torch.cat([features, features.new_ones(len(features), 1)], 1)


@dataclass(frozen=True, slots=True)
class Gaussian:
    """What the weights of a last layer may be.

    Attributes:
        layer: `[D + 1, K]` float64, the weights about which it lies, the biases last.
        covariance: From features `[N, D]` float64 to the covariance of their logits `[N, K, K]`.
        noise: `[S, K]` normal numbers.
    """

    layer: Tensor
    covariance: Callable[[Tensor], Tensor]
    noise: Tensor

    def probs(self, features: Tensor, predictive: str) -> Tensor:
        """Return the mean softmax `[N, K]` of the logits of features `[N, D]`, all float64."""
        covariance = self.covariance(features)
        mean = with_one(features) @ self.layer.to(features.device)
        if predictive == "probit":
            variance = covariance.diagonal(dim1=1, dim2=2)
            return (mean / (1 + math.pi / 8 * variance).sqrt()).softmax(1)
        root = torch.linalg.cholesky(covariance)
        drawn = torch.einsum("nkl,sl->snk", root, self.noise.to(mean.device)) + mean
        return drawn.softmax(2).mean(0)


def gaussian_of(state: State, structure: str, classes: int) -> Gaussian:
    """Return the Gaussian that a fit found.

    Raises:
        WeightsError: It is of another structure, or of other sizes.
    """
    names = KRONECKER if structure == "kronecker" else FULL
    try:
        parts = [torch.from_numpy(state.arrays[name].copy()) for name in names]
        layer, noise = (torch.from_numpy(state.arrays[n].copy()) for n in ("layer", "noise"))
        precision = float(state.arrays["precision"][0])
        found = (_kronecker if structure == "kronecker" else _full)(parts, precision, classes)
        if any(part.ndim != 2 or part.shape[1] != classes for part in (layer, noise)):
            raise ValueError(f"layer {list(layer.shape)} and noise {list(noise.shape)}")
    except (KeyError, IndexError, ValueError) as error:
        raise WeightsError(
            f"laplace expects a stored Gaussian ({structure}) of the last layer of a network with "
            f"{classes} classes, got another ({error}): run the step that fits it again"
        ) from error
    return Gaussian(layer, found, noise)


def _kronecker(parts: list[Tensor], precision: float, classes: int) -> Callable[[Tensor], Tensor]:
    """Return the covariance of logits where the precision of weights is A x B + precision."""
    values_in, basis_in, values_out, basis_out = parts
    _require_basis(values_in, basis_in, len(values_in))
    _require_basis(values_out, basis_out, classes)
    inverse = 1 / (values_in[:, None] * values_out[None, :] + precision)

    def covariance(features: Tensor) -> Tensor:
        where = features.device
        squares = (_fitting(features, len(values_in)) @ basis_in.to(where)).square()
        spread, out = squares @ inverse.to(where), basis_out.to(where)
        return torch.einsum("ki,ni,li->nkl", out, spread, out)

    return covariance


def _full(parts: list[Tensor], precision: float, classes: int) -> Callable[[Tensor], Tensor]:
    """Return the same where the precision of weights is a matrix + precision."""
    values, basis = parts
    _require_basis(values, basis, len(values))
    width = len(values) // classes
    if width * classes != len(values):
        raise ValueError(f"{len(values)} weights of {classes} classes")
    roots = (basis / (values + precision).sqrt()).view(width, classes, -1)

    def covariance(features: Tensor) -> Tensor:
        given = _fitting(features, width)
        # One image at a time: all at once would take N K (D K) numbers.
        return torch.stack(
            [_square(torch.tensordot(row, roots.to(row.device), 1)) for row in given]
        )

    return covariance


def _square(factor: Tensor) -> Tensor:
    return factor @ factor.T


def _fitting(features: Tensor, width: int) -> Tensor:
    """Return features with a 1, once it is known that they are as many as were fitted."""
    if features.shape[1] + 1 != width:
        raise WeightsError(
            f"laplace was fitted on {width - 1} features, got {features.shape[1]}: run the step that "
            "fits it again"
        )
    return with_one(features)


def _require_basis(values: Any, basis: Any, size: int) -> None:
    if tuple(values.shape) != (size,) or tuple(basis.shape) != (size, size):
        raise ValueError(f"values {list(values.shape)} and basis {list(basis.shape)}")
