"""The curvature of a last layer's loss, and the prior that makes the images likeliest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from adversity import State
from adversity.errors import DataError, InputError
from adversity_plugins.classifier.network._laplace_gaussian import gaussian_of, with_one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from adversity import FitData
    from adversity_plugins.classifier.network.laplace import Laplace

__all__ = ["fitted"]

Array = np.ndarray[Any, np.dtype[np.float64]]
VALIDATE = "validate"

_MOST_WEIGHTS = 8000
"""Of a full matrix: 0.5 GiB, and minutes for its eigenvalues."""
_LINEAR = 1e-3
"""By how much a logit may differ from a linear function of the features, as a share of the standard
deviation of all: float32 is off by 1e-6, a layer that is not linear by far more."""
_FURTHEST = math.log(1e6)
_PLACES = 29


def fitted(given: Laplace, data: FitData, rng: np.random.Generator) -> State:
    """Return what `laplace` learns."""
    layer: Tensor | None = None
    sums: list[Tensor] = []
    count, rows = 0.0, 0
    for features, logits, weights in _rows(given, data):
        if layer is None:
            layer = _layer(given, features, logits)
            _require_few(given, layer)
        parts = _curvature(given.curvature, with_one(features), logits.softmax(1), weights)
        sums = [*map(torch.add, sums, parts)] if sums else parts
        count, rows = count + float(weights.sum()), rows + len(features)
    if layer is None:
        raise DataError("laplace expects images to fit on, got none")
    arrays, values = _eigen(sums, count)
    square = float(layer.square().sum())

    def evidence(log_precision: float) -> float:
        return _evidence(values, square, log_precision)

    arrays["layer"] = layer.numpy()
    arrays["noise"] = rng.standard_normal(
        (given.draws if given.predictive == "draws" else 1, layer.shape[1])
    )
    if given.prior_precision is not None:
        precision, note = given.prior_precision, ""
    elif VALIDATE in data.sources:
        precision, note = _best(_held_out_loss(given, data, arrays))
    else:
        precision, note = _best(lambda log_precision: -evidence(log_precision))
    info = {
        "n": rows,
        "weights": layer.numel(),
        "prior_precision": precision,
        "log_evidence": evidence(math.log(precision)),
        "note": note,
    }
    return State({**arrays, "precision": np.array([precision])}, info)


def _curvature(curvature: str, features: Tensor, probs: Tensor, weights: Tensor) -> list[Tensor]:
    """Return the curvature of the summed loss of some rows, `[P, P]`, or its two sums of factors."""
    spread = torch.diag_embed(probs) - probs[:, :, None] * probs[:, None]
    spread = weights[:, None, None] * spread
    if curvature == "kronecker":
        return [(features.T * weights) @ features, spread.sum(0)]
    size = features.shape[1] * probs.shape[1]
    return [torch.einsum("ni,nj,nkl->ikjl", features, features, spread).reshape(size, size)]


def _eigen(sums: list[Tensor], count: float) -> tuple[dict[str, Array], Tensor]:
    """Return eigenvalues and bases, and all eigenvalues of the curvature, none below 0."""
    if len(sums) == 1:
        values, basis = torch.linalg.eigh(sums[0])
        values = values.clamp_min(0)  # a sum of squares: below 0 by rounding alone
        return {"values": values.numpy(), "basis": basis.numpy()}, values
    factor_in, factor_out = sums
    (values_in, basis_in), (values_out, basis_out) = (
        torch.linalg.eigh(factor) for factor in (factor_in, factor_out / count)
    )
    values_in, values_out = values_in.clamp_min(0), values_out.clamp_min(0)
    arrays = {
        "values_in": values_in.numpy(),
        "basis_in": basis_in.numpy(),
        "values_out": values_out.numpy(),
        "basis_out": basis_out.numpy(),
    }
    return arrays, (values_in[:, None] * values_out).reshape(-1)


def _evidence(values: Tensor, square: float, log_precision: float) -> float:
    """Return log p(images) but for the likelihood itself, which no prior changes.

    It is (P log d - d |w|^2 - log det(H + d)) / 2 for eigenvalues of H and the sum of squares |w|^2.
    """
    d = math.exp(log_precision)
    return -(d * square + float((values / d).log1p().sum())) / 2


def _held_out_loss(given: Laplace, data: FitData, arrays: dict[str, Array]) -> Callable[..., float]:
    """Return the loss of held-out labels under a precision of the prior, in nats.

    Raises:
        DataError: The labels are of other classes than the network's.
    """
    held, classes = data.sources[VALIDATE], given.network.class_names
    if tuple(held.class_names) != tuple(classes):
        raise DataError(
            f"laplace expects validate: with the classes of the network, {', '.join(classes[:8])}, "
            f"got {', '.join(held.class_names[:8])}: drop it, and give prior_precision"
        )
    features = torch.cat([each for each, _, _ in _rows(given, held)])
    targets = torch.cat([block.targets.cpu() for block in held if block.targets is not None])

    def loss(log_precision: float) -> float:
        state = State({**arrays, "precision": np.array([math.exp(log_precision)])})
        gaussian = gaussian_of(state, given.curvature, len(classes))
        probs = gaussian.probs(features, given.predictive)
        truth = probs.gather(1, targets[:, None]).clamp_min(torch.finfo(probs.dtype).tiny)
        return -float(truth.log().mean())

    return loss


def _best(loss: Callable[[float], float]) -> tuple[float, str]:
    """Return the precision of the least loss, and what must be said of it.

    The best of a grid stands beside the best of all, unless there are several valleys.
    """
    places = np.linspace(-_FURTHEST, _FURTHEST, _PLACES)
    losses = [loss(float(place)) for place in places]
    best = int(np.argmin(losses))
    if best in (0, _PLACES - 1):
        d = math.exp(float(places[best]))
        return d, f"the best prior_precision is {d:g}, or beyond: choose one"
    bounds = (float(places[best - 1]), float(places[best + 1]))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return math.exp(float(found.x)), ""


def _rows(given: Laplace, data: FitData) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield features `[N, D]`, logits `[N, K]` and weights `[N]` of each block, float64.

    Raises:
        DataError: There are no images.
        InputError: The network has no features, or gives no logits.
    """
    network = given.network
    if network.plugin.gives != "logits":
        raise InputError(
            f"laplace expects a network that gives logits, {network.label} gives "
            f"{network.plugin.gives}: use one that ends in a linear layer"
        )
    for block in data:
        if block.images is None:
            raise DataError("laplace expects images to fit on, got none: fit it on a data set")
        with torch.no_grad():
            features = network.features(block.images)
            if features is None:
                raise InputError(
                    f"laplace expects a network with features, {network.label} offers none: use one "
                    "that ends in a linear layer"
                )
            logits = network.head(features)
        ones = torch.ones(len(features), dtype=torch.float64)
        weights = ones if block.weights is None else block.weights.cpu().double()
        yield features.cpu().double(), logits.cpu().double(), weights


def _layer(given: Laplace, features: Tensor, logits: Tensor) -> Tensor:
    """Return the weights of the last layer `[D + 1, K]`, the biases last.

    Raises:
        InputError: It is not linear.
    """
    width, network = features.shape[1], given.network
    device = given._device
    with torch.no_grad():
        bias = network.head(torch.zeros(1, width, device=device)).cpu().double()
        weight = network.head(torch.eye(width, device=device)).cpu().double() - bias
    off = float((features @ weight + bias - logits).abs().max())
    spread = float(logits.std(correction=0))
    if off > _LINEAR * spread:
        raise InputError(
            f"laplace expects logits that a linear last layer makes of the features, those of "
            f"{network.label} are up to {off:.3g} off, where all vary by {spread:.3g}: use a network "
            "that ends in a linear layer"
        )
    return torch.cat([weight, bias])


def _require_few(given: Laplace, layer: Tensor) -> None:
    """Refuse a full matrix of too many weights.

    Raises:
        InputError: With what to do.
    """
    if given.curvature == "full" and layer.numel() > _MOST_WEIGHTS:
        raise InputError(
            f"laplace expects at most {_MOST_WEIGHTS} weights for curvature: full, the last layer of "
            f"{given.network.label} has {layer.numel()}: take curvature: kronecker"
        )
