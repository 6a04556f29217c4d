"""What a classifier of digits was never made for: letters, textures, faces."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np
from pydantic import Field, PrivateAttr

from adversity import Dataset
from adversity.contracts.values import IndexRow, Sample
from adversity.errors import DataError
from adversity_plugins.dataset._manifest import read_manifest, write_manifest
from adversity_plugins.dataset._package_files import files_sha256
from adversity_plugins.dataset._unlike_digits import FILES, letters, photographs
from adversity_plugins.dataset.digits import enlarge

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["UnlikeDigits"]

Array = np.ndarray[Any, Any]
What = Literal["letters", "textures", "faces", "no_faces"]
_KINDS: dict[What, tuple[str, ...]] = {
    "textures": ("brick", "grass", "gravel"),
    "faces": ("face",),
    "no_faces": ("no_face",),
}
_FILE = "images.safetensors"


class UnlikeDigits(Dataset):
    """Letters, textures and faces in the form of `digits`: what its classifier was not made for.

    Grey, 32 x 32. `letters` are near: 24 capitals (without I and O), each 25 times in another size,
    angle, place and weight, of 8 x 8 ink counts as the digits are and enlarged as they are. The
    others are far: `textures`, 768 parts of photographs of brick, grass and gravel; `faces`, 100
    portraits, and `no_faces`, 100 other parts of photographs.

    Labels are letters and kinds, of which a classifier of digits has none: compare its answers to
    `digits` and to these with `metric/auroc`, or say `unknown: keep`. All comes with the packages
    scikit-image and Pillow; letters may differ a little under another version of Pillow, and the
    data's hash then does.

    Reference:
        Huang, Ramesh, Berg, Learned-Miller, "Labeled faces in the wild", 2007 (the faces);
        scikit-image's sample images (the textures).
    """

    name: ClassVar[str] = "unlike_digits"
    packaged: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Huang, Ramesh, Berg, Learned-Miller, Labeled faces in the wild, 2007 (the faces)"
    )
    examples: ClassVar = tuple({"what": what, "limit": 20} for what in get_args(What))

    what: What = Field(default="letters", description="which images: near or far from digits")
    limit: int | None = Field(
        default=None, ge=1, description="take so many, in the order of their hashes; all by default"
    )

    _rows: tuple[IndexRow, ...] = PrivateAttr(default=())
    _images: tuple[Array, ...] = PrivateAttr(default=())
    _class_names: tuple[str, ...] = PrivateAttr(default=())
    _count: int = PrivateAttr(default=0)

    def materialise(self, folder: Path) -> None:
        """Write all images, with `manifest.csv` (id, sha256, label, what).

        Raises:
            DataError: If scikit-image is not installed, or without its images.
        """
        from safetensors.numpy import save

        there = _folder()
        if there is None:
            raise DataError(
                f"data set {self.name!r}: expected {', '.join(FILES)} in the package scikit-image, "
                "got none; run: pip install scikit-image"
            )
        images, rows = {}, []
        of_kind = {kind: what for what, kinds in _KINDS.items() for kind in kinds}
        for name, label, pixels in (*letters(), *photographs(there)):
            images[name] = pixels
            what = of_kind.get(label, "letters")
            rows.append({"id": name, "sha256": _sha256(pixels), "label": label, "what": what})
        (folder / _FILE).write_bytes(save(images))
        write_manifest(folder, sorted(rows, key=lambda row: (row["sha256"], row["id"])))

    def packaged_content(self) -> str | None:
        """Return the SHA-256 over the images of scikit-image and Pillow's version; None without."""
        there = _folder()
        if there is None:
            return None
        files = files_sha256([there / name for name in FILES])
        return hashlib.sha256(f"{files} pillow {version('pillow')}".encode()).hexdigest()

    def at_most(self, root: Path) -> int | None:
        """Return `limit`, or how many there are, once they were written."""
        if not (root / "manifest.csv").is_file():
            return self.limit
        rows = read_manifest(root, name=self.name)
        count = sum(row.get("what") == self.what for row in rows)
        return min(self.limit or count, count)

    def open(self, root: Path) -> None:
        """Read the images.

        Raises:
            DataError: If the folder is not what `materialise` wrote, or `limit` is more than there
                are.
        """
        super().open(root)
        rows = [r for r in read_manifest(root, name=self.name) if r.get("what") == self.what]
        images = self._load(root)
        if any(
            row["id"] not in images or _sha256(images[row["id"]]) != row["sha256"] for row in rows
        ):
            raise DataError(
                f"data/{self.name}/{_FILE} does not fit the manifest; delete data/{self.name} "
                "and run again"
            )
        if self.limit is not None and self.limit > len(rows):
            raise DataError(
                f"data set {self.name!r}: limit {self.limit} is more than the {len(rows)} images of "
                f"{self.what!r}; lower it or leave it out"
            )
        self._count = len(rows)
        self._class_names = tuple(sorted({row["label"] for row in rows}))
        index = {name: number for number, name in enumerate(self._class_names)}
        rows = rows[: self.limit]
        self._images = tuple(images[row["id"]] for row in rows)
        self._rows = tuple(
            IndexRow(
                id=row["id"],
                target=index[row["label"]],
                shape=(32, 32, 1),
                content=row["sha256"],
            )
            for row in rows
        )

    def _load(self, root: Path) -> dict[str, Array]:
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            return load((root / _FILE).read_bytes())
        except (OSError, SafetensorError) as error:
            raise DataError(
                f"data/{self.name}/{_FILE} is missing or damaged ({error}); delete "
                f"data/{self.name} and run again"
            ) from error

    @property
    def class_names(self) -> tuple[str, ...]:
        """The letters, or the kinds of texture; of faces one name."""
        return self._class_names

    def __len__(self) -> int:
        """Return the number of images after `what` and `limit`."""
        return len(self._rows)

    def index(self) -> Sequence[IndexRow]:
        """Return ids, labels and hashes."""
        return self._rows

    def item(self, index: int) -> Sample:
        """Return image `index` as `[32, 32]` float32 in [0, 1]; ink of letters white on black."""
        row, pixels = self._rows[index], self._images[index]
        image = enlarge(pixels) if self.what == "letters" else pixels.astype(np.float32) / 255
        return Sample(image=image, target=row.target, id=row.id)

    def describe(self) -> dict[str, Any]:
        """Return what was taken, source and licence for the report."""
        drawn = self.what == "letters"
        return {
            "what": self.what,
            "n": len(self._rows),
            "of": self._count,
            "limit": self.limit,
            "source": f"Pillow's typeface Aileron, Pillow {version('pillow')}"
            if drawn
            else "scikit-image's sample images",
            "licence": "CC0-1.0" if drawn else "as scikit-image states for each file",
        }


def _folder() -> Path | None:
    """Return the folder of scikit-image's images, if all are there; it is not imported."""
    package = find_spec("skimage")
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent / "data"
    return folder if all((folder / name).is_file() for name in FILES) else None


def _sha256(pixels: Array) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels, np.uint8).tobytes()).hexdigest()
