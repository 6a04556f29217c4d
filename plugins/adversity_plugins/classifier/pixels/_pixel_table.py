"""Images as a table of pixels, and scores as float32 that decide as float64 does."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from adversity.contracts.values import FitData

__all__ = ["converged", "gather", "one_thread", "rounded", "seed_of", "unequal"]

_SHOWN = 5


def gather(
    data: FitData, label: str
) -> tuple[
    np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any] | None, tuple[int, ...]
]:
    """Collect the stream as a table.

    Args:
        data: Labelled images.
        label: What messages call the plugin.

    Returns:
        Pixels `[N, D]` float32, labels `[N]` int64, weights `[N]` float64 if there are any, and the
        images' (C, H, W).

    Raises:
        DataError: If labels or images are missing, sizes differ, values are not finite, or a
            class has no image.
    """
    images: list[Tensor] = []
    targets: list[Tensor] = []
    weights: list[Tensor] = []
    for block in data:
        if block.images is None or block.targets is None:
            raise DataError(f"fitting {label} needs labelled images; fit it on a data set")
        images.append(block.images)
        targets.append(block.targets)
        weights += [] if block.weights is None else [block.weights]
    shapes = sorted({tuple(block.shape[1:]) for block in images})
    if len(shapes) != 1:
        raise DataError(
            f"fitting {label} needs images of one size, got (C, H, W) in {shapes[:_SHOWN]}; give "
            "the data set `prepare: {resize_short: 32, centre_crop: 32}`"
        )
    labels = torch.cat(targets).cpu().numpy().astype(np.int64)
    _all_classes(labels, tuple(data.class_names), label)
    pixels = torch.cat(images).cpu().flatten(1).numpy().astype(np.float32)
    if not np.isfinite(pixels).all():
        raise DataError(f"fitting {label} needs finite pixels, got NaN or infinity")
    counts = torch.cat(weights).cpu().numpy() if weights else None
    return np.ascontiguousarray(pixels), labels, counts, shapes[0]


def _all_classes(labels: np.ndarray[Any, Any], names: tuple[str, ...], label: str) -> None:
    """Refuse labels among which a class is missing: nothing could be said of it."""
    if len(names) < 2 or labels.min() < 0 or labels.max() >= len(names):
        raise DataError(
            f"fitting {label} needs labels of at least two classes, got labels "
            f"{labels.min()} .. {labels.max()} of {len(names)} class(es); check the labels of the "
            "training set, or name another one in fit_on:"
        )
    missing = sorted(set(range(len(names))) - set(labels.tolist()))
    if missing:
        listed = ", ".join(names[k] for k in missing[:_SHOWN])
        raise DataError(
            f"fitting {label} needs an image of each of {len(names)} classes, got none of {listed} "
            f"among {len(labels)}; take more samples, or a data set with fewer classes"
        )


def seed_of(rng: np.random.Generator) -> int:
    """Draw a seed for scikit-learn."""
    return int(rng.integers(2**31))


def unequal(counts: np.ndarray[Any, Any] | None) -> np.ndarray[Any, Any] | None:
    """Return weights, or None where all are one: to a tree shares count, and a forest's draws differ.

    Sums of equal weights are rounded otherwise than counts, and ties of splits broken otherwise.
    """
    return None if counts is None or (counts == counts[0]).all() else counts


@contextmanager
def one_thread() -> Iterator[None]:
    """Sum in one order: a linear algebra library's sums depend on its number of threads."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):
        yield


@contextmanager
def converged(label: str, iterations: int) -> Iterator[None]:
    """Turn a fit that was cut short into an error: it would be another model.

    Args:
        label: What the message calls the plugin.
        iterations: How many it was given.

    Raises:
        DataError: If scikit-learn says that it did not converge.
    """
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            yield
    except ConvergenceWarning as error:
        first = str(error).split("\n", 1)[0]
        raise DataError(
            f"fitting {label} did not converge in {iterations} iterations ({first}); choose a "
            "larger `max_iter`, or a smaller `c`"
        ) from error


def rounded(values: Tensor, scores: Tensor) -> Tensor:
    """Round to float32 so that the same class wins as in float64.

    Two scores that are closer than float32 can tell would become equal, and the first would
    win; the winner of float64 is then raised to the next float32.

    Args:
        values: `[N, K]` float64, what is returned.
        scores: `[N, K]` float64, whose first maximum wins.

    Returns:
        `[N, K]` float32 with the gradient of `values`.

    Example:
        >>> import torch
        >>> close = torch.tensor([[1.0, 1.0 + 1e-12]], dtype=torch.float64)
        >>> int(close.float().argmax(1)), int(rounded(close, close).argmax(1))
        (0, 1)
    """
    narrow = values.float()
    winner = scores.detach().argmax(1, keepdim=True)
    fixed = narrow.detach()
    wrong = fixed.argmax(1, keepdim=True) != winner
    if not bool(wrong.any()):
        return narrow
    top = fixed.amax(1, keepdim=True)
    higher = torch.nextafter(top, torch.full_like(top, torch.inf))
    lift = torch.where(wrong, higher - fixed.gather(1, winner), torch.zeros_like(top))
    return narrow.scatter_add(1, winner, lift)
