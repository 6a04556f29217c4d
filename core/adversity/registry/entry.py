"""What the registry lists: a plugin with its origin and state, or a problem with its cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from adversity.errors import UnknownPluginError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adversity.contracts.plugin import PluginBase

__all__ = [
    "BUILT_IN",
    "UNKNOWN_LICENCE",
    "Entry",
    "Problem",
    "Status",
    "absent_note",
    "class_of",
    "licence_of",
    "names_file",
]

BUILT_IN = "adversity"
"""The distribution whose plugins keep their short names."""

UNKNOWN_LICENCE = "unknown: neither the class nor its distribution's metadata state one"

Status = Literal["ok", "broken", "clash", "blocked", "incompatible"]


def names_file(uses: str) -> bool:
    """Say whether a name is that of a file or folder of the project, whatever is wrong with it.

    Example:
        >>> names_file("./my_model.py:MyNet"), names_file("classifier/torchvision")
        (True, False)
    """
    return uses.startswith(("./", "../"))


@dataclass(frozen=True, slots=True)
class Entry:
    """A plugin that some distribution offers.

    Attributes:
        kind: For example `attack`.
        name: The short name.
        cls: The class, or None if it cannot be used.
        distribution: Who brings it, canonical (PEP 503); of a plugin of the project, its file,
            `./my_model.py`.
        version: The distribution's version; a project has none.
        api: The contract version the plugin says it was written for.
        status: `ok`; `clash` (usable by its qualified name only); `broken`, `blocked` or
            `incompatible` (not usable).
        error: One sentence that says why the status is not `ok`.
        traceback: Where the error came from, if an exception was raised.
        seconds: How long importing its entry point took.
    """

    kind: str
    name: str
    cls: type[PluginBase] | None
    distribution: str
    version: str
    api: int | None
    status: Status = "ok"
    error: str | None = None
    traceback: str | None = None
    seconds: float = 0.0

    @property
    def qualified(self) -> str:
        """`distribution:name`, which is unique within a kind."""
        return f"{self.distribution}:{self.name}"

    @property
    def label(self) -> str:
        """What messages call it, and who brings it: `attack "pgd" (acme-attacks 1.2)`."""
        return f'{self.kind} "{self.name}" ({self.origin})'

    @property
    def origin(self) -> str:
        """Who brings it, and in which version; of a plugin of the project, its file."""
        return f"{self.distribution} {self.version}".strip()

    @property
    def in_project(self) -> bool:
        """Whether a file of the user's project defines it."""
        return names_file(self.distribution)

    @property
    def uses(self) -> str:
        """What a pipeline writes, unmistakably: `attack/acme:pgd`, `./my_model.py:MyNet`."""
        if self.in_project and self.cls is not None:
            return f"{self.distribution}:{self.cls.__name__}"
        return f"{self.kind}/{self.qualified}"

    @property
    def built_in(self) -> bool:
        """Whether the product itself brings it."""
        return self.distribution == BUILT_IN

    @property
    def usable(self) -> bool:
        """Whether a pipeline can use it, by its short or its qualified name."""
        return self.cls is not None and self.status in ("ok", "clash")


def class_of(entry: Entry) -> type[PluginBase]:
    """Return the class of a plugin that the registry handed out.

    Raises:
        UnknownPluginError: If it has none.
    """
    if entry.cls is None:
        raise UnknownPluginError(f"{entry.label} cannot be used: {entry.error}")
    return entry.cls


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a distribution got wrong, which hid nothing but itself.

    Attributes:
        distribution: Who brings it, canonical; empty if the fault is not a distribution's.
        version: Its version.
        entry_point: The entry point's name.
        what: One sentence.
        traceback: The traceback, if an exception was raised.
        hides: Whether plugins may be missing from the list because of it.
    """

    distribution: str
    version: str
    entry_point: str
    what: str
    traceback: str | None = None
    hides: bool = True

    def __str__(self) -> str:
        """Return the sentence with its origin."""
        origin = f"{self.distribution} {self.version}".strip()
        return f"{origin} ({self.entry_point}): {self.what}" if origin else self.what


def licence_of(cls: type[PluginBase]) -> str | None:
    """Return the licence of a plugin's code: what it states, or else its distribution's metadata.

    None is unknown: a licence that nobody stated is not made up.
    """
    from adversity.distributions import licence_of as stated_for

    return cls.licence or stated_for(cls.__module__)


def absent_note(asked: str, problems: Iterable[Problem], left_out: Iterable[str]) -> str:
    """Name the distributions that may have a missing plugin; `asked` alone if it is one.

    Args:
        asked: The canonical name of a distribution, or anything else.
        problems: What distributions got wrong.
        left_out: Distributions that are blocked.
    """
    broken = {p.distribution: p for p in reversed([*problems]) if p.hides}
    notes = {
        name: f"{name} {problem.version} is broken and may have it: {problem.what}."
        for name, problem in sorted(broken.items())
    }
    notes |= {name: f"{name} is blocked and may have it." for name in left_out}
    if asked in notes:
        return notes[asked]
    if len(notes) > 2:
        return f"These are broken or blocked and may have it: {', '.join(notes)}."
    return " ".join(notes.values())
