"""A mixture of Gaussians of mean 0: fitted by expectation and maximisation, and as a prior."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Mixture", "expected", "fitted", "likelihoods", "maximised", "seeded"]

RIDGE = 1e-6
"""What is added to each variance, for values in [0, 1]: a quarter of a step of 8 bits, squared."""
_SHARE = 1e-5
"""Patches that a component has less of than this say nothing of its covariance."""
_BLOCK = 64
"""So many rows at once: what they are turned to stays in the processor's cache."""
_SEEDED = 1e-2
"""What a component begins with of the covariance of all."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """K Gaussians of mean 0 in d dimensions.

    Attributes:
        weights: `[K]`, sum 1.
        covariances: `[K, d, d]` float64.
    """

    weights: Tensor
    covariances: Tensor


def seeded(rows: Tensor, count: int, draw: torch.Generator) -> Mixture:
    """Return a mixture to begin with: rows parted by which of `count` drawn ones they lie along.

    Args:
        rows: `[P, d]`, at least `count`.
        count: K.
        draw: Draws rows.
    """
    total = _covariance(rows)
    seeds = rows[torch.randperm(len(rows), generator=draw)[:count]]
    lengths = seeds.norm(dim=1, keepdim=True)
    nearest = (rows @ (seeds / torch.where(lengths > 0, lengths, 1)).T).abs().argmax(1)
    counts = torch.bincount(nearest, minlength=count).double() + 1
    covariances = torch.stack(
        [_covariance(rows[nearest == k]) + _SEEDED * total for k in range(count)]
    )
    return Mixture(counts / counts.sum(), covariances)


def _covariance(rows: Tensor) -> Tensor:
    return ((rows.T @ rows) / max(1, len(rows))).double()


def fitted(rows: Tensor, mixture: Mixture, rounds: int) -> Mixture:
    """Return the mixture after so many turns of expectation and maximisation.

    Reference: Dempster, Laird, Rubin, "Maximum likelihood from incomplete data via the EM
    algorithm", 1977.
    """
    for _ in range(rounds):
        mixture = maximised(rows, expected(rows, mixture)[0], mixture)
    return mixture


def expected(rows: Tensor, mixture: Mixture) -> tuple[Tensor, float]:
    """Return what share of each row each component has, `[P, K]`, and the mean log likelihood."""
    joint = likelihoods(rows, mixture, RIDGE)
    total = torch.logsumexp(joint, 1, keepdim=True)
    return (joint - total).exp(), float(total.double().mean())


def maximised(rows: Tensor, shares: Tensor, before: Mixture) -> Mixture:
    """Return weights and covariances of the rows; a component that has none keeps its own."""
    counts = shares.double().sum(0)
    covariances = []
    for k, count in enumerate(counts.tolist()):
        own = torch.nonzero(shares[:, k] > _SHARE).flatten()
        if count < 1 or not len(own):
            covariances.append(before.covariances[k])
            continue
        some = rows[own]
        covariances.append(((some * shares[own, k, None]).T @ some).double() / count)
    weights = counts.clamp(min=1)
    return Mixture(weights / weights.sum(), torch.stack(covariances))


def likelihoods(rows: Tensor, mixture: Mixture, variance: float) -> Tensor:
    """Return log(weight) + log density of rows `[P, d]`, `[P, K]`.

    Args:
        rows: `[P, d]`.
        mixture: K components.
        variance: What is added to each component's variances: of noise, or of rounding.
    """
    values, vectors = torch.linalg.eigh(mixture.covariances)
    spread = values.clamp(min=0) + variance
    turned = (vectors / spread.sqrt()[:, None]).to(rows)
    size = rows.shape[1] * math.log(2 * math.pi)
    constant = mixture.weights.log() - 0.5 * (spread.log().sum(1) + size)
    apart = turned.permute(1, 0, 2).flatten(1)
    parts = [
        (some @ apart).square_().reshape(len(some), *turned.shape[:2]).sum(2)
        for some in torch.split(rows, _BLOCK)
    ]
    joint: Tensor = constant.to(rows) - 0.5 * torch.cat(parts)
    return joint
