"""CIFAR-10-P and CIFAR-100-P as they are published: an array of sequences for a perturbation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr, field_validator

from adversity import ProjectFile, ProjectFolder
from adversity.contracts.values import IndexRow
from adversity.errors import DataError
from adversity_plugins.dataset._cifar import (
    CLASS_NAMES,
    SIDE,
    ClassCount,
    array_in,
    labels_fault,
    require_labels,
    sha256,
    test_set,
)
from adversity_plugins.dataset._corruptions import as_tuple, each_once
from adversity_plugins.dataset._mapped import Mapped
from adversity_plugins.dataset._perturbations import PERTURBATIONS, Perturbation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["CifarP"]

Array = np.ndarray[Any, Any]
_SHAPE = (SIDE, SIDE, 3)
_LABELS = "labels.npy"


class CifarP(Mapped):
    """CIFAR-10-P and CIFAR-100-P from their published files: test images that change step by step.

    The folder has an array for each perturbation, `tilt.npy`, 10 000 x F x 32 x 32 x 3 uint8: of
    each test image a sequence of F frames, along which it tilts. Files are mapped into memory:
    nothing is unpickled. Ids are `tilt/00042/07`. `group` is the clean image, `00042`; the
    attributes are `perturbation` and `frame`. `flip_probability` measures how often the prediction
    changes from frame to frame, for which no label is needed.

    The files hold no labels, unless a `labels.npy` lies with them. Those of the clean test set,
    whose order the sequences keep, come with `test_set`.

    Reference:
        Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and
        perturbations", 2019; layout as in `create_p/make_cifar_p.py` of hendrycks/robustness.
    """

    name: ClassVar[str] = "cifar_p"
    image_channels: ClassVar[tuple[int, ...] | None] = (3,)
    reference: ClassVar[str] = (
        "Hendrycks and Dietterich, Benchmarking neural network robustness to common corruptions "
        "and perturbations, 2019"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "cifar-10-p", "perturbation": "tilt"},
        {
            "path": "cifar-10-p",
            "perturbation": ["tilt", "shot_noise"],
            "limit": 2,
            "test_set": "test_batch.bin",
        },
    )

    path: ProjectFolder = Field(
        description="the folder with the .npy files, relative to the project"
    )
    perturbation: Perturbation | tuple[Perturbation, ...] = Field(
        default=PERTURBATIONS,
        description="which perturbation, or a list of some; else the 10 of the benchmark",
    )
    classes: ClassCount = Field(default=10, description="10 for CIFAR-10-P, 100 for CIFAR-100-P")
    limit: int | None = Field(
        default=None,
        ge=1,
        description="take the first so many sequences of each, whose order is random; all by "
        "default",
    )
    test_set: ProjectFile | None = Field(
        default=None,
        description="the clean test set in its binary version, `test_batch.bin` or `test.bin`, for "
        "its labels",
    )

    _places: tuple[tuple[str, int, int], ...] = PrivateAttr(default=())
    _arrays: dict[str, Array] = PrivateAttr(default_factory=dict)

    @field_validator("perturbation")
    @classmethod
    def _each_once(cls, value: Any) -> Any:
        return each_once(value)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write two perturbations of three images, of unequal lengths, and the clean images."""
        (folder / "cifar-10-p").mkdir()
        random = np.random.default_rng(0)
        for name, frames in (("tilt", 4), ("shot_noise", 3)):
            sequences = random.integers(0, 256, (3, frames, SIDE, SIDE, 3), np.uint8)
            np.save(folder / "cifar-10-p" / f"{name}.npy", sequences)
        clean = np.zeros((3, 1 + 3 * SIDE * SIDE), np.uint8)
        clean[:, 0] = (3, 8, 0)
        (folder / "test_batch.bin").write_bytes(clean.tobytes())

    def at_most(self, root: Path) -> int | None:
        """Return how many frames were asked for, by the heads of the files."""
        self.path.bind(root)
        try:
            files = self.path.files()
            arrays = [self._array(name, files) for name in as_tuple(self.perturbation)]
        except (DataError, ValueError):
            return None  # `open` says what is wrong
        return sum(min(self.limit or len(one), len(one)) * int(one.shape[1]) for one in arrays)

    def open(self, root: Path) -> None:
        """Map the arrays into memory, and hash the frames that are asked for.

        Raises:
            DataError: If a file is missing, or is not what was published under its name.
        """
        super().open(root)
        self.path.bind(root)
        files = self.path.files()
        self._arrays = {name: self._array(name, files) for name in as_tuple(self.perturbation)}
        count = self._count()
        labels = self._labels(files, count)
        places, rows = [], []
        groups = [f"{number:05d}" for number in range(self.limit or count)]
        for name, array in self._arrays.items():
            # One for all images: there may be three million rows.
            said: list[dict[str, str | float]] = [
                {"perturbation": name, "frame": frame} for frame in range(array.shape[1])
            ]
            for number, group in enumerate(groups):
                target = None if labels is None else int(labels[number])
                for frame, attributes in enumerate(said):
                    places.append((name, number, frame))
                    rows.append(
                        IndexRow(
                            id=f"{name}/{group}/{frame:02d}",
                            target=target,
                            shape=_SHAPE,
                            content=sha256(array[number, frame]),
                            group=group,
                            attributes=attributes,
                        )
                    )
        self._places, self._rows = tuple(places), tuple(rows)

    def _array(self, name: str, files: Sequence[str]) -> Array:
        """Map the sequences of a perturbation.

        Raises:
            DataError: If they are missing, or of another shape.
        """
        frames = array_in(self.path, f"{name}.npy", files, f"the sequences of {name}")
        shape, image = frames.shape, (SIDE, SIDE, 3)
        if frames.dtype != np.uint8 or len(shape) != 5 or shape[2:] != image or not frames.size:
            raise DataError(
                f"{self.path}/{name}.npy: expected uint8 of shape (images, frames, 32, 32, 3), got "
                f"{frames.dtype} of shape {shape}"
            )
        return frames

    def _count(self) -> int:
        """Return how many sequences there are.

        Raises:
            DataError: If files differ in it, or `limit` is more.
        """
        counts = {name: len(array) for name, array in self._arrays.items()}
        (first, count), *_ = counts.items()
        for name, other in counts.items():
            if other != count:
                raise DataError(
                    f"{self.path}: expected as many sequences in each file, got {count} in "
                    f"{first}.npy and {other} in {name}.npy"
                )
        if self.limit is not None and self.limit > count:
            raise DataError(
                f"data set {self.name!r}: limit {self.limit} is more than the {count} sequences of "
                f"{self.path}; lower it or leave it out"
            )
        return count

    def _labels(self, files: Sequence[str], count: int) -> Array | None:
        """Return the label of each sequence, None where nothing says it.

        Raises:
            DataError: If they are no labels, of other images, or two say different things.
        """
        labels = None
        if _LABELS in files:
            labels = array_in(self.path, _LABELS, files, "labels")
            fault = labels_fault(labels, self.classes)
            if fault is None and len(labels) != count:
                fault = f"expected one label for each of {count} sequences, got {len(labels)}"
            if fault is not None:
                raise DataError(f"{self.path}/{_LABELS}: {fault}")
        if self.test_set is None:
            return labels
        self.test_set.bind(self.path.root)
        said, _ = test_set(self.test_set, self.classes)
        if labels is None and len(said) != count:
            raise DataError(
                f"{self.test_set}: expected the {count} images whose sequences {self.path} has, got "
                f"{len(said)}; it is another set"
            )
        if labels is not None:
            require_labels(self.test_set, said, labels)
        return said

    @property
    def class_names(self) -> tuple[str, ...]:
        """The 10 classes of CIFAR-10, or the 100 of CIFAR-100, in the order of the labels."""
        return CLASS_NAMES[self.classes]

    def _values(self, index: int) -> tuple[Array, str]:
        name, number, frame = self._places[index]
        return self._arrays[name][number, frame], f"{self.path}/{name}.npy"

    def describe(self) -> dict[str, Any]:
        """Return what was taken, and where it comes from, for the report."""
        return {
            "path": self.path.text,
            "n": len(self._rows),
            "frames": {name: array.shape[1] for name, array in self._arrays.items()},
            "sequences_of_each": len({row.group for row in self._rows}),
            "labels": self._rows[0].target is not None if self._rows else False,
            "source": f"CIFAR-{self.classes}-P (Hendrycks and Dietterich, 2019)",
        }
