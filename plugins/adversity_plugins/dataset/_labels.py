"""Which image belongs to which class: read from class folders or from a CSV file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from adversity.did_you_mean import did_you_mean
from adversity.errors import DataError
from adversity.file_names import code_points, name_fault, same_name
from adversity_plugins.dataset._csv_rows import csv_rows, numbers_in
from adversity_plugins.dataset._read_images.decode import IMAGE_SUFFIXES
from adversity_plugins.dataset._read_images.leftovers import is_of_a_system, unfinished

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Item", "Labelled", "from_csv", "from_folders", "ignored_facts"]

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Item:
    """An image's file (path inside the data set), class (empty without a label) and group.

    `numbers` are its targets where these are no classes; a text is what is wrong with them.
    """

    file: str
    label: str
    group: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    numbers: tuple[float, ...] | str | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """The labelled images, sorted by file, and what was left out with the reason."""

    items: tuple[Item, ...]
    class_names: tuple[str, ...]
    quarantined: tuple[tuple[str, str], ...]
    facts: Mapping[str, Any]
    empty: tuple[str, ...] = ()
    """Class folders without an image."""


def from_folders(
    files: Sequence[str], *, where: str, classes: Sequence[str] | None = None
) -> Labelled:
    """Take the first folder of each path as the class.

    A class without an image does not count, since version control keeps no empty folders; it is
    among the facts. What systems and cloud drives leave behind is no sample.

    Raises:
        DataError: If there is no class folder, a folder is not one of `classes`, or the names of
            two look alike.
    """
    own = [file for file in files if not is_of_a_system(file)]
    images, quarantined = _readable_names(files, own)
    loose = [file for file in images if "/" not in file]
    inside = [file for file in images if "/" in file]
    if not inside:
        raise DataError(
            f"{where}: no class folders with images ({len(loose)} images lie loose, "
            f"{len(files) - len(images)} other files); put the images of each class into a "
            "folder of its own, or name a CSV file in `labels`"
        )
    folders = {file.split("/", 1)[0] for file in inside}
    _refuse_alike(folders, where, classes, "class folders", "rename or merge them")
    items = [Item(file, same_name(file.split("/", 1)[0])) for file in inside]
    names = _class_names((item.label for item in items), classes)
    wrong = sorted({item.label for item in items} - set(names))
    if wrong:
        raise DataError(f"{where}/{wrong[0]}: {_not_a_class(wrong[0], names)}")
    quarantined += [(file, "lies outside the class folders") for file in loose]
    facts = {"labels": "class folders", "other_files": len(own) - len(images)}
    if len(own) < len(files):
        facts["left_by_systems"] = len(files) - len(own)
    return Labelled(
        items=tuple(items),
        class_names=names,
        quarantined=tuple(quarantined),
        facts=facts,
        empty=tuple(sorted({same_name(f.split("/", 1)[0]) for f in own if "/" in f} - set(names))),
    )


def _readable_names(
    files: Sequence[str], own: Sequence[str]
) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the images, and files that are left out for what their names say."""
    quarantined = []
    for file in files:
        reason = unfinished(file, IMAGE_SUFFIXES)
        fault = name_fault(file)
        if reason is None and fault is not None and file in own and _is_image(file):
            reason = f"its name holds {fault}; rename it"
        if reason is not None:
            quarantined.append((_printable(file), reason))
    left_out = {name for name, _ in quarantined}
    images = [file for file in own if _is_image(file) and _printable(file) not in left_out]
    return images, quarantined


def _printable(name: str) -> str:
    """Write out the characters that a name may not hold."""
    shown = (letter if name_fault(letter) is None else ascii(letter)[1:-1] for letter in name)
    return "".join(shown)


def _refuse_alike(
    names: Iterable[str], where: str, classes: Sequence[str] | None, what: str, remedy: str
) -> None:
    """Refuse classes that are one to the eye, or one on other systems."""
    seen: dict[str, str] = {}
    for name in sorted(names):
        other = seen.setdefault(same_name(name).casefold(), name)
        if same_name(other) != same_name(name):
            if classes is None or not {same_name(name), same_name(other)} <= set(classes):
                raise DataError(
                    f"{where}: the {what} {other!r} and {name!r} differ in capital letters alone, "
                    f"which many systems take for one; {remedy}, or name both in `classes`"
                )
        elif other != name:
            raise DataError(
                f"{where}: the names of the {what} {other!r} ({code_points(other)}) and {name!r} "
                f"({code_points(name)}) are the same letters, written in two ways; {remedy}"
            )


def ignored_facts(ignored: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Say for the report what `.dvcignore` leaves out of a data set."""
    name, rule = ignored[0]
    return {"left_out_by_dvcignore": {"count": len(ignored), "example": f"{name} ({rule})"}}


def from_csv(
    path: Path,
    files: Sequence[str],
    *,
    where: str,
    classes: Sequence[str] | None = None,
    unlabelled: bool = False,
    targets: Sequence[str] = (),
) -> Labelled:
    """Read a CSV file with columns file and label, optionally group; others are attributes.

    With `targets` there need not be labels, and there are no classes.

    Args:
        path: The CSV file (UTF-8, comma-separated, with a header).
        files: What lies in the data set.
        where: The file's name in messages.
        classes: The allowed classes.
        unlabelled: Whether a row may have no label, or no numbers.
        targets: The columns of numbers that are targets.

    Raises:
        DataError: With the first wrong rows, each as `file:line: message`.
    """
    rows = csv_rows(path, where, ("file", *(targets or ("label",))))
    findings: list[str] = []
    items: dict[str, tuple[int, Item]] = {}
    known = _Known(files)
    for line, row in rows:
        item = _item(row, known, targets)
        fault = _row_fault(row, item, known, items)
        if not fault and targets:
            fault = _numbers_fault(item, unlabelled=unlabelled)
        elif not fault and not (unlabelled and not item.label):
            fault = _label_fault(item, classes)
        if fault:
            findings.append(f"{where}:{line}: {fault}")
        else:
            items[item.file] = (line, item)
        if len(findings) == _SHOWN:
            findings.append("... there may be more; these come first")
            break
    if findings:
        raise DataError("\n".join(findings))
    chosen = tuple(sorted((item for _, item in items.values()), key=lambda item: item.file))
    if not chosen:
        raise DataError(f"{where}: no rows under the header; add a row for each image")
    labels = {item.label for item in chosen} - {""}
    _refuse_alike(labels, where, classes, "labels", "write them alike")
    image_count = sum(_is_image(file) and not is_of_a_system(file) for file in files)
    return Labelled(
        items=chosen,
        class_names=() if targets else _class_names(iter(labels), classes),
        quarantined=(),
        facts={"labels": path.name, "not_in_csv": max(0, image_count - len(chosen))},
    )


class _Known:
    """The files of a data set, found by name however accents and `./` are written."""

    def __init__(self, files: Sequence[str]) -> None:
        self.files = frozenset(files)
        self._alike: dict[str, list[str]] = {}
        for file in files:
            self._alike.setdefault(same_name(file), []).append(file)

    def find(self, text: str) -> str:
        """Return the file that a row means; the text itself if there is none, or several."""
        name = PurePosixPath(text).as_posix()
        alike = self._alike.get(same_name(name), [])
        return name if name in self.files or len(alike) != 1 else alike[0]

    def missing(self, file: str) -> str:
        """Say that a file is not there, and which may be meant."""
        alike = self._alike.get(same_name(file), [])
        if alike:
            ways = ", ".join(code_points(name) for name in alike)
            return f"{file!r} may mean {len(alike)} files whose names look alike ({ways}); rename"
        hint = did_you_mean(file, self.files)
        return f"{file!r} is not in the folder" + (f"; {hint}" if hint else "")


def _row_fault(
    row: Mapping[str, str],
    item: Item,
    known: _Known,
    items: Mapping[str, tuple[int, Item]],
) -> str | None:
    given = row["file"].strip()
    path = PurePosixPath(given)
    if not given or path.is_absolute() or ".." in path.parts:
        return f"file must be a path inside the data set, got {given!r}"
    if item.file in items:
        return f"{item.file!r} is already on line {items[item.file][0]}; an image has one row"
    if item.file not in known.files:
        return known.missing(item.file)
    fault = name_fault(item.file)
    if fault is not None:
        return f"{_printable(item.file)}: its name holds {fault}; rename it"
    return None


def _label_fault(item: Item, classes: Sequence[str] | None) -> str | None:
    if not item.label:
        return f"{item.file!r} has no label; label it, or keep such rows with `unlabelled: keep`"
    if classes is not None and item.label not in classes:
        return _not_a_class(item.label, classes)
    return None


def _numbers_fault(item: Item, *, unlabelled: bool) -> str | None:
    if item.numbers is None and not unlabelled:
        return f"{item.file!r} has no target; write it, or keep such rows with `unlabelled: keep`"
    return item.numbers if isinstance(item.numbers, str) else None


def _item(row: Mapping[str, str], known: _Known, targets: Sequence[str]) -> Item:
    own = ("file", "group", *(targets or ("label",)))
    return Item(
        file=known.find(row["file"].strip()),
        label="" if targets else same_name(row["label"].strip()),
        group=row.get("group", "").strip() or None,
        attributes={name: value for name, value in row.items() if name not in own},
        numbers=numbers_in(row, targets),
    )


def _class_names(labels: Iterator[str], classes: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(sorted(set(labels))) if classes is None else tuple(classes)


def _not_a_class(label: str, classes: Sequence[str]) -> str:
    hint = did_you_mean(label, classes, f"the classes are {', '.join(classes[:_SHOWN])}")
    return f"{label!r} is not a class; {hint}"


def _is_image(file: str) -> bool:
    return PurePosixPath(file).suffix.lower() in IMAGE_SUFFIXES
