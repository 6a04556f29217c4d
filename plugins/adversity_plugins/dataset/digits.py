"""The 1 797 handwritten digits inside scikit-learn, as 32 x 32 images in fixed splits."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, PrivateAttr

from adversity import Dataset
from adversity.contracts.values import IndexRow, Sample
from adversity.errors import DataError
from adversity_plugins.dataset._manifest import read_manifest, write_manifest
from adversity_plugins.dataset._package_files import files_sha256

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Digits"]

Array = np.ndarray[Any, Any]
_FILE = "digits.safetensors"
_COUNT = 1797
"""All digits of the set."""
_SPLITS = (("train", 0.50), ("calibration", 0.70), ("test", 1.00))
"""A digit belongs to the first split whose bound lies above its hash, read as a fraction."""


class Digits(Dataset):
    """The 1 797 real handwritten digits of scikit-learn, grey, 32 x 32, in fixed splits.

    The scans were 32 x 32 ink maps of which the set keeps the ink in each 4 x 4 block, 0 to
    16. They are brought back to 32 x 32 by bilinear interpolation: it leaves no block edges,
    whose removal would be counted as restoration. All values are multiples of 1/1024, so
    they are exact in float32 on every machine.

    Split and order come from the SHA-256 of the raw 8 x 8 bytes: about 50 % train, 20 %
    calibration and 30 % test. Equal images can never stand in two splits, and `limit`
    takes a random sample that is the same everywhere.

    Reference:
        Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
        Learning Repository, 1998 (its test set, as in `sklearn.datasets.load_digits`).
    """

    name: ClassVar[str] = "digits"
    packaged: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998"
    )

    split: Literal["train", "calibration", "test", "all"] = Field(
        default="test",
        description="which part; fit on train, calibrate on calibration, report on test",
    )
    limit: int | None = Field(
        default=None, ge=1, description="take the first so many in hash order; all by default"
    )

    _rows: tuple[IndexRow, ...] = PrivateAttr(default=())
    _raw: Array = PrivateAttr(default_factory=lambda: np.zeros((0, 8, 8), np.uint8))
    _counts: dict[str, int] = PrivateAttr(default_factory=dict)

    def materialise(self, folder: Path) -> None:
        """Write the raw digits in hash order, with `manifest.csv` (id, sha256, label, split)."""
        from safetensors.numpy import save
        from sklearn.datasets import load_digits

        bunch = load_digits()
        raw = bunch.images.astype(np.uint8)
        hashes = [_sha256(image) for image in raw]
        order = sorted(range(len(raw)), key=lambda i: (hashes[i], i))
        (folder / _FILE).write_bytes(save({"images": np.ascontiguousarray(raw[order])}))
        write_manifest(
            folder,
            [
                {
                    "id": f"digit-{i:04d}",
                    "sha256": hashes[i],
                    "label": self._label(int(bunch.target[i]), hashes[i]),
                    "split": _split_of(hashes[i]),
                }
                for i in order
            ],
        )

    def packaged_content(self) -> str | None:
        """Return the SHA-256 of the file that `load_digits` reads; scikit-learn is not imported."""
        package = find_spec("sklearn")
        if package is None or package.origin is None:
            return None
        file = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
        return files_sha256([file]) if file.is_file() else None

    def at_most(self, root: Path) -> int:
        """Return `limit`, or how many digits the split has; all of them before it is there."""
        count = _COUNT
        if (root / "manifest.csv").is_file():
            rows = read_manifest(root, name=self.name)
            count = sum(self.split in (row.get("split"), "all") for row in rows)
        return min(self.limit or count, count)

    def open(self, root: Path) -> None:
        """Read the digits of the split.

        Raises:
            DataError: If the folder is not what `materialise` wrote, or `limit` is more
                digits than the split has.
        """
        super().open(root)
        rows = read_manifest(root, name=self.name)
        images = self._load(root)
        if [row["sha256"] for row in rows] != [_sha256(image) for image in images]:
            raise DataError(
                f"data/{self.name}/{_FILE} does not fit the manifest; delete data/{self.name} "
                "and run again"
            )
        splits = [_split_of(row["sha256"]) for row in rows]
        self._counts = {name: splits.count(name) for name, _ in _SPLITS}
        keep = [i for i, split in enumerate(splits) if self.split in (split, "all")]
        if self.limit is not None and self.limit > len(keep):
            raise DataError(
                f"data set {self.name!r}: limit {self.limit} is more than the {len(keep)} digits of "
                f"split {self.split!r}; lower it or leave it out"
            )
        keep = keep[: self.limit]
        self._raw = images[keep]
        self._rows = tuple(
            IndexRow(
                id=rows[i]["id"],
                target=self._target(rows[i]["label"]),
                shape=(32, 32, 1),
                content=rows[i]["sha256"],
            )
            for i in keep
        )

    def _label(self, digit: int, sha256: str) -> str:
        """Return what the manifest says of a digit."""
        return str(digit)

    def _target(self, label: str) -> int | float:
        """Return the target that the manifest says."""
        return int(label)

    def _load(self, root: Path) -> Array:
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            return np.asarray(load((root / _FILE).read_bytes())["images"])
        except (OSError, SafetensorError, KeyError) as error:
            raise DataError(
                f"data/{self.name}/{_FILE} is missing or damaged ({error}); delete "
                f"data/{self.name} and run again"
            ) from error

    @property
    def class_names(self) -> tuple[str, ...]:
        """The digits 0 to 9, as text."""
        return tuple("0123456789")

    def __len__(self) -> int:
        """Return the number of digits after `split` and `limit`."""
        return len(self._rows)

    def index(self) -> Sequence[IndexRow]:
        """Return ids, labels and hashes of the raw digits."""
        return self._rows

    def item(self, index: int) -> Sample:
        """Return digit `index` as `[32, 32]` float32 in [0, 1], ink white on black."""
        row = self._rows[index]
        return Sample(image=enlarge(self._raw[index]), target=row.target, id=row.id)

    def describe(self) -> dict[str, Any]:
        """Return split sizes, source and licence for the report."""
        return {
            "n": len(self._rows),
            "split": self.split,
            "limit": self.limit,
            "split_sizes": dict(self._counts),
            "split_rule": "SHA-256 of the raw 8 x 8 bytes, read as a fraction: below 0.5 train, "
            "below 0.7 calibration, else test",
            "source": "sklearn.datasets.load_digits (UCI Optical Recognition of Handwritten "
            "Digits, its test set)",
            "licence": "CC BY 4.0",
        }


def enlarge(raw: Array) -> Array:
    """Bring ink counts `[8, 8]` in 0..16 to `[32, 32]` float32 in [0, 1], bilinearly.

    Sample centres are aligned as in `align_corners=False`; beyond the outer centres the edge
    value goes on.
    """
    position = np.clip((np.arange(32) + 0.5) / 4 - 0.5, 0, 7)
    left = np.minimum(position.astype(int), 6)
    weights = np.zeros((32, 8))
    weights[np.arange(32), left] = 1 - (position - left)
    weights[np.arange(32), left + 1] = position - left
    return (weights @ (raw / 16) @ weights.T).astype(np.float32)


def _sha256(raw: Array) -> str:
    return hashlib.sha256(np.ascontiguousarray(raw, dtype=np.uint8).tobytes()).hexdigest()


def _split_of(sha256: str) -> str:
    fraction = int(sha256[:8], 16) / 2**32
    return next(name for name, bound in _SPLITS if fraction < bound)
