"""The answers of two runs to the same images: which flipped, which images and labels they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.targets import NO_LABEL, UNKNOWN_CLASS, has_class
from adversity.engine.summary.pairs import common_places
from adversity.report.values.paired import cell_key
from adversity.report.values.run_diff import Answers, Flip, Relabelled, SharedData

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from adversity.data.stored import StoredRows, StoredTable
    from adversity.engine.summary.recorded_run import RecordedRun

__all__ = ["compared_answers", "shared_data", "shared_steps"]

Array = np.ndarray[Any, Any]
_READ = ("id", "target", "prediction", "correct")


def shared_steps(before: RecordedRun, after: RecordedRun) -> Iterator[Mapping[str, Any]]:
    """Yield the steps that both runs have, as the later one says them, in its file's order."""
    earlier = before.steps
    yield from (step for name, step in after.steps.items() if name in earlier)


def shared_data(before: RecordedRun, after: RecordedRun) -> tuple[SharedData, ...]:
    """Return what the runs have in common of the images of each data set that is judged.

    Raises:
        StorageError: If a table is damaged.
    """
    seen = [_samples(run) for run in (before, after)]
    return tuple(_shared(data, seen[0].get(data, {}), samples) for data, samples in seen[1].items())


def compared_answers(before: RecordedRun, after: RecordedRun) -> tuple[Answers, ...]:
    """Return the answers of each cell that both runs have, of steps that give answers of their own.

    A score or a calibrator that leaves the answers of the step before it as they are says nothing
    new and is left out.

    Raises:
        StorageError: If a table is damaged.
    """
    found = []
    for step in shared_steps(before, after):
        tables = [run.table(step["id"]) for run in (before, after)]
        first, second = tables
        if first is None or second is None or not _gives_answers(tables):
            continue
        if "objective" in step["threat"]:  # it is after a decision, and no answer is judged
            continue
        for cell in step["cells"]:
            key = cell_key(cell["cell"])
            if (
                key in first.cells
                and key in second.cells
                and not _echoes((before, after), step, cell["cell"])
            ):
                pair = (first.cell(key), second.cell(key))
                names = [table.classes.get(key, ()) for table in (first, second)]
                data = _data(after, step, cell["cell"])
                found.append(_answers(step, cell["cell"], pair, names, data=data))
    return tuple(found)


def _samples(run: RecordedRun) -> dict[str, dict[str, str]]:
    """Return the label of each sample by id, by the data set that it comes from."""
    samples: dict[str, dict[str, str]] = {}
    for step in run.steps.values():
        table = run.table(step["id"]) if step["path"] else None
        if table is None or not {"id", "target"} <= {*table.names}:
            continue
        seen = set()
        for key in table.cells:
            cell = dict(pair.partition("=")[::2] for pair in key.split(",") if pair)
            data = _data(run, step, cell)
            if data in seen:
                continue  # the samples of all cells of a version are the same
            seen.add(data)
            rows = table.cell(key)
            labels = _labels(rows["target"], table.classes.get(key, ()))
            own = samples.setdefault(data, {})
            own |= dict(zip(rows["id"].tolist(), labels, strict=True))
    return samples


def _data(run: RecordedRun, step: Mapping[str, Any], cell: Mapping[str, str]) -> str:
    """Return the data set that the images of a step come from, in the version of a cell."""
    name = step["path"][0] if step["path"] else ""
    for one in run.result.get("data", ()):
        version = one.get("cell") or {}
        if version and str(one["id"]).partition("[")[0] == name and version.items() <= cell.items():
            return str(one["id"])
    return str(name)


def _shared(data: str, before: Mapping[str, str], after: Mapping[str, str]) -> SharedData:
    both = sorted(before.keys() & after.keys())
    return SharedData(
        id=data,
        shared=len(both),
        only_before=tuple(sorted(before.keys() - after.keys())),
        only_after=tuple(sorted(after.keys() - before.keys())),
        relabelled=tuple(
            Relabelled(id_, before[id_], after[id_]) for id_ in both if before[id_] != after[id_]
        ),
    )


def _gives_answers(tables: Iterable[StoredTable | None]) -> bool:
    return all(table is not None and {*_READ} <= {*table.names} for table in tables)


def _echoes(runs: Iterable[RecordedRun], step: Mapping[str, Any], cell: Mapping[str, str]) -> bool:
    """Say whether a step repeats the answers of the one before it, in both runs."""
    if step["kind"] != "uncertainty" or len(step["source"]) != 1:
        return False
    source = step["source"][0]
    for run in runs:
        tables = [run.table(name) for name in (source, step["id"])]
        if source not in run.steps or not _gives_answers(tables):
            return False
        behind = next(
            (
                one["cell"]
                for one in run.steps[source]["cells"]
                if one["cell"].items() <= dict(cell).items()
            ),
            None,
        )
        if behind is None:
            return False
        first, second = (
            table.cell(cell_key(where))
            for table, where in zip(tables, (behind, cell), strict=True)
            if table is not None
        )
        if any(not np.array_equal(first[name], second[name]) for name in ("id", "prediction")):
            return False
    return True


def _answers(
    step: Mapping[str, Any],
    cell: Mapping[str, str],
    pair: tuple[StoredRows, StoredRows],
    classes: Iterable[tuple[str, ...]],
    *,
    data: str,
) -> Answers:
    then, now = common_places(pair[0]["id"], pair[1]["id"])
    sides = []
    for rows, places, names in zip(pair, (then, now), classes, strict=True):
        read = rows.at(places, [*_READ])
        said = {
            "label": np.array(_labels(read["target"], names), dtype=object),
            "answer": np.array(_labels(read["prediction"], names), dtype=object),
            "judged": has_class(read["target"]),
        }
        sides.append(read | said)
    before, after = sides
    alike = before["judged"] & after["judged"] & (before["label"] == after["label"])
    flipped = alike & (before["correct"] != after["correct"])
    flips = tuple(
        Flip(
            id=str(after["id"][at]),
            label=str(after["label"][at]),
            before=str(before["answer"][at]),
            after=str(after["answer"][at]),
            right=bool(after["correct"][at]),
        )
        for at in np.flatnonzero(flipped)
    )
    others = (before["answer"] != after["answer"]) & ~flipped
    return Answers(step["id"], cell, data, len(now), flips, int(others.sum()))


def _labels(values: Array, names: tuple[str, ...]) -> list[str]:
    """Return classes, or numbers, as a reader knows them."""
    if values.dtype.kind == "f":
        rows = values.reshape(len(values), -1).tolist()
        return [", ".join(f"{value:g}" for value in row) for row in rows]
    special = {UNKNOWN_CLASS: "(a class that the classifier lacks)", NO_LABEL: "(no label)"}
    return [
        special.get(value) or (names[value] if 0 <= value < len(names) else str(value))
        for value in values.tolist()
    ]
