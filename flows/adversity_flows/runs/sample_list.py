"""What the samples of a version of data are: id, label and the start of the SHA-256 of their pixels.

Images packed into a few files have no file of their own that git or DVC could tell apart. The list
lies beside the data, `data/NAME.samples.parquet`, and git keeps it: what came, went or changed is
read from two lists, without the images.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.data.atomic import atomic_write
from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from adversity.data.reading import Source

__all__ = ["DIGITS", "Reading", "SampleList", "list_place"]

_KEY = b"adversity.samples"
_FORMAT = 1
_BYTES = 12
"""So much of a hash is kept: that two of a million images share it by chance has odds below 1e-16."""
DIGITS = 2 * _BYTES
"""The same in hexadecimal."""


def list_place(place: str) -> str:
    """Return where the list of the data of a place lies."""
    return f"{place}.samples.parquet"


@dataclass(frozen=True, slots=True)
class Reading:
    """By which plugin a folder is read.

    Attributes:
        uses: The data set's name, such as `cifar10`.
        parameters: Those that are given beside its path.
    """

    uses: str
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SampleList:
    """The samples of a version, in the data set's order.

    Attributes:
        reading: By which plugin they were read.
        md5: DVC's hash of the data that the list is of.
        class_names: The classes that `targets` index.
        ids: The samples' ids.
        targets: `[N]` int64; -1 where a sample has no label.
        digests: `[N]` of 12 bytes, the start of the SHA-256 of each sample's pixels.
    """

    reading: Reading
    md5: str
    class_names: tuple[str, ...]
    ids: tuple[str, ...]
    targets: np.ndarray[Any, np.dtype[np.int64]]
    digests: Sequence[bytes]

    @classmethod
    def of(cls, source: Source, reading: Reading, md5: str) -> SampleList:
        """List the samples of an opened data set."""
        digests = [bytes.fromhex(pixels)[:_BYTES] for pixels in source.pixels()]
        return cls(reading, md5, source.class_names, source.ids, source.targets, digests)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.ids)

    def pixels(self) -> tuple[str, ...]:
        """Return the start of the SHA-256 of each sample's pixels, in hexadecimal."""
        return tuple(digest.hex() for digest in self.digests)

    def write(self, path: Path) -> None:
        """Write the list.

        Raises:
            StorageError: If the disk does not take it.
        """
        import pyarrow as pa
        from pyarrow import parquet

        said = {
            "format": _FORMAT,
            "md5": self.md5,
            "uses": self.reading.uses,
            "with": self.reading.parameters,
            "classes": self.class_names,
        }
        columns = {
            "id": pa.array(self.ids, pa.string()),
            "label": pa.array(self.targets, pa.int32()),
            "pixels": pa.array(self.digests, pa.binary(_BYTES)),
        }
        kept = {_KEY: json.dumps(said, sort_keys=True, ensure_ascii=False)}
        table = pa.table(columns).replace_schema_metadata(kept)
        encodings = {"id": "DELTA_BYTE_ARRAY", "pixels": "PLAIN"}
        atomic_write(
            path,
            lambda new: parquet.write_table(
                table,
                new,
                compression={"id": "zstd", "label": "zstd", "pixels": "none"},
                use_dictionary=["label"],
                column_encoding=encodings,
                write_statistics=False,
            ),
        )

    @classmethod
    def read(cls, path: Path) -> SampleList:
        """Read a list.

        Raises:
            DataError: If it is none, or a later version of Adversity wrote it.
        """
        import pyarrow as pa
        from pyarrow import parquet

        said = _said(path)
        try:
            table = parquet.read_table(path, columns=["id", "label", "pixels"])
            return cls(
                _reading(said),
                str(said["md5"]),
                tuple(said["classes"]),
                tuple(table["id"].to_pylist()),
                table["label"].to_numpy().astype(np.int64),
                table["pixels"].to_pylist(),
            )
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
            raise _no_list(path, error) from error

    @staticmethod
    def head(path: Path) -> tuple[Reading, str]:
        """Return how the data of a list are read, and DVC's hash of them; no sample is read.

        Raises:
            DataError: If it is none, or a later version of Adversity wrote it.
        """
        said = _said(path)
        try:
            return _reading(said), str(said["md5"])
        except (KeyError, TypeError, ValueError) as error:
            raise _no_list(path, error) from error


def _said(path: Path) -> dict[str, Any]:
    """Return what stands in a list beside its columns."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        said = json.loads((parquet.read_schema(path).metadata or {})[_KEY])
        later = said["format"] > _FORMAT
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise _no_list(path, error) from error
    if later:
        raise DataError(
            f"{path.name}: expected a list of samples of format {_FORMAT}, got {said['format']}, "
            "which a later version wrote; bring Adversity up to date"
        )
    return dict(said)


def _reading(said: dict[str, Any]) -> Reading:
    return Reading(str(said["uses"]), dict(said["with"]))


def _no_list(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path.name}: expected a list of samples as `adversity data add` writes it, got something "
        f"else ({type(error).__name__}); put it back with git, or remove it and add the data again"
    )
