"""Small copies of MNIST's published files, byte by byte as their description says."""

from __future__ import annotations

import gzip
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

MAGIC = {1: 2049, 3: 2051}
"""The first number of files of labels and of images, as the page of MNIST has them."""


def idx_bytes(values: np.ndarray, magic: int | None = None) -> bytes:
    """Return unsigned bytes as an idx file: magic number, sizes, values, all big-endian."""
    head = [MAGIC.get(values.ndim, 0) if magic is None else magic, *values.shape]
    return struct.pack(f">{len(head)}i", *head) + values.tobytes()


def qmnist_bytes(rows: Sequence[Sequence[int]]) -> bytes:
    """Return extended labels as the README of facebookresearch/qmnist lays them out."""
    flat = [number for row in rows for number in row]
    return struct.pack(f">{3 + len(flat)}i", 3074, len(rows), 8, *flat)


def write_set(
    folder: Path, stem: str, images: np.ndarray, labels: np.ndarray, *, packed: bool = False
) -> None:
    """Write images `[N, 28, 28]` and labels `[N]` under their published names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)):
        content = idx_bytes(values)
        if packed:
            (folder / f"{stem}-{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / f"{stem}-{name}").write_bytes(content)
