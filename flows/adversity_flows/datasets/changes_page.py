"""What changed between two versions of a data set, as a page with the images."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

from adversity.data.atomic import atomic_write
from adversity_flows.datasets.thumbnails import thumbnail

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from adversity.data.reading import Source
    from adversity_flows.datasets.compared import Compared, Pair

__all__ = ["KINDS", "write_changes"]

KINDS = (
    ("relabelled", "Of another class"),
    ("changed", "Changed"),
    ("added", "Added"),
    ("removed", "Removed"),
    ("moved", "Moved"),
)
"""The sorts of changes, with what they are called, in the order in which they are shown."""
_SHOWN = 60


def write_changes(
    path: Path, title: str, compared: Compared, versions: tuple[Source, Source]
) -> None:
    """Write the page.

    Args:
        path: The file.
        title: What is compared.
        compared: What became of the samples.
        versions: The earlier one and the later one, still open.

    Raises:
        StorageError: If the disk is full or not writable.
    """
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    place = resources.files("adversity_flows").joinpath("templates/data_card/changes.html.j2")
    sections = [_section(name, getattr(compared, kind), versions) for kind, name in KINDS]
    page = environment.from_string(place.read_text(encoding="utf-8")).render(
        title=title, compared=compared, sections=sections
    )

    def write(new: Path) -> None:
        new.write_text(page, encoding="utf-8")

    atomic_write(path, write)


def _section(title: str, pairs: Sequence[Pair], versions: tuple[Source, Source]) -> dict[str, Any]:
    before, after = versions
    shown = [
        {
            "pair": pair,
            "before": "" if pair.before is None else thumbnail(before, pair.before),
            "after": "" if pair.after is None else thumbnail(after, pair.after),
        }
        for pair in pairs[:_SHOWN]
    ]
    return {"title": title, "count": len(pairs), "shown": shown}
