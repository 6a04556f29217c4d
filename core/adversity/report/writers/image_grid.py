"""Display copies of images and perturbations for the page; never evidence.

Numbers are computed from the exact arrays in the model. Every image is encoded anew, so
that nothing of a source file (EXIF, profiles) travels into the report.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import platform
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from adversity.report.charts.drawings import UNKEPT
from adversity.report.words.wording import TIMES, cell_text, eps_text, number, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from PIL.Image import Image as Copy

    from adversity.report.charts.drawings import Drawings
    from adversity.report.values.model import ImageRow, ShownImage

__all__ = ["STATES", "GridRow", "Tile", "amplification", "encoded", "grid", "side_by_side"]

Made = TypeVar("Made")

SMALL = 64
"""Sources up to this many pixels are stored without loss and enlarged in whole steps."""
_SHOWN = 192
_QUALITY = 80
_MOST_THREADS = 4
"""Each holds an image as float64."""
STATES = {
    "right": ("✓", "right"),
    "wrong": ("✗", "wrong"),
    "flipped": ("✗", "flipped"),
    "recovered": ("↺", "recovered"),
    "newly_broken": ("!", "newly broken"),
    "inside": ("✓", "target inside 90 %"),
    "outside": ("✗", "target outside 90 %"),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """One image in the page.

    Attributes:
        role, step: As in the model; `perturbation` for the amplified difference.
        source: A `data:` URI.
        width, height: Display size in CSS pixels.
        pixelated: The source is small and shown in whole steps.
        alt: What the image shows and found.
        lines: The caption.
        state: Of the prediction, empty if none.
        mark: Sign and word of the state.
    """

    role: str
    step: str
    source: str
    width: int
    height: int
    pixelated: bool
    alt: str
    lines: tuple[str, ...]
    state: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class GridRow:
    """One sample in the page."""

    anchor: str
    id: str
    label: str
    cell: str
    stratum: str
    tiles: tuple[Tile, ...]


def amplification(rows: Sequence[ImageRow]) -> float:
    """Return the one factor that all perturbations of a report are amplified with.

    The largest whole number that keeps the largest change within the grey range (0.5 around
    the middle), at least 1; 0.5 where a change is larger than that range.
    """
    peaks = [_peak(row.perturbation) for row in rows if row.perturbation is not None]
    largest = max(peaks, default=0.0)
    if largest <= 0.0:
        return 1.0
    factor = int(0.5 / largest * (1 + 1e-6))
    return float(min(factor, 255)) if factor >= 1 else 0.5


def grid(
    rows: Sequence[ImageRow], *, size: int, drawings: Drawings = UNKEPT
) -> tuple[GridRow, ...]:
    """Encode rows for the page.

    Args:
        rows: As the model has them.
        size: Longest side of a display copy in pixels.
        drawings: Where display copies may lie, encoded before.
    """
    factor = amplification(rows)
    tiles = side_by_side([partial(_tiles, row, factor, size, drawings) for row in rows])
    return tuple(
        GridRow(f"s-{index + 1:04d}", row.id, row.label, cell_text(row.cell), row.stratum, made)
        for index, (row, made) in enumerate(zip(rows, tiles, strict=True))
    )


def side_by_side(jobs: Sequence[Callable[[], Made]]) -> list[Made]:
    """Do jobs in threads, which encode at the same time, and return what each made, in order."""
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as threads:
        return list(threads.map(lambda job: job(), jobs))


def _tiles(row: ImageRow, factor: float, size: int, drawings: Drawings) -> tuple[Tile, ...]:
    tiles = [_tile(row, shown, size, drawings) for shown in row.images]
    if row.perturbation is not None:
        tiles.append(_change(row, row.perturbation, factor, size, drawings))
    return tuple(tiles)


def _tile(row: ImageRow, shown: ShownImage, size: int, drawings: Drawings) -> Tile:
    source, shape, pixelated = encoded(shown.image, size, drawings)
    sign, word = STATES.get(shown.state or "", ("", ""))
    alt = f"{shown.role} ({shown.step})"
    if row.eps is not None and shown.role == "adversarial":
        alt = f"{shown.role} {row.norm or ''} {eps_text(row.eps, row.norm)} ({shown.step})"
    lines = []
    count = 1 if shown.image.ndim == 2 else shown.image.shape[2]
    if count not in (1, 3):
        lines.append(f"mean of {count} channels")
    if shown.prediction is not None:
        sure = "" if shown.confidence is None else f" {shown.confidence:.2f}"
        lines.append(f"{shown.prediction}{sure}")
        alt += f": predicted {shown.prediction}{sure}, is {row.label}"
    alt += f", {word}" if word else ""
    if shown.psnr_db is not None:
        lines.append(f"PSNR {number(shown.psnr_db, 'dB')} dB")
    return Tile(
        shown.role,
        shown.step,
        source,
        *shape,
        pixelated,
        plain(alt),
        tuple(lines),
        shown.state or "",
        f"{sign} {word}".strip(),
    )


def _change(
    row: ImageRow,
    perturbation: np.ndarray[Any, Any],
    factor: float,
    size: int,
    drawings: Drawings,
) -> Tile:
    import numpy as np

    shown = np.clip(0.5 + factor * perturbation.astype(np.float64), 0.0, 1.0)
    source, shape, pixelated = encoded(shown, size, drawings, exact=True)
    largest = row.sizes.get("linf", _peak(perturbation))
    euclid = row.sizes.get("l2")
    if euclid is None:
        euclid = float(np.sqrt(np.square(perturbation.astype(np.float64)).sum()))
    levels = largest * 255
    steps = f"{levels:.2g}" if levels < 99.5 else f"{levels:.0f}"  # no 1.6e+02
    lines = (f"max |δ| {steps}/255", f"L2 {number(euclid)}")
    return Tile(
        "perturbation",
        f"{TIMES} {factor:g}",
        source,
        *shape,
        pixelated,
        plain(f"perturbation of {row.id}, amplified {factor:g} times, " + ", ".join(lines)),
        lines,
    )


def _peak(perturbation: np.ndarray[Any, Any]) -> float:
    return float(abs(perturbation).max(initial=0.0))


def encoded(
    image: np.ndarray[Any, Any],
    size: int,
    drawings: Drawings,
    *,
    exact: bool = False,
    shown: int = _SHOWN,
) -> tuple[str, tuple[int, int], bool]:
    """Return a WebP data URI, the display size, and whether it is shown pixelated.

    Args:
        image: `[H, W]` or `[H, W, C]` in [0, 1]; the mean of channels that are neither grey nor
            colour.
        size: Longest side of the copy.
        drawings: Where it may lie, encoded before.
        shown: Up to how many CSS pixels small sources are enlarged.
        exact: Without loss; shrunk by leaving pixels out, so that no value is averaged away.
    """
    height, width = image.shape[:2]
    longest = max(width, height)
    if longest > size:
        width, height = (max(1, round(side * size / longest)) for side in (width, height))
    small = longest <= SMALL
    form = f"{image.dtype} {image.shape} {width} {height} exact={exact}"
    source = drawings.drawn(
        *("webp", _encoder(), form, image.tobytes()),
        draw=lambda: _webp(_copy(image, (width, height), exact=exact), lossless=exact or small),
    )
    step = max(1, shown // longest) if small else 1
    return source, (width * step, height * step), small


def _copy(image: np.ndarray[Any, Any], size: tuple[int, int], *, exact: bool) -> Copy:
    """Return an image as 8-bit colour of this width and height."""
    import numpy as np
    from PIL import Image

    values = np.asarray(image, dtype=np.float64)
    if values.ndim == 3 and values.shape[2] not in (1, 3):
        values = values.mean(axis=2)
    levels = np.rint(values * 255.0).astype(np.uint8)
    if levels.ndim == 3 and levels.shape[2] == 1:
        levels = levels[:, :, 0]
    copy = Image.fromarray(levels).convert("RGB")
    if copy.size == size:
        return copy
    method = Image.Resampling.NEAREST if exact else Image.Resampling.LANCZOS
    return copy.resize(size, method)


def _webp(copy: Copy, *, lossless: bool) -> str:
    buffer = io.BytesIO()
    copy.save(buffer, "WEBP", lossless=lossless, quality=_QUALITY, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


@lru_cache(maxsize=1)
def _encoder() -> str:
    """Return what makes a copy: another version of it, or of this file, may make other bytes."""
    from PIL import __version__, features

    source = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return f"{__version__} {features.version('webp')} {platform.machine()} {source}"
