"""Images that are stored: safetensors files of a fixed number of rows, in the order of ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.data.arrays import read_arrays, write_arrays
from adversity.data.checksums import Checksums
from adversity.engine.calls.blocks import spans
from adversity.engine.set_up.workspace import slug
from adversity.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from torch import Tensor

    from adversity.pipeline.plan.model import Cell

__all__ = ["IMAGES", "StoredImages"]

IMAGES = "images"
"""The folder of an artifact that holds them."""
ROWS = 64
"""Images of one file: 39 MB at 224 x 224, so that memory stays bounded."""


class StoredImages:
    """The stored images of one cell of a step."""

    def __init__(self, artifact: Path, cell: Cell) -> None:
        """Take the folder; nothing is read yet."""
        self._artifact = artifact
        self._folder = artifact / IMAGES / slug(cell)
        self._sums: Checksums | None = None
        self._where: dict[str, tuple[Path, int]] | None = None

    def write(self, ids: Sequence[str], fetch: Callable[[Sequence[str]], Any]) -> None:
        """Write all images, a file at a time.

        Args:
            ids: All sample ids, sorted.
            fetch: From some ids to a list of `[C, H, W]` float32 arrays.
        """
        for number, span in enumerate(spans(len(ids), ROWS)):
            some = list(ids[span.start : span.stop])
            images = fetch(some)
            arrays = {f"{row:04d}": np.asarray(image) for row, image in enumerate(images)}
            write_arrays(self._folder / f"{number:05d}.safetensors", arrays, {"ids": some})

    def read(self, ids: Sequence[str]) -> Tensor:
        """Read the images of some samples of one size, `[N, C, H, W]` float32.

        Raises:
            StorageError: If one is not there, or is not as it was written.
        """
        import torch

        return torch.from_numpy(np.stack(list(self._rows(ids))))

    def _rows(self, ids: Sequence[str]) -> Iterator[np.ndarray[Any, Any]]:
        where = self._index()
        opened: dict[Path, dict[str, np.ndarray[Any, Any]]] = {}
        for sample in ids:
            if sample not in where:
                raise StorageError(f"expected an image of {sample!r} in {self._folder}, got none")
            path, row = where[sample]
            if path not in opened:
                opened = {path: read_arrays(self._verified(path))[0]}
            yield opened[path][f"{row:04d}"]

    def _verified(self, path: Path) -> Path:
        if self._sums is None:
            self._sums = Checksums(self._artifact)
        return self._sums.verified(path.relative_to(self._artifact).as_posix())

    def _index(self) -> dict[str, tuple[Path, int]]:
        if self._where is None:
            self._where = {
                sample: (path, row)
                for path in sorted(self._folder.glob("*.safetensors"))
                for row, sample in enumerate(_ids_of(path))
            }
        return self._where


def _ids_of(path: Path) -> list[str]:
    """Read the ids from a file's header alone."""
    import json

    from safetensors import safe_open

    try:
        with safe_open(path, "np") as file:
            ids: list[str] = json.loads(file.metadata()["info"])["ids"]
    except Exception as error:
        raise StorageError(f"cannot read {path}: {error}; run the step again") from error
    return ids
