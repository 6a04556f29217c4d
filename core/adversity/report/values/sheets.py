"""One sample through everything, as values: a row for each step, an image for each of its cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from adversity.report.values.paired import CellValues

__all__ = ["Seen", "Sheet", "SheetRow"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One image of a sheet, and what was answered to it.

    Attributes:
        cell: Of the step that made it.
        role: `clean`, `degraded`, `restored` or `adversarial`.
        image: `[H, W, 3]` or `[H, W, C]` float32 in [0, 1], the exact values.
        prediction: The class name that the first classifier of these images gave; None where none
            did.
        confidence: Its top probability; None where it answered in several cells.
        state: `right`, `wrong`, `flipped`, `recovered` or `newly_broken`, against the images it was
            made from; None where nothing answered, or cells of the answer do not agree.
        right, answers: In how many cells of the answer it is right, of how many (seeds, say).
    """

    cell: CellValues
    role: str
    image: np.ndarray[Any, Any]
    prediction: str | None = None
    confidence: float | None = None
    state: str | None = None
    right: int = 0
    answers: int = 0


@dataclass(frozen=True, slots=True)
class SheetRow:
    """What one step, or the data set itself, made of a sample, and how many cells are left out."""

    step: str
    seen: tuple[Seen, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sample of a data set through all steps that make images, in the file's order."""

    data: str
    id: str
    label: str
    rows: tuple[SheetRow, ...]
