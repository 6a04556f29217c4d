"""CIFAR-10-C and CIFAR-100-C as they are published: an array a corruption, five severities in it."""

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
    image_of,
    labels_fault,
    require_labels,
    sha256,
    test_set,
)
from adversity_plugins.dataset._corruptions import (
    BENCHMARK,
    SEVERITIES,
    Corruption,
    Severity,
    as_tuple,
    each_once,
)
from adversity_plugins.dataset._mapped import Mapped, require_same

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["CifarC"]

Array = np.ndarray[Any, Any]
_SHAPE = (SIDE, SIDE, 3)


class CifarC(Mapped):
    """CIFAR-10-C and CIFAR-100-C from their published files: test images under 19 corruptions.

    The folder has an array for each corruption, `fog.npy`, 50 000 x 32 x 32 x 3 uint8: the 10 000
    test images at severity 1, then all of them at severity 2, to 5; and `labels.npy` with the label
    of each of the 50 000. Files are mapped into memory: nothing is unpickled, and what is not asked
    for is not read. Ids are `fog/3/00042`. `group` is the clean image, `00042`, so that intervals
    over several corruptions resample images and not their copies; the attributes are `corruption`
    and `severity`.

    With `references`, the clean test set in its binary version, each image has its clean partner.

    Reference:
        Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and
        perturbations", 2019; files: doi 10.5281/zenodo.2535967 (10 classes) and 10.5281/zenodo.3555552
        (100). Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """

    name: ClassVar[str] = "cifar_c"
    image_channels: ClassVar[tuple[int, ...] | None] = (3,)
    reference: ClassVar[str] = (
        "Hendrycks and Dietterich, Benchmarking neural network robustness to common corruptions "
        "and perturbations, 2019"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "cifar-10-c", "corruption": "fog"},
        {
            "path": "cifar-10-c",
            "corruption": ["fog", "spatter"],
            "severity": 5,
            "limit": 3,
            "references": "test_batch.bin",
        },
    )

    path: ProjectFolder = Field(
        description="the folder with the .npy files, relative to the project"
    )
    corruption: Corruption | tuple[Corruption, ...] = Field(
        default=BENCHMARK,
        description="which corruption, or a list of some; else the 15 of the benchmark, without "
        "speckle_noise, gaussian_blur, spatter and saturate",
    )
    severity: Severity | tuple[Severity, ...] = Field(
        default=(1, 2, 3, 4, 5), description="which severity, 1 to 5, or a list of some"
    )
    classes: ClassCount = Field(default=10, description="10 for CIFAR-10-C, 100 for CIFAR-100-C")
    limit: int | None = Field(
        default=None,
        ge=1,
        description="take the first so many clean images, whose order is random; all by default",
    )
    references: ProjectFile | None = Field(
        default=None,
        description="the clean test set in its binary version, `test_batch.bin` or `test.bin`",
    )

    _places: tuple[tuple[str, int], ...] = PrivateAttr(default=())
    _arrays: dict[str, Array] = PrivateAttr(default_factory=dict)
    _clean: Array | None = PrivateAttr(default=None)
    _images: int = PrivateAttr(default=0)

    @field_validator("corruption", "severity")
    @classmethod
    def _each_once(cls, value: Any) -> Any:
        return each_once(value)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write two corruptions of four images, and the four clean ones."""
        (folder / "cifar-10-c").mkdir()
        random = np.random.default_rng(0)
        clean = random.integers(0, 200, (4, SIDE, SIDE, 3), np.uint8)
        labels = np.array([3, 8, 8, 0], np.uint8)
        for name, step in (("fog", 11), ("spatter", 7)):
            blocks = [clean + np.uint8(step * severity) for severity in range(SEVERITIES)]
            np.save(folder / "cifar-10-c" / f"{name}.npy", np.concatenate(blocks))
        np.save(folder / "cifar-10-c" / "labels.npy", np.tile(labels, SEVERITIES))
        planes = clean.transpose(0, 3, 1, 2).reshape(4, -1)
        (folder / "test_batch.bin").write_bytes(np.c_[labels, planes].tobytes())

    def _asked(self) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Return the corruptions and the severities, each as a tuple."""
        return as_tuple(self.corruption), as_tuple(self.severity)

    def at_most(self, root: Path) -> int | None:
        """Return how many images were asked for; of the arrays, the labels alone are looked at."""
        self.path.bind(root)
        corruptions, severities = self._asked()
        try:
            labels = array_in(self.path, "labels.npy", self.path.files(), "labels")
        except (DataError, ValueError):
            return None  # `open` says what is wrong
        images = min(self.limit or len(labels), len(labels) // SEVERITIES)
        return images * len(corruptions) * len(severities)

    def open(self, root: Path) -> None:
        """Map the arrays into memory, and hash the images that are asked for.

        Raises:
            DataError: If a file is missing, or is not what was published under its name.
        """
        super().open(root)
        self.path.bind(root)
        files = self.path.files()
        labels = self._labels(files)
        count = len(labels) // SEVERITIES
        self._images = self._taken(count)
        corruptions, severities = self._asked()
        self._arrays = {name: self._array(name, files, len(labels)) for name in corruptions}
        self._clean = None
        if self.references is not None:
            self.references.bind(root)
            labelled, self._clean = test_set(self.references, self.classes)
            require_labels(self.references, labelled, labels[:count])
        known = [] if self._clean is None else [sha256(one) for one in self._clean[: self._images]]
        places, rows = [], []
        groups = [f"{number:05d}" for number in range(self._images)]
        for name in corruptions:
            for severity in severities:
                said: dict[str, str | float] = {"corruption": name, "severity": severity}
                for number, group in enumerate(groups):
                    place = (severity - 1) * count + number
                    places.append((name, place))
                    rows.append(
                        IndexRow(
                            id=f"{name}/{severity}/{group}",
                            target=int(labels[number]),
                            shape=_SHAPE,
                            content=sha256(self._arrays[name][place]),
                            group=group,
                            attributes=said,  # one for all: there may be 750 000 rows
                            reference=known[number] if known else None,
                        )
                    )
        self._places, self._rows = tuple(places), tuple(rows)

    def _labels(self, files: Sequence[str]) -> Array:
        """Return the label of each image of an array.

        Raises:
            DataError: If they are no labels, or not the same at each severity.
        """
        labels = array_in(self.path, "labels.npy", files, "labels")
        fault = labels_fault(labels, self.classes)
        if fault is None and len(labels) % SEVERITIES:
            fault = f"expected as many labels at each of 5 severities, got {len(labels)}"
        if fault is None and (labels.reshape(SEVERITIES, -1) != labels[: len(labels) // 5]).any():
            fault = "expected the same labels at each of 5 severities, got others"
        if fault is not None:
            raise DataError(f"{self.path}/labels.npy: {fault}")
        return labels

    def _array(self, name: str, files: Sequence[str], count: int) -> Array:
        """Map the array of a corruption.

        Raises:
            DataError: If it is missing, or of another shape.
        """
        images = array_in(self.path, f"{name}.npy", files, f"the images of {name}")
        shape = (count, SIDE, SIDE, 3)
        if images.shape != shape or images.dtype != np.uint8:
            raise DataError(
                f"{self.path}/{name}.npy: expected uint8 of shape {shape}, as many images as "
                f"labels, got {images.dtype} of shape {images.shape}"
            )
        return images

    def _taken(self, count: int) -> int:
        """Return how many clean images are taken.

        Raises:
            DataError: If `limit` is more than there are.
        """
        if self.limit is not None and self.limit > count:
            raise DataError(
                f"data set 'cifar_c': limit {self.limit} is more than the {count} images of "
                f"{self.path}; lower it or leave it out"
            )
        return self.limit or count

    @property
    def class_names(self) -> tuple[str, ...]:
        """The 10 classes of CIFAR-10, or the 100 of CIFAR-100, in the order of the labels."""
        return CLASS_NAMES[self.classes]

    def _values(self, index: int) -> tuple[Array, str]:
        name, place = self._places[index]
        return self._arrays[name][place], f"{self.path}/{name}.npy"

    def _partner(self, row: IndexRow) -> Array | None:
        """Return the clean image, `[32, 32, 3]`, where the clean test set was given.

        Raises:
            DataError: If its file changed since `open`.
        """
        if self._clean is None:
            return None
        planes = self._clean[int(str(row.group))]
        require_same(planes, str(row.reference), str(self.references))
        return image_of(planes)

    def describe(self) -> dict[str, Any]:
        """Return what was taken, and where it comes from, for the report."""
        corruptions, severities = self._asked()
        return {
            "path": self.path.text,
            "n": len(self._rows),
            "clean_images": self._images,
            "corruptions": list(corruptions),
            "severities": list(severities),
            "source": f"CIFAR-{self.classes}-C (Hendrycks and Dietterich, 2019)",
            **({} if self.references is None else {"references": self.references.text}),
        }
