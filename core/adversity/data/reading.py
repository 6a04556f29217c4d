"""A data set as the engine reads it: checked, prepared, in tensors, with a content hash."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.values import IndexRow, Sample
from adversity.data.prepare import Prepare
from adversity.errors import DataError, PluginError
from adversity.provenance import pixels_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.contracts.dataset import Dataset

__all__ = ["NO_REGRESSION", "Shape", "Source"]

Array = np.ndarray[Any, Any]
Shape = tuple[int, int, int]
"""(C, H, W)."""
NO_REGRESSION = "targets that are numbers or vectors (regression) are not taken yet"


class Source:
    """The samples of an opened data set after `prepare`, in the data set's order.

    Reading is lazy: the index is known at once, pixels are read on demand.

    Attributes:
        ids: The samples' ids.
        targets: `[N]` int64 class indices; -1 everywhere if the data set has no labels.
        labelled: Whether there are labels.
        groups: Each sample's group, or None.
        shapes: Each sample's (C, H, W) after `prepare`.
        content: SHA-256 over ids, labels, groups, class names, `prepare` and what the
            images are read from. It does not depend on where the data lie.
    """

    def __init__(self, dataset: Dataset, prepare: Mapping[str, Any] | None = None) -> None:
        """Check the index.

        Args:
            dataset: A data set on which `open` was called.
            prepare: The options of `Prepare`.

        Raises:
            DataError: If there is no sample, an id comes twice, a label is not a class, or a
                crop is larger than an image.
            ParameterError: If `prepare` is wrong.
            PluginError: If the data set breaks its contract.
        """
        self._dataset = dataset
        self._prepare = Prepare.read(prepare or {})
        self._name = f"data set {type(dataset).name!r}"
        given = dataset.index()
        rows = [self._scan(i) for i in range(len(dataset))] if given is None else list(given)
        if len(rows) != len(dataset):
            raise PluginError(f"{self._name}: {len(dataset)} samples, but {len(rows)} in its index")
        if not rows:
            raise DataError(f"{self._name} has no samples; check its path and parameters")
        self.ids = tuple(row.id for row in rows)
        self._check_ids()
        self.targets = self._read_targets(rows)
        self.labelled = bool(self.targets[0] >= 0)
        self.groups = tuple(row.group for row in rows)
        self.attributes = tuple(dict(row.attributes) for row in rows)
        self.shapes = tuple(self._prepared_shape(row) for row in rows)
        self.content = self._hash(rows)
        self._rows = rows
        self._indexed = given is not None
        self._marks: tuple[frozenset[str], ...] | None = None

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.ids)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that `targets` index."""
        return tuple(self._dataset.class_names)

    @property
    def quarantined(self) -> tuple[tuple[str, str], ...]:
        """Samples left out, each with the reason."""
        return tuple(self._dataset.quarantined)

    @property
    def prepare(self) -> dict[str, int]:
        """The steps every image goes through, as a pipeline file writes them."""
        return self._prepare.options

    def describe(self) -> dict[str, Any]:
        """Return the data set's own facts for the report."""
        return dict(self._dataset.describe())

    def shape(self, index: int) -> Shape:
        """Return the (C, H, W) of one sample after `prepare`."""
        return self.shapes[index]

    def by_shape(self, index: Sequence[int] | None = None) -> dict[Shape, list[int]]:
        """Group sample numbers by (C, H, W), in order of first appearance."""
        groups: dict[Shape, list[int]] = {}
        for i in range(len(self)) if index is None else index:
            groups.setdefault(self.shapes[i], []).append(i)
        return groups

    def images(self, index: Sequence[int]) -> Tensor:
        """Read some samples of one size.

        Returns:
            `[N, C, H, W]` float32 in [0, 1]; uint8 images divided by 255.

        Raises:
            ValueError: If the samples have several sizes (`by_shape` groups them).
            DataError: If an image cannot be read any more.
            PluginError: If the data set breaks its contract.
        """
        self._require_one_shape(index)
        return _stack([self._pixels(i, self._sample(i).image) for i in index])

    def references(self, index: Sequence[int]) -> Tensor | None:
        """Read the clean partners of some samples of one size, like `images`.

        Returns:
            `[N, C, H, W]` float32 in [0, 1], or None where a sample has no partner.
        """
        self._require_one_shape(index)
        references = [self._sample(i).reference for i in index]
        pairs = [
            (i, image) for i, image in zip(index, references, strict=True) if image is not None
        ]
        if len(pairs) < len(references):
            return None
        return _stack([self._pixels(i, image) for i, image in pairs])

    def marks(self) -> tuple[frozenset[str], ...]:
        """Return what each sample's images are known by: two that have a mark in common are one.

        It is what the image is read from, its pixels before `prepare` (of the reference as
        well), and its id where the data lie. Images that the data set has not decoded while it
        was opened are decoded here, once.
        """
        if self._marks is None:
            dataset = self._dataset
            place = dataset.name if dataset.packaged else dataset.location()
            self._marks = tuple(
                frozenset(
                    [f"content {row.content}"]
                    + [f"pixels {digest}" for digest in row.pixels or self._hashed(i)]
                    + ([] if place is None else [f"{dataset.name} {place} {row.id}"])
                )
                for i, row in enumerate(self._rows)
            )
        return self._marks

    def _hashed(self, index: int) -> tuple[str, ...]:
        sample = self._sample(index)
        where = f"{self._name}, sample {sample.id!r}"
        images = (sample.image, sample.reference)
        return tuple(pixels_sha256(_squeeze(image, where)) for image in images if image is not None)

    def _require_one_shape(self, index: Sequence[int]) -> None:
        shapes = {self.shapes[i] for i in index}
        if len(shapes) != 1:
            raise ValueError(f"samples of one size are read together, got sizes {sorted(shapes)}")

    def _sample(self, index: int) -> Sample:
        sample = self._dataset.item(index)
        if sample.id != self.ids[index]:
            raise PluginError(
                f"{self._name}: sample {index} was {self.ids[index]!r} and is now {sample.id!r}; "
                "open the data set again"
            )
        if sample.reference is not None and self._indexed and self._rows[index].reference is None:
            raise PluginError(
                f"{self._name}, sample {sample.id!r} has a reference of which its index knows "
                "nothing, and edits go unnoticed: give IndexRow its SHA-256 (reference=...)"
            )
        return sample

    def _pixels(self, index: int, image: Array) -> Array:
        """Return `[C, H, W]` uint8 or float32 after `prepare`."""
        name = self.ids[index]
        done = self._prepare.apply(_squeeze(image, f"{self._name}, sample {name!r}"), id=name)
        planes = done[None] if done.ndim == 2 else done.transpose(2, 0, 1)
        if planes.shape != self.shapes[index]:
            raise PluginError(
                f"{self._name}, sample {name!r}: shape {planes.shape}, its index says "
                f"{self.shapes[index]} (channels, height, width); did the file change?"
            )
        return planes

    def _scan(self, index: int) -> IndexRow:
        """Learn a sample's row by reading it, for data sets without an index."""
        sample = self._dataset.item(index)
        where = f"{self._name}, sample {sample.id!r}"
        image = _squeeze(sample.image, where)
        arrays = [image] if sample.reference is None else [image, _squeeze(sample.reference, where)]
        digest = hashlib.sha256()
        for array in arrays:
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        height, width = image.shape[:2]
        return IndexRow(
            id=sample.id,
            target=sample.target,
            shape=(height, width, 1 if image.ndim == 2 else 3),
            content=digest.hexdigest(),
            group=sample.group,
            attributes=sample.attributes,
            pixels=tuple(map(pixels_sha256, arrays)),
        )

    def _prepared_shape(self, row: IndexRow) -> Shape:
        height, width, channels = row.shape
        return (self._prepare.depth(channels), *self._prepare.size(height, width, id=row.id))

    def _check_ids(self) -> None:
        seen: dict[str, int] = {}
        for i, name in enumerate(self.ids):
            if not isinstance(name, str) or not name:
                raise DataError(f"{self._name}: sample {i} needs a text as its id, got {name!r}")
            if name in seen:
                raise DataError(
                    f"{self._name}: id {name!r} comes twice (samples {seen[name]} and {i}); ids "
                    "must be unique, random streams and comparisons hang on them"
                )
            seen[name] = i

    def _read_targets(self, rows: Sequence[IndexRow]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        missing = [row.id for row in rows if row.target is None]
        if len(missing) == len(rows):
            return np.full(len(rows), -1, dtype=np.int64)
        if missing:
            raise DataError(
                f"{self._name}: {len(missing)} of {len(rows)} samples have no label, the first "
                f"is {missing[0]!r}; label every sample or none"
            )
        return np.array([self._class_index(row) for row in rows], dtype=np.int64)

    def _class_index(self, row: IndexRow) -> int:
        target: Any = row.target
        whole = isinstance(target, int | np.integer) and not isinstance(target, bool)
        if not whole or not 0 <= int(target) < len(self.class_names):
            raise DataError(
                f"{self._name}, sample {row.id!r}: the label must be a class index from 0 to "
                f"{len(self.class_names) - 1}, got {target!r}; {NO_REGRESSION}"
            )
        return int(target)

    def _hash(self, rows: Sequence[IndexRow]) -> str:
        record = {
            "classes": self.class_names,
            "prepare": self.prepare,
            "rows": [
                [
                    row.id,
                    int(target),
                    row.group,
                    row.shape,
                    row.content,
                    sorted(row.attributes.items()),
                    *([] if row.reference is None else [row.reference]),
                ]
                for row, target in zip(rows, self.targets, strict=True)
            ],
        }
        text = json.dumps(record, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _squeeze(image: object, where: str) -> Array:
    """Return `[H, W]` or `[H, W, 3]`, uint8 or float32 in [0, 1], or say what is wrong."""
    if not isinstance(image, np.ndarray):
        raise PluginError(f"{where}: expected a NumPy array, got {type(image).__name__}")
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if 0 in image.shape or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise PluginError(f"{where}: expected shape [H, W] or [H, W, 3], got {list(image.shape)}")
    if image.dtype == np.float32:
        low, high = float(image.min()), float(image.max())
        if not 0.0 <= low <= high <= 1.0:  # NaN fails too
            raise PluginError(f"{where}: expected float values in [0, 1], got {low} .. {high}")
    elif image.dtype != np.uint8:
        raise PluginError(f"{where}: expected uint8 or float32, got {image.dtype}")
    return image


def _stack(planes: Sequence[Array]) -> Tensor:
    import torch

    scaled = [p.astype(np.float32) / np.float32(255) if p.dtype == np.uint8 else p for p in planes]
    return torch.from_numpy(np.stack(scaled))
