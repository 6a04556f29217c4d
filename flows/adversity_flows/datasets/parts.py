"""A folder of packed files as one data set: all its splits, each sample under its own id."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from pydantic import PrivateAttr

from adversity.contracts import Dataset
from adversity.engine.calls.set_up import set_up
from adversity.errors import DataError, InputError
from adversity.pipeline.plan.plugins import attempt
from adversity.registry import discover
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from adversity.contracts.values import IndexRow, Sample
    from adversity_flows.runs.sample_list import Reading

__all__ = ["Parts", "parts_of"]


class Parts(Dataset):
    """The splits of a data set that lie in one folder, one after the other.

    Their samples keep their ids and have the attribute `split`. A sample that a former split has
    under the same id, as the whole test set has those of its halves, is that one.
    """

    name: ClassVar[str] = "parts"
    image_channels: ClassVar[tuple[int, ...] | None] = None

    _parts: list[tuple[str, Any]] = PrivateAttr(default_factory=list)
    _places: list[tuple[Any, int]] = PrivateAttr(default_factory=list)
    _rows: list[IndexRow] = PrivateAttr(default_factory=list)
    _absent: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def opened(cls, root: Path, plugins: Sequence[Dataset], label: str) -> Parts:
        """Open the splits that are there.

        Args:
            root: The project's folder.
            plugins: A split each, of one folder.
            label: What messages call them.

        Raises:
            DataError: If none is there, with what is wrong with the first.
        """
        found = cls()
        fault: DataError | None = None
        for plugin in plugins:
            part: Any = set_up(plugin, label, "cpu", root=root).plugin
            split = str(getattr(plugin, "split", ""))
            try:
                part.open(root)
            except DataError as error:
                fault, found._absent[split] = fault or error, str(error)
                continue
            found._take(split, part)
        if fault is not None and not found._parts:
            raise fault
        return found

    def _take(self, split: str, part: Dataset) -> None:
        """Take the samples of a split that no former one has."""
        there = {row.id for row in self._rows}
        rows = part.index()
        if rows is None:
            raise InputError(
                f"data set {part.name!r} has no index, so that its samples cannot be listed; "
                "name data sets whose files are packed"
            )
        self._parts.append((split, part))
        for number, row in enumerate(rows):
            if row.id not in there:
                more = {"split": split} if split else {}
                self._rows.append(replace(row, attributes={**row.attributes, **more}))
                self._places.append((part, number))

    def location(self) -> str | None:
        """Return the folder of the first split: all lie there."""
        place: str | None = self._parts[0][1].location()
        return place

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, which all splits have."""
        return tuple(self._parts[0][1].class_names)

    @property
    def target_names(self) -> tuple[str, ...]:
        """What the numbers of a target are; none where it is a class."""
        return tuple(self._parts[0][1].target_names)

    @property
    def quarantined(self) -> tuple[tuple[str, str], ...]:
        """Samples of any split that are left out."""
        return tuple(one for _, part in self._parts for one in part.quarantined)

    def __len__(self) -> int:
        """Return the number of samples of all splits."""
        return len(self._rows)

    def index(self) -> Sequence[IndexRow]:
        """Return what is known of every sample."""
        return self._rows

    def item(self, index: int) -> Sample:
        """Return a sample of the split that has it."""
        part, number = self._places[index]
        sample: Sample = part.item(number)
        return sample

    def describe(self) -> dict[str, Any]:
        """Return which splits there are, and what each says of itself where it is one alone."""
        facts = dict(self._parts[0][1].describe())
        absent = {"absent": dict(self._absent)} if self._absent else {}
        if len(self._parts) == 1:
            return facts | absent
        splits = {split: len(part) for split, part in self._parts}
        kept = {key: facts[key] for key in ("path", "variant") if key in facts}
        return {**kept, "splits": splits, **absent}


def parts_of(place: str, reading: Reading) -> tuple[Dataset, ...]:
    """Return a data set of a folder, once for each value that its parameter `split` may have.

    Args:
        place: The folder, relative to the project.
        reading: Which data set, with its other parameters; one that names a split is that alone.

    Raises:
        InputError: If there is no such data set, or the parameters do not fit it.
    """
    uses = reading.uses.removeprefix("dataset/")
    entry = discover().get("dataset", uses)
    given = {"path": place, **reading.parameters}
    plugin, faults = attempt(entry, given)
    if plugin is None:
        raise InputError("; ".join(faults.values()))
    field = class_of(entry).model_fields.get("split")
    splits = () if field is None or "split" in given else get_args(field.annotation)
    found = [attempt(entry, {**given, "split": split})[0] for split in splits] or [plugin]
    # A value that does not go with the other parameters, such as a part of qmnist, is none of these.
    return tuple(one for one in found if isinstance(one, Dataset))
