"""Named arrays with JSON in one safetensors file: fitted states, kept images.

safetensors holds no code, so reading a file from elsewhere runs nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.data.atomic import atomic_write
from adversity.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["read_arrays", "write_arrays"]

Array = np.ndarray[Any, Any]
_INFO = "info"
_KINDS = "biuf"
"""NumPy's letters for bool, signed, unsigned and floating-point numbers."""


def write_arrays(
    path: Path, arrays: Mapping[str, Array], info: Mapping[str, Any] | None = None
) -> None:
    """Write arrays and JSON values to `path`; the same content gives the same bytes.

    Args:
        path: The file to make or replace.
        arrays: Numbers or bools of any shape.
        info: JSON values without NaN.

    Raises:
        TypeError: If an array holds something else than numbers or bools.
        StorageError: If the disk is full or not writable.
    """
    from safetensors.numpy import save

    plain = {name: _plain(name, arrays[name]) for name in sorted(arrays)}
    text = json.dumps(dict(info or {}), sort_keys=True, allow_nan=False)
    content = save(plain, metadata={_INFO: text})
    atomic_write(path, lambda partial: partial.write_bytes(content))


def read_arrays(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read what `write_arrays` wrote.

    Returns:
        The arrays by name, and the JSON values.

    Raises:
        StorageError: If the file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
            info = json.loads((file.metadata() or {}).get(_INFO, "{}"))
    except FileNotFoundError as error:
        raise StorageError(f"{path} is missing; run the step that makes it again") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise StorageError(
            f"{path} is damaged ({error}); delete it and run the step that makes it again"
        ) from error
    return arrays, info


def _plain(name: str, array: Array) -> Array:
    values = np.asarray(array)
    if values.dtype.kind not in _KINDS:
        raise TypeError(f"array {name!r} must hold numbers or bools, got {values.dtype}")
    return np.asarray(values, dtype=values.dtype.newbyteorder("="), order="C")
