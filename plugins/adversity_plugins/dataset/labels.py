"""Which picture belongs to which class: read from class folders or from a CSV file."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from adversity.errors import DataError
from adversity_plugins.dataset.pictures import PICTURE_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Item", "Labelled", "from_csv", "from_folders"]

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Item:
    """A picture's file (path inside the data set), class and group."""

    file: str
    label: str
    group: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Labelled:
    """The labelled pictures, sorted by file, and what was left out with the reason."""

    items: tuple[Item, ...]
    class_names: tuple[str, ...]
    quarantined: tuple[tuple[str, str], ...]
    facts: Mapping[str, Any]


def from_folders(
    files: Sequence[str], *, where: str, classes: Sequence[str] | None = None
) -> Labelled:
    """Take the first folder of each path as the class.

    A class without a picture does not count: version control keeps no empty folders.

    Raises:
        DataError: If there is no class folder, or a folder is not one of `classes`.
    """
    images = [file for file in files if _is_picture(file)]
    items = [Item(file, file.split("/", 1)[0]) for file in images if "/" in file]
    loose = [file for file in images if "/" not in file]
    if not items:
        raise DataError(
            f"{where}: no class folders with pictures ({len(loose)} pictures lie loose, "
            f"{len(files) - len(images)} other files); put the pictures of each class into a "
            "folder of its own, or name a CSV file in `labels`"
        )
    names = _class_names((item.label for item in items), classes)
    wrong = sorted({item.label for item in items} - set(names))
    if wrong:
        raise DataError(f"{where}/{wrong[0]}: {_not_a_class(wrong[0], names)}")
    return Labelled(
        items=tuple(items),
        class_names=names,
        quarantined=tuple((file, "lies outside the class folders") for file in loose),
        facts={"labels": "class folders", "other_files": len(files) - len(images)},
    )


def from_csv(
    path: Path, files: Sequence[str], *, where: str, classes: Sequence[str] | None = None
) -> Labelled:
    """Read a CSV file with columns file and label, optionally group; others are attributes.

    Args:
        path: The CSV file (UTF-8, comma-separated, with a header).
        files: What lies in the data set.
        where: The file's name in messages.
        classes: The allowed classes.

    Raises:
        DataError: With the first wrong rows, each as `file:line: message`.
    """
    rows = _read_csv(path, where)
    findings: list[str] = []
    items: dict[str, tuple[int, Item]] = {}
    known = set(files)
    for line, row in rows:
        fault = _row_fault(row, known, items, classes)
        if fault:
            findings.append(f"{where}:{line}: {fault}")
        else:
            items[row["file"].strip()] = (line, _item(row))
        if len(findings) == _SHOWN:
            findings.append("... there may be more; these come first")
            break
    if findings:
        raise DataError("\n".join(findings))
    chosen = tuple(sorted((item for _, item in items.values()), key=lambda item: item.file))
    if not chosen:
        raise DataError(f"{where}: no rows under the header; add a row for each picture")
    pictures = sum(_is_picture(file) for file in files)
    return Labelled(
        items=chosen,
        class_names=_class_names((item.label for item in chosen), classes),
        quarantined=(),
        facts={"labels": path.name, "not_in_csv": max(0, pictures - len(chosen))},
    )


def _read_csv(path: Path, where: str) -> list[tuple[int, dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"{where}: not found; check `labels` (a file inside `path`)") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{where}: cannot be read as UTF-8 text ({error})") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if not {"file", "label"} <= set(header) or len(set(header)) < len(header):
            raise DataError(
                f"{where}:1: expected a header with the columns file,label[,group], got "
                f"{','.join(header) or 'nothing'}"
            )
        return list(_rows(reader, header, where))
    except csv.Error as error:
        raise DataError(f"{where}:{reader.line_num}: not valid CSV ({error})") from error


def _rows(reader: Any, header: Sequence[str], where: str) -> Iterator[tuple[int, dict[str, str]]]:
    for values in reader:
        if not values:  # a blank line
            continue
        if len(values) != len(header):
            raise DataError(
                f"{where}:{reader.line_num}: expected {len(header)} values "
                f"({','.join(header)}), got {len(values)}; quote values that hold commas"
            )
        yield reader.line_num, dict(zip(header, values, strict=True))


def _row_fault(
    row: Mapping[str, str],
    known: set[str],
    items: Mapping[str, tuple[int, Item]],
    classes: Sequence[str] | None,
) -> str | None:
    file, label = row["file"].strip(), row["label"].strip()
    path = PurePosixPath(file)
    if not file or path.is_absolute() or ".." in path.parts:
        return f"file must be a path inside the data set, got {file!r}"
    if file in items:
        return f"{file!r} is already on line {items[file][0]}; a picture has one row"
    if file not in known:
        near = get_close_matches(file, known, 1)
        return f"{file!r} is not in the folder" + (f"; did you mean {near[0]!r}?" if near else "")
    if not label:
        return f"{file!r} has no label"
    if classes is not None and label not in classes:
        return _not_a_class(label, classes)
    return None


def _item(row: Mapping[str, str]) -> Item:
    own = ("file", "label", "group")
    return Item(
        file=row["file"].strip(),
        label=row["label"].strip(),
        group=row.get("group", "").strip() or None,
        attributes={name: value for name, value in row.items() if name not in own},
    )


def _class_names(labels: Iterator[str], classes: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(sorted(set(labels))) if classes is None else tuple(classes)


def _not_a_class(label: str, classes: Sequence[str]) -> str:
    near = get_close_matches(label, classes, 1)
    hint = (
        f"did you mean {near[0]!r}?" if near else f"the classes are {', '.join(classes[:_SHOWN])}"
    )
    return f"{label!r} is not a class; {hint}"


def _is_picture(file: str) -> bool:
    return PurePosixPath(file).suffix.lower() in PICTURE_SUFFIXES
