"""A data set as the engine reads it: checked, prepared, in tensors, with a content hash."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from adversity.contracts.targets import has_class
from adversity.contracts.values import IndexRow, Sample
from adversity.data.content_hash import array_sha256, known, seen, told_of, values_sha256
from adversity.data.pixels import Array, checked, shape_of, stacked
from adversity.data.prepare import Prepare
from adversity.data.targets import check_ids, class_indices, numbers_of
from adversity.errors import DataError, PluginError
from adversity.provenance import pixels_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.contracts.dataset import Dataset

__all__ = ["Shape", "Source"]

Shape = tuple[int, int, int]
"""(C, H, W)."""


class Source:
    """The samples of an opened data set after `prepare`, in the data set's order.

    Reading is lazy: the index is known at once, pixels are read on demand.

    Attributes:
        ids: The samples' ids.
        targets: `[N]` int64 class indices; -1 where a sample has no label.
        labelled: Whether any sample has a label.
        numbers: `[N, D]` float64, what is to be estimated, NaN where there is none; None for classes.
        groups: Each sample's group, or None.
        shapes: Each sample's (C, H, W) after `prepare`.
        reference_shapes: The same of its clean reference; None where it has none.
        content: SHA-256 over ids, labels, groups, class names, `prepare` and what the
            images are read from. It does not depend on where the data lie.
        unlabelled_content: The same without labels, groups, attributes and hashes of references.
        class_members: As the data set says it.
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
        for row in rows if given is not None else ():
            self._require_hash(row)
        if len(rows) != len(dataset):
            raise PluginError(f"{self._name}: {len(dataset)} samples, but {len(rows)} in its index")
        if not rows:
            raise DataError(f"{self._name} has no samples; check its path and parameters")
        self.ids = tuple(row.id for row in rows)
        check_ids(self.ids, self._name)
        self.numbers = numbers_of(rows, self.target_names, self.class_names, self._name)
        self.targets = class_indices(rows, self.class_names, self._name, numbers=self.numbers)
        self.labelled = bool((self.targets >= 0).any())
        self.groups = tuple(row.group for row in rows)
        self.attributes = tuple(dict(row.attributes) for row in rows)
        self.shapes = tuple(self._prepared_shape(row) for row in rows)
        self.reference_shapes = tuple(self._reference_shape(row) for row in rows)
        whole = told_of(dataset, self.prepare)
        self.class_members: dict[str, tuple[str, ...]] = whole.get("class_members", {})
        told = [known(row, int(target)) for row, target in zip(rows, self.targets, strict=True)]
        self.content = values_sha256(whole | {"rows": told} | self._told_numbers())
        shown = [seen(row, of) for row, of in zip(rows, self.reference_shapes, strict=True)]
        self.unlabelled_content = values_sha256(whole | {"rows": shown})
        self._rows = rows

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.ids)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that `targets` index."""
        return tuple(self._dataset.class_names)

    @property
    def target_names(self) -> tuple[str, ...]:
        """What the numbers of a target are; none where it is a class."""
        return tuple(self._dataset.target_names)

    @property
    def quarantined(self) -> tuple[tuple[str, str], ...]:
        """Samples left out, each with the reason."""
        return tuple(self._dataset.quarantined)

    @property
    def unlabelled_count(self) -> int:
        """How many samples have no label, or no number to be held against."""
        targets = self.targets if self.numbers is None else self.numbers
        return int((~has_class(targets)).sum())

    @property
    def references_count(self) -> int:
        """How many samples have a clean reference."""
        return sum(shape is not None for shape in self.reference_shapes)

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

    def alike(self, index: Sequence[int] | None = None) -> list[list[int]]:
        """Group sample numbers by the size of image and reference, in order of first appearance."""
        groups: dict[tuple[Shape, Shape | None], list[int]] = {}
        for i in range(len(self)) if index is None else index:
            groups.setdefault((self.shapes[i], self.reference_shapes[i]), []).append(i)
        return list(groups.values())

    def images(self, index: Sequence[int]) -> Tensor:
        """Read some samples of one size.

        Returns:
            `[N, C, H, W]` float32 in [0, 1]; uint8 images divided by 255.

        Raises:
            ValueError: If the samples have several sizes (`alike` groups them).
            DataError: If an image cannot be read any more.
            PluginError: If the data set breaks its contract.
        """
        _require_one([self.shapes[i] for i in index], "samples")
        return stacked([self._pixels(i, self._sample(i).image) for i in index])

    def pairs(self, index: Sequence[int]) -> tuple[Tensor, Tensor | None]:
        """Read some samples of one size with their clean references, of one size as well.

        Returns:
            `images`, and the references likewise, of a size of their own; None where there are none.

        Raises:
            ValueError: If they have several sizes, or some samples have none (`alike`).
            DataError: If an image cannot be read any more.
            PluginError: If the data set breaks its contract.
        """
        _require_one([self.shapes[i] for i in index], "samples")
        shapes = [self.reference_shapes[i] for i in index]
        _require_one(shapes, "references")
        read = [(i, self._sample(i)) for i in index]
        images = stacked([self._pixels(i, sample.image) for i, sample in read])
        if shapes[0] is None:
            return images, None
        return images, stacked([self._pixels(i, s.reference, of=s.image) for i, s in read])

    @cached_property
    def marks(self) -> tuple[frozenset[str], ...]:
        """What each sample's images are known by: two that have a mark in common are one.

        It is what the image is read from, its pixels before `prepare` (of the reference as well),
        and its id where the data lie. What was not decoded yet is decoded here, once.
        """
        dataset = self._dataset
        place = dataset.name if dataset.packaged else dataset.location()
        return tuple(
            frozenset({f"content {row.content}", *(f"pixels {digest}" for digest in digests)})
            | (set() if place is None else {f"{dataset.name} {place} {row.id}"})
            for row, digests in zip(self._rows, self._digests, strict=True)
        )

    def pixels(self) -> tuple[str, ...]:
        """Return the SHA-256 of each sample's pixels before `prepare`: equal for equal images."""
        return tuple(digests[0] for digests in self._digests)

    @cached_property
    def _digests(self) -> tuple[tuple[str, ...], ...]:
        """Each sample's digests of the pixels of its image and of its reference."""
        return tuple(row.pixels or self._hashed(i) for i, row in enumerate(self._rows))

    def _hashed(self, index: int) -> tuple[str, ...]:
        sample = self._sample(index)
        where = f"{self._name}, sample {sample.id!r}"
        images = (one for one in (sample.image, sample.reference) if one is not None)
        return tuple(pixels_sha256(self._checked(image, where)) for image in images)

    def _sample(self, index: int) -> Sample:
        sample = self._dataset.item(index)
        if sample.id != self.ids[index]:
            raise PluginError(
                f"{self._name}: sample {index} was {self.ids[index]!r} and is now {sample.id!r}; "
                "open the data set again"
            )
        known = self.reference_shapes[index] is not None
        if sample.reference is not None and not known:
            raise PluginError(
                f"{self._name}, sample {sample.id!r} has a reference of which its index knows "
                "nothing, and edits go unnoticed: give IndexRow its SHA-256 (reference=...)"
            )
        if sample.reference is None and known:
            raise PluginError(
                f"{self._name}, sample {sample.id!r} has no reference, its index says that it has "
                "one; did the file go away?"
            )
        return sample

    def _checked(self, image: object, where: str) -> Array:
        return checked(image, where, self._dataset.takes_channels())

    def _pixels(self, index: int, image: Array | None, *, of: Array | None = None) -> Array:
        """Return an image, or the reference `of` one, `[C, H, W]` uint8 or float32, prepared."""
        name = self.ids[index]
        where = f"{self._name}, sample {name!r}"
        frame = None if of is None else shape_of(self._checked(of, where))[:2]
        done = self._prepare.apply(self._checked(image, where), id=name, of=frame)
        planes = done[None] if done.ndim == 2 else done.transpose(2, 0, 1)
        stated = self.shapes[index] if of is None else self.reference_shapes[index]
        if planes.shape != stated:
            field = "did the file change?" if of is None else "is its reference_shape right?"
            raise PluginError(
                f"{where}: {'image' if of is None else 'reference'} of shape {planes.shape}, its "
                f"index says {stated} (channels, height, width); {field}"
            )
        return planes

    def _scan(self, index: int) -> IndexRow:
        """Learn a sample's row by reading it, for data sets without an index."""
        sample = self._dataset.item(index)
        where = f"{self._name}, sample {sample.id!r}"
        image = self._checked(sample.image, where)
        arrays = (
            [image] if sample.reference is None else [image, self._checked(sample.reference, where)]
        )
        content, *more = map(array_sha256, arrays)
        return IndexRow(
            id=sample.id,
            target=sample.target,
            shape=shape_of(image),
            content=content,
            group=sample.group,
            attributes=sample.attributes,
            pixels=tuple(map(pixels_sha256, arrays)),
            reference=more[0] if more else None,
            reference_shape=None if sample.reference is None else shape_of(arrays[1]),
        )

    def _prepared_shape(self, row: IndexRow) -> Shape:
        height, width, channels = row.shape
        return (
            self._prepare.depth(channels, id=row.id),
            *self._prepare.size(height, width, id=row.id),
        )

    def _told_numbers(self) -> dict[str, Any]:
        """Return what is known of numbers, as JSON values; nothing where targets are classes."""
        if self.numbers is None:
            return {}
        return {"numbers": [self.target_names, [repr(row) for row in self.numbers.tolist()]]}

    def _require_hash(self, row: IndexRow) -> None:
        """Refuse an index that knows of a reference and not what is in it."""
        if row.reference_shape is not None and row.reference is None:
            raise PluginError(
                f"{self._name}, sample {row.id!r}: its index has the shape of a reference and not "
                "its SHA-256, and edits go unnoticed: give IndexRow both (reference=...)"
            )

    def _reference_shape(self, row: IndexRow) -> Shape | None:
        """Return (C, H, W) of a reference after `prepare`; that of the image if nothing is said."""
        if row.reference is None and row.reference_shape is None:
            return None
        height, width, channels = row.reference_shape or row.shape
        size = self._prepare.size(height, width, id=row.id, of=row.shape[:2])
        return (self._prepare.depth(channels, id=row.id), *size)


def _require_one(shapes: Sequence[Shape | None], what: str) -> None:
    if len(set(shapes)) != 1:
        raise ValueError(
            f"{what} of one size are read together, got sizes {sorted(set(shapes), key=str)}"
        )
