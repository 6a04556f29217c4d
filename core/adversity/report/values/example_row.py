"""The images that a report shows: a sample on its way through the pipeline, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from adversity.report.values.paired import CellValues

__all__ = ["ImageRow", "ShownImage"]


@dataclass(frozen=True, slots=True)
class ShownImage:
    """One image of a row.

    Attributes:
        role: `clean`, `degraded`, `restored`, `adversarial`, or `adversarial, restored` (what the
            classifier saw of it).
        step: The step (or data set) that made it.
        image: `[H, W, 3]` or `[H, W]` float32 in [0, 1], the exact values, not a display copy.
        prediction: The class name predicted for it, or the numbers estimated, in words; None where
            nothing answered.
        confidence: The top probability, 0 to 1.
        state: `right`, `wrong`, `flipped` (right before, wrong now), `recovered` (wrong before,
            right now), `newly_broken` (right before restoration, wrong after); of numbers, whether
            the target is `inside` their interval or `outside`; or None.
        psnr_db: Against the clean image, where there is one of the same size.
    """

    role: str
    step: str
    image: np.ndarray[Any, Any]
    prediction: str | None = None
    confidence: float | None = None
    state: str | None = None
    psnr_db: float | None = None


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One sample on its way through the pipeline.

    Attributes:
        id: The sample's id.
        label: Its true class name, or its numbers in words.
        cell: Which cell of the matrix.
        stratum: Why it was chosen: `flipped by the attack`, `recovered by restoration`,
            `newly broken by restoration`, `unchanged`; of numbers `among the largest tenth of
            errors`, `brought nearer by restoration`, `taken further by restoration`, `other errors`.
        images: In the order of the path.
        perturbation: `[H, W, C]` float32, adversarial minus what the attack started from.
        norm, eps: The attack's budget.
        sizes: Norms of the perturbation: `{"linf": ..., "l2": ...}` on the [0, 1] scale.
    """

    id: str
    label: str
    cell: CellValues
    stratum: str
    images: tuple[ShownImage, ...]
    perturbation: np.ndarray[Any, Any] | None = None
    norm: str | None = None
    eps: float | None = None
    sizes: Mapping[str, float] = field(default_factory=dict)
