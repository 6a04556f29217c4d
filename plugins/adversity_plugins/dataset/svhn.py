"""SVHN, house numbers from photographs of streets, as it is published: cropped digits."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from adversity import ProjectFolder
from adversity.did_you_mean import did_you_mean
from adversity.errors import DataError
from adversity_plugins.dataset._labelled_arrays import LabelledArrays, Part
from adversity_plugins.dataset._mat5 import variables_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from adversity_plugins.dataset._mat5 import Variable

__all__ = ["SVHN"]

_PUBLISHED = {"train": 73_257, "test": 26_032, "extra": 531_131}
_SIDE = 32


class SVHN(LabelledArrays):
    """SVHN, cropped digits: colour images of 32 x 32 pixels of the digits of house numbers.

    `path` is the folder with `train_32x32.mat`, `test_32x32.mat` or `extra_32x32.mat`, MATLAB files
    of version 5: images `X`, 32 x 32 x 3 x N, and labels `y`, in which 10 stands for the digit 0,
    which is class 0 here. Ids are `test/000042`, the place in the file.

    What the published files hold is packed, so that it cannot be mapped: it is unpacked into memory
    once, 80 MB for `test`, 225 MB for `train` and 1.6 GB for `extra`. Only arrays of numbers are
    read, nothing else that such a file may hold. Digits of one house number are not told apart from others, so intervals
    take them for independent, which they are not quite.

    Reference:
        Netzer, Wang, Coates, Bissacco, Wu and Ng, "Reading digits in natural images with
        unsupervised feature learning", 2011; layout as on http://ufldl.stanford.edu/housenumbers/
        (format 2).
    """

    name: ClassVar[str] = "svhn"
    image_channels: ClassVar[tuple[int, ...] | None] = (3,)
    reference: ClassVar[str] = (
        "Netzer et al., Reading digits in natural images with unsupervised feature learning, 2011"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "svhn"},
        {"path": "svhn", "split": "train", "limit": 3},
    )

    path: ProjectFolder = Field(
        description="the folder with the .mat files, relative to the project"
    )
    split: Literal["train", "test", "extra"] = Field(
        default="test",
        description="which part: 73 257 digits to fit on, 26 032 to report on, or 531 131 easier "
        "ones",
    )

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write two files of four digits each."""
        from scipy.io import savemat

        (folder / "svhn").mkdir()
        random = np.random.default_rng(0)
        for name in ("train", "test"):
            images = random.integers(0, 256, (_SIDE, _SIDE, 3, 4), np.uint8)
            labels = np.array([[10], [1], [9], [10]], np.uint8)
            values = {"X": images, "y": labels}
            savemat(folder / "svhn" / f"{name}_32x32.mat", values, do_compression=True)

    def _named(self) -> tuple[str, int]:
        return self.split, 6

    def _count(self, files: Sequence[str]) -> int:
        return self._checked(files)[1].sizes[3]

    def _checked(self, files: Sequence[str]) -> tuple[str, Variable, Variable]:
        """Return the file's name for messages, and the heads of images and labels.

        Raises:
            DataError: If it is missing, of another format, or holds something else.
        """
        name = f"{self.split}_32x32.mat"
        where, path = f"{self.path.text}/{name}", self.path.path / name
        if name not in files:
            hint = did_you_mean(
                name, files, "check `path`: it names the folder with the .mat files"
            )
            raise DataError(f"{where}: expected cropped digits, found no such file; {hint}")
        found = variables_in(path, where)
        images, labels = found.get("X"), found.get("y")
        sizes, kind = (images.sizes, images.kind) if images is not None else ((), "none")
        right = len(sizes) == 4 and sizes[:3] == (_SIDE, _SIDE, 3) and kind == "uint8"
        if images is None or not right:
            raise DataError(
                f"{where}: expected X, uint8 of 32 x 32 x 3 x N, got {kind} of "
                f"{' x '.join(map(str, sizes)) or 'no size'}; it is another file"
            )
        if labels is None or labels.kind == "other":
            raise DataError(f"{where}: expected y, the labels, found none; it is another file")
        return where, images, labels

    def _read(self, files: Sequence[str]) -> list[Part]:
        where, images, labels = self._checked(files)
        try:
            said, values = labels.values().reshape(-1), images.values()
        except (OSError, ValueError, zlib.error) as error:
            raise DataError(
                f"{where}: expected a whole MATLAB file, got one that is damaged ({error}); fetch "
                "it again"
            ) from error
        if len(said) and not (said.min() >= 1 and said.max() <= 10):
            raise DataError(
                f"{where}: expected y from 1 to 10, where 10 is the digit 0, got "
                f"{said.min()} to {said.max()}"
            )
        if not (said == np.rint(said)).all():
            raise DataError(f"{where}: expected y, whole numbers from 1 to 10, got other values")
        # MATLAB lays columns first: [N, channel, column, row], so that an image lies in one piece.
        return [Part(where, values.transpose(0, 3, 2, 1), said.astype(np.int64) % 10)]

    def _source(self) -> tuple[str, int]:
        return "SVHN, cropped digits (Netzer et al., 2011)", _PUBLISHED[self.split]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The digits 0 to 9, as text."""
        return tuple("0123456789")
