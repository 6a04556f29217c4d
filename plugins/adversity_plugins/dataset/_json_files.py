"""JSON files that are published with a data set: read, and refused if they hold something else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from adversity.errors import DataError
from adversity.project import read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adversity import ProjectFolder

__all__ = ["json_object", "text_in"]


def text_in(folder: ProjectFolder, name: str, files: Sequence[str]) -> str:
    """Return the text of a file of a folder.

    Raises:
        DataError: If it is not there, or no UTF-8.
    """
    if name not in files:
        raise DataError(
            f"{folder.text}: expected {name}, found no such file; unpack the whole archive, and "
            "name its folder"
        )
    try:
        return read_regular(folder.path / name).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{folder.text}/{name}: cannot be read as UTF-8 text ({error})") from error


def json_object(
    folder: ProjectFolder,
    name: str,
    files: Sequence[str],
    what: str,
    fits: Callable[[Any], bool],
) -> dict[str, Any]:
    """Return the object of a JSON file, each of whose values fits.

    Args:
        folder: Where it lies.
        name: The file.
        files: What lies in the folder.
        what: What its values should be, for the message: `lists of names`.
        fits: Says whether one is.

    Raises:
        DataError: If it is not there, no JSON, or holds something else.
    """
    where = f"{folder.text}/{name}"
    try:
        found = json.loads(text_in(folder, name, files))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: expected JSON, got something else ({error})") from error
    if not isinstance(found, dict) or not found:
        raise DataError(f"{where}: expected an object of {what}, got another value")
    wrong = next((key for key, value in found.items() if not fits(value)), None)
    if wrong is not None:
        raise DataError(f"{where}: expected an object of {what}, got something else for {wrong!r}")
    return found
