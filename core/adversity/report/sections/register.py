"""Where sections of the report make themselves known: each says where it stands.

A section is a function in a file of its own:

    from adversity.report import Section, Text, section

    @section(order=550)
    def certificates(report):
        return Section("certificates", "Certified radii", [Text("...")])

The files of this folder are found by themselves. One of another distribution is known as soon as
its module is imported, so the plugin or kind that it belongs to imports it. Nothing here imports
the machinery.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adversity.report.values.blocks import Section
    from adversity.report.values.model import Report

__all__ = ["FIRST", "IMAGES", "Registered", "registered", "section"]

FIRST = 50
"""Sections up to this order stand on the first screen, between what happened and the gates."""
IMAGES = 1000
"""Where the example images stand: sections up to this order before them, larger ones behind."""
Says = Callable[["Report"], "Section | None"]


@dataclass(frozen=True, slots=True)
class Registered:
    """A section and its place.

    Attributes:
        order: Smaller comes first; equal ones stand in the order of their names.
        name: `module.function`.
        says: Returns the section, or None where there is nothing to say.
        groups: The groups of measures that it shows.
    """

    order: int
    name: str
    says: Says
    groups: tuple[str, ...] = ()


_KNOWN: dict[str, Registered] = {}


def section(*, order: int, groups: tuple[str, ...] = ()) -> Callable[[Says], Says]:
    """Make a function known as a section of the report.

    Ours stand at 100 (headline measures), 200 (accuracy), 300 (restoration), 400 (uncertainty),
    500 (attacks), 600 (defences), 700 (further measures) and, behind the images, from 1100 on.

    Args:
        order: Where it stands; up to `FIRST` it is on the first screen, above `IMAGES` it comes
            behind the example images.
        groups: The groups of measures that it shows (`MeasureInfo.group`): those that no section
            takes are shown as further measures.
    """

    def enter(says: Says) -> Says:
        name = f"{says.__module__}.{says.__qualname__}"
        _KNOWN[name] = Registered(order, name, says, groups)
        return says

    return enter


def registered() -> tuple[Registered, ...]:
    """Return the sections that are known by now, in the order of the report."""
    return tuple(sorted(_KNOWN.values(), key=lambda item: (item.order, item.name)))
