"""The images of a study: the same samples in several folders, one folder for each contender."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adversity.errors import InputError
from adversity_flows.runs.export import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Contender", "contenders", "display_copy"]

_ANSWER = "prediction_"
"""How a column of an export begins that says what a classifier answered; the first counts."""
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class Contender:
    """One folder of images.

    Attributes:
        name: What it is called in the results: the folder's name.
        files: By the name of the sample, the same in every contender.
        right: By the same name, whether a classifier's answer is right, where the list says so.
    """

    name: str
    files: Mapping[str, Path]
    right: Mapping[str, bool] = field(default_factory=dict)


def contenders(folders: Sequence[Path]) -> tuple[list[Contender], list[str]]:
    """Read what lies in the folders, and which samples all of them have.

    What `adversity export` wrote is matched by sample and cell, anything else by the files' names.

    Returns:
        The contenders, and the samples' names, sorted.

    Raises:
        InputError: If there are fewer than two folders, two of one name, no image in one, or no
            sample in all.
    """
    if len(folders) < 2:
        raise InputError(
            f"expected at least two folders of images, one for each method, got {len(folders)}; "
            "write them with `adversity export PIPELINE STEP FOLDER --format png8`"
        )
    found = [_contender(folder) for folder in folders]
    names = [one.name for one in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(
            f"expected folders of different names, got two called {twice}; results go by the name: "
            "rename one"
        )
    shared = set(found[0].files).intersection(*(one.files for one in found[1:]))
    if not shared:
        raise InputError(
            f"expected the same images in {', '.join(names)}, got none that all of them have; "
            f"{names[0]} has {min(found[0].files)}, {names[1]} {min(found[1].files)}"
        )
    return found, sorted(shared)


def _contender(folder: Path) -> Contender:
    if not folder.is_dir():
        raise InputError(f"expected a folder of images, got {folder}, which is none")
    name = folder.resolve().name
    files = _listed(folder) if (folder / MANIFEST).is_file() else None
    if files is None:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
        return _with_images(
            folder,
            Contender(name, {str(p.relative_to(folder).with_suffix("")): p for p in paths}),
        )
    return _with_images(folder, Contender(name, *files))


def _with_images(folder: Path, found: Contender) -> Contender:
    if not found.files:
        raise InputError(f"expected images in {folder}, got none; name the folder that holds them")
    return found


def _listed(folder: Path) -> tuple[dict[str, Path], dict[str, bool]] | None:
    """Return the files of an export by sample and cell; None if the list is of another sort."""
    text = (folder / MANIFEST).read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    if not rows or not {"file", "id"} <= rows[0].keys():
        return None
    files, right = {}, {}
    for row in rows:
        path = (folder / row["file"]).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise InputError(
                f"{folder / MANIFEST}: expected files inside the folder, got {row['file']}"
            )
        name = " ".join(part for part in (row["id"], row.get("cell", "")) if part)
        files[name] = path
        answer = next((value for column, value in row.items() if column.startswith(_ANSWER)), None)
        if answer and row.get("label"):
            right[name] = answer == row["label"]
    return files, right


def display_copy(path: Path, largest: int) -> bytes:
    """Return an image as a PNG of 8 bits, at most so many pixels wide and high.

    Raises:
        InputError: If it cannot be shown as it is: no image, or values that 8 bits do not hold.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            if image.mode not in ("L", "RGB", "P", "RGBA", "1", "LA"):
                raise InputError(
                    f"{path}: expected an image of 8 bits to show, got one of mode {image.mode}; "
                    "write the folder with `adversity export ... --format png8`"
                )
            shown = image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
            shown.thumbnail((largest, largest), Image.Resampling.LANCZOS)
            buffer = io.BytesIO()
            shown.save(buffer, "PNG", optimize=True)
    except (UnidentifiedImageError, OSError) as error:
        raise InputError(
            f"{path}: expected an image of 8 bits to show, got a file that cannot be read as one "
            f"({error}); write the folder with `adversity export ... --format png8`"
        ) from error
    return buffer.getvalue()
