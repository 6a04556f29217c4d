"""Images of a run in a folder of their own, for other tools: files, a list of them, what they are."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from adversity import __version__
from adversity.data.atomic import partial_beside, remove_leftovers, storage_error
from adversity.errors import InputError
from adversity.pipeline.plan.data_versions import revision_facts
from adversity.pipeline.plan.in_versions import versions_in
from adversity_flows.runs.image_files import image_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from adversity.pipeline.plan.model import Cell
    from adversity_flows.runs.exported_images import ExportedImage, StepImages
    from adversity_flows.runs.image_files import Format, ImageFile
    from adversity_flows.runs.past_runs import PastRun

__all__ = ["EXPORT", "MANIFEST", "Exported", "export_images", "require_new"]

SCHEMA = "adversity-export/1"
MANIFEST = "manifest.csv"
"""A row for each image; `dataset/folder` reads it as `labels:`."""
EXPORT = "export.json"
_UNSAFE = re.compile(r"[^A-Za-z0-9]+")


class Exported:
    """What was written.

    Attributes:
        count: Images.
        size: Bytes of the image files.
        depths: How many files there are of each depth.
        rounded_by: The largest difference between a value of an image and its file.
    """

    def __init__(self) -> None:
        """Count from 0."""
        self.count = self.size = 0
        self.depths: dict[str, int] = {}
        self.rounded_by = 0.0

    def add(self, file: ImageFile) -> None:
        """Count a file."""
        self.count += 1
        self.size += len(file.content)
        self.depths[file.depth] = self.depths.get(file.depth, 0) + 1
        self.rounded_by = max(self.rounded_by, file.rounded_by)


def require_new(folder: Path) -> None:
    """Refuse a folder that is there and not empty, or in which somebody stands.

    Raises:
        InputError: If it is, or is a file.
    """
    try:
        here = folder.cwd()
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise InputError(
                f"expected a new folder to export to, got {folder}, which is no folder"
            )
        if folder.is_dir() and any(folder.iterdir()):
            raise InputError(
                f"expected a new or an empty folder, got {folder}, which holds files; nothing is "
                "overwritten: name another one, or remove it"
            )
    except OSError as error:
        raise storage_error(error, folder) from error
    if here == folder.resolve() or folder.resolve() in here.parents:
        raise InputError(
            f"expected a folder below or beside this one, got {folder}; name a new one"
        )


def export_images(
    images: StepImages,
    cells: Sequence[Cell],
    folder: Path,
    *,
    past: PastRun,
    form: Format,
    done: Callable[[int, str], None],
) -> Exported:
    """Write the images of a step into a new folder, whole or not at all.

    Args:
        images: Of the step.
        cells: Of the step.
        folder: New, or empty.
        past: The run that they are of.
        form: How the images are written.
        done: Told after each batch: how many images it held, and of which cell.

    Raises:
        InputError: If the folder is not new, or the images do not fit the format.
        StorageError: If the disk is full or not writable.
    """
    require_new(folder)
    written = Exported()
    names = _cell_names(cells)
    with _appearing(folder) as new:
        rows: list[dict[str, str]] = []
        for cell in cells:
            facts = images.facts(cell)
            (new / "images" / names[cell]).mkdir(parents=True)
            for index in images.batches(cell):
                for image in images.images(cell, index, facts):
                    place = f"images/{names[cell]}/{_name(image)}"
                    rows.append(
                        _write(
                            new, place, image, form, images.source(cell).class_names, cell, written
                        )
                    )
                done(len(index), cell.key)
        rows.sort(key=lambda row: row["file"])
        record = _record(images, cells, names, past, form, written)
        text = json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        (new / EXPORT).write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
        _write_manifest(new / MANIFEST, rows)
    return written


@contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """Lend a hidden folder beside this one that takes its place at the end, or goes away."""
    partial = partial_beside(folder.absolute())
    try:
        remove_leftovers(partial.parent, below=False)
        partial.mkdir(parents=True)
        yield partial
        if folder.is_dir():
            folder.rmdir()  # fails if somebody has put something into it meanwhile
        partial.rename(folder)
    except OSError as error:
        raise storage_error(error, folder) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _name(image: ExportedImage) -> str:
    """Return a name that no system misreads and no two samples share, whatever their ids are."""
    words = _UNSAFE.sub("_", image.id).strip("_")[-40:].strip("_")
    return f"{image.place:06d}_{words}" if words else f"{image.place:06d}"


def _cell_names(cells: Sequence[Cell]) -> dict[Cell, str]:
    """Name a folder for each cell, so that no two are one on any system."""
    names: dict[Cell, str] = {}
    taken: set[str] = set()
    for cell in cells:
        parts = [f"{name}={_UNSAFE.sub('_', value).strip('_')}" for name, value in cell.values]
        name = base = ",".join(parts)[:80] or "all"
        while name.casefold() in taken:
            name = f"{base}_{len(taken)}"
        taken.add(name.casefold())
        names[cell] = name
    return names


def _write(
    new: Path,
    place: str,
    image: ExportedImage,
    form: Format,
    class_names: Sequence[str],
    cell: Cell,
    written: Exported,
) -> dict[str, str]:
    """Write one image; return its row of the manifest."""
    file = image_file(image.pixels, form)
    (new / f"{place}{file.suffix}").write_bytes(file.content)
    written.add(file)
    group = {} if image.group is None else {"group": image.group}
    row = {
        "file": f"{place}{file.suffix}",
        "label": "" if image.target is None else class_names[image.target],
        **group,
        "target": "" if image.target is None else str(image.target),
        "id": image.id,
        "cell": cell.key,
        **image.facts,
        "depth": file.depth,
        "rounded_by": f"{file.rounded_by:.3g}",
        "sha256": hashlib.sha256(file.content).hexdigest(),
    }
    for attribute, value in image.attributes.items():
        column = attribute
        while column in row:
            column = f"attribute_{column}"
        row[column] = value if isinstance(value, str) else repr(float(value))
    return row


def _write_manifest(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _record(
    images: StepImages,
    cells: Sequence[Cell],
    names: Mapping[Cell, str],
    past: PastRun,
    form: Format,
    written: Exported,
) -> dict[str, Any]:
    plan, step = images.plan, images.step
    data = images.toolbox.data(images.data, cells[0])
    several = len(list(versions_in(plan.data, images.data))) > 1
    return {
        "schema": SCHEMA,
        "adversity": __version__,
        "pipeline": plan.name,
        "file": plan.file,
        "run": past.id,
        "step": step,
        "uses": plan.uses(step) if step in plan.steps else f"{data.entry.kind}/{data.entry.name}",
        "through": list(plan.chain(step).ids),
        "format": form,
        "images": written.count,
        "depths": written.depths,
        "rounded_by": written.rounded_by,
        "cells": [
            {
                "cell": cell.as_dict(),
                "folder": f"images/{names[cell]}",
                "key": images.key(cell),
                "images": len(images.source(cell)),
                **({"data": _data_record(images, cell)} if several else {}),
            }
            for cell in cells
        ],
        **({} if several else {"data": _data_record(images, cells[0])}),
        "predictions": images.tables(),
    }


def _data_record(images: StepImages, cell: Cell) -> dict[str, Any]:
    """Return which data the images of a cell are made of."""
    data, source = images.toolbox.data(images.data, cell), images.source(cell)
    facts = {"id": data.id, "content": source.content, **revision_facts(data)}
    return {**facts, "classes": list(source.class_names)}
