"""Small copies of CIFAR's published files, written as their descriptions say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

LABELS = (3, 8, 8, 0, 6, 6)
"""Those of the first images of CIFAR-10's test set."""


def pixel(corruption: int, severity: int, image: int) -> int:
    """Return a grey level that no other image of the copy has."""
    return 60 * corruption + 10 * severity + image


def write_cifar_c(folder: Path, *corruptions: str, labels: tuple[int, ...] = LABELS) -> None:
    """Write `CORRUPTION.npy` with five blocks, one a severity, and `labels.npy`.

    The layout is that of `make_cifar_c.py` in hendrycks/robustness: for each severity all images.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, corruption in enumerate(corruptions):
        images = [
            np.full((32, 32, 3), pixel(number, severity, image), np.uint8)
            for severity in range(1, 6)
            for image in range(len(labels))
        ]
        np.save(folder / f"{corruption}.npy", np.stack(images))
    np.save(folder / "labels.npy", np.array(labels * 5, np.uint8))


def write_binary(
    path: Path, images: np.ndarray, labels: tuple[int, ...] = LABELS, *, coarse: bool = False
) -> None:
    """Write images `[N, 32, 32, 3]` as CIFAR's binary version: labels, then R, G and B by rows."""
    with path.open("wb") as file:
        for image, label in zip(images, labels, strict=True):
            file.write(bytes([7, label] if coarse else [label]))
            for channel in range(3):
                for row in image[:, :, channel]:
                    file.write(row.tobytes())
