"""Entries of the ledger of attacks that a run's worst cases rest on: are they as they were?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from adversity.contracts import Measure
from adversity.data.ledger import Ledger
from adversity.errors import StorageError
from adversity_flows.proof.check import Check
from adversity_flows.proof.joined import WORST
from adversity_flows.runs.attack_ledger import ledger_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from adversity.data.ledger import Entry
    from adversity_flows.proof.subject import Subject

__all__ = ["KeptEntries", "is_recorded", "kept_entries", "ledger_checks", "worst_cases_of"]

_ENTRIES = "entries"
_AGAIN = "put it back from a copy, or delete it and run its attack again"


class _Place(NamedTuple):
    """A file of the ledger."""

    victim: str
    data: str
    name: str


class KeptEntries(Ledger):
    """A ledger of which only some entries count: those that a run's worst cases were made of."""

    def __init__(self, root: Path, places: Iterable[_Place]) -> None:
        """Use some entries.

        Args:
            root: The ledger's folder.
            places: Which.
        """
        super().__init__(root)
        self.places = tuple(dict.fromkeys(places))

    def page(self, victim: str, data: str) -> tuple[Entry, ...]:
        """Return those of a page that are there; `ledger_checks` names the others."""
        found = (_entry(self, place) for place in self.places if (victim, data) == place[:2])
        return tuple(entry for entry in found if entry is not None)


def kept_entries(subject: Subject, measures: Iterable[Measure]) -> KeptEntries:
    """Return the entries that some worst cases of a run were made of, beside its own attacks.

    Args:
        subject: The run.
        measures: The worst cases, as it reported them.
    """
    places = [
        _Place(str(measure.details["victim"]), str(measure.details["data"]), str(name))
        for measure in measures
        for name in measure.details.get(_ENTRIES, ())
    ]
    return KeptEntries(ledger_of(subject.root).root, places)


def is_recorded(measure: Measure) -> bool:
    """Say whether a run recorded which entries a worst case was made of; earlier versions did not."""
    return _ENTRIES in measure.details or not measure.details.get("earlier")


def worst_cases_of(subject: Subject) -> list[Measure]:
    """Return every worst case that a run reported."""
    return [
        Measure.from_json(cell["measures"][name])
        for step in subject.run.steps.values()
        for cell in step["cells"]
        for name in WORST
        if name in cell["measures"]
    ]


def ledger_checks(subject: Subject, measures: Iterable[Measure]) -> Iterator[Check]:
    """Check the entries that some worst cases rest on; the arguments as those of `kept_entries`."""
    measures = tuple(measures)
    if not all(map(is_recorded, measures)):
        why = "on which attacks of earlier runs a worst case rests, a run of this version records"
        yield Check("ledger", "of attacks", "not recorded", why)
    kept = kept_entries(subject, measures)
    for place in kept.places:
        path = kept.path(*place)
        where = path.parent.relative_to(kept.root).as_posix()
        try:
            found = kept.entry(*place)
        except StorageError:
            words = f"its file in {where} is damaged; {_AGAIN}"
            yield Check("ledger", place.name, "changed", words, place.name)
            continue
        if found is None:
            words = f"expected its file in {where} of the ledger here, got none; {_AGAIN}"
            yield Check("ledger", place.name, "missing", words, place.name)
        else:
            words = f"{found.facts['step']} of {found.names.get('pipeline', 'a pipeline')}"
            yield Check("ledger", place.name, "holds", words, place.name, place.name)


def _entry(ledger: Ledger, place: _Place) -> Entry | None:
    try:
        return ledger.entry(*place)
    except StorageError:
        return None
