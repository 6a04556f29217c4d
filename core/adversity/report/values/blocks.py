"""What a section is made of: the same blocks become HTML, markdown and plot files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["MAX_ROWS", "Block", "Chart", "Code", "Section", "Table", "Text"]


MAX_ROWS = 200
"""A longer table is cut in the page; the JSON beside it has all rows."""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph, or a list where it has items.

    Attributes:
        text: The paragraph.
        items: List items under it.
        level: `void`, `warning` or `note` for a caveat; empty for plain text.
        lead: What the paragraph is about, shown in bold in front of it.
    """

    text: str
    items: tuple[str, ...] = ()
    level: str = ""
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """Text shown as it is, in a fixed-width font."""

    caption: str
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text.

    Attributes:
        id: Unique in the report; also the name of its file.
        caption: What it shows and how to read it.
        columns: The heads; the first column heads its row.
        rows: One text for each column.
        numeric: Columns that are aligned to the right.
        states: A verdict for each row, where the first column shows one.
        sortable: The page offers to sort the rows by a column; they stand in the order given.
        shades: For each row, how dark the ground of each cell behind the first is, 0 to 6.
    """

    id: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[str] = frozenset()
    states: tuple[str, ...] = ()
    sortable: bool = False
    shades: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: plain records and a Vega-Lite specification without them.

    Attributes:
        id: Unique in the report; also the name of its files.
        title: A heading.
        finding: One sentence that says what the chart shows, for those who do not see it.
        caption: n, intervals and conventions.
        records: The data, a row for each mark.
        spec: Vega-Lite, without `data`.
        heads: Column to its head in the table twin.
    """

    id: str
    title: str
    finding: str
    caption: str
    records: tuple[Mapping[str, Any], ...]
    spec: Mapping[str, Any]
    heads: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the records, in order."""
        return tuple(dict.fromkeys(key for record in self.records for key in record))


Block = Text | Code | Table | Chart


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report.

    Attributes:
        id: The anchor.
        title: The heading.
        blocks: In order.
        folded: Shown closed.
    """

    id: str
    title: str
    blocks: Sequence[Block]
    folded: bool = False

    def charts(self) -> tuple[Chart, ...]:
        """Return the charts of the section."""
        return tuple(block for block in self.blocks if isinstance(block, Chart))
