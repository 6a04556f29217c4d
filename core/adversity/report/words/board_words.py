"""Words of a board: what entries have in common, what tells them apart, and ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.report.values.board import Board, Ranked

__all__ = [
    "board_title",
    "data_title",
    "differences_in_words",
    "distinct_titles",
    "rank_text",
    "setting_text",
]


def data_title(board: Board) -> str:
    """Name the images: `dataset/digits, split test, n = 200`."""
    uses = board.fields["data"].partition(",")[0]
    split = board.fields["split"]
    return f"{uses}{f', split {split}' if split != 'all' else ''}, n = {board.n:,}"


def board_title(board: Board) -> str:
    """Say what entries went through: clean, degraded, under attack with a budget."""
    degraded, threat = board.fields["degraded by"], board.fields["threat"]
    parts = [] if degraded == "nothing" else [degraded]
    if threat != "none":
        parts.append(f"attacked: {threat}")
    return ", then ".join(parts) or "clean"


def distinct_titles(boards: Sequence[Board]) -> dict[str, str]:
    """Return the title of each board by its id; of equal ones with the words that differ.

    Two boards can have one threat and attacks that are not equally strong: `steps 10`, `steps 20`.
    """
    alike: dict[tuple[str, str], list[Board]] = {}
    for board in boards:
        alike.setdefault((data_title(board), board_title(board)), []).append(board)
    titles = {}
    for (_, title), own in alike.items():
        words = [_words(board) for board in own]
        common = set.intersection(*map(set, words))
        for board, said in zip(own, words, strict=True):
            apart = ", ".join(word for word in said if word not in common)
            titles[board.id] = f"{title} ({apart})" if len(own) > 1 and apart else title
    return titles


def _words(board: Board) -> list[str]:
    """Return what a board says of its entries, word by word of a list."""
    text = ", ".join(value for name, value in board.fields.items() if name != "degraded by")
    return [word.strip(" ()") for word in text.replace("(", ", ").split(",")]


def rank_text(item: Ranked) -> str:
    """Write the ranks that are left open: `2`, `1 to 3`; nothing where there is none."""
    if item.best is None or item.worst is None:
        return ""
    return str(item.best) if item.best == item.worst else f"{item.best} to {item.worst}"


def setting_text(path: str, value: str) -> str:
    """Write a setting of the pipeline file as people do: `net: seed = 1`.

    Example:
        >>> setting_text("net.with.seed", "1"), setting_text("net.uses", "classifier/mlp")
        ('net: seed = 1', 'net: uses = classifier/mlp')
    """
    step, _, rest = path.partition(".")
    return f"{step}: {rest.removeprefix('with.')} = {value}" if rest else f"{step} = {value}"


def differences_in_words(differs: Mapping[str, tuple[str, str]]) -> str:
    """Say which field is another one, and what it is here and there."""
    return "; ".join(f"{name} is {here}, there {there}" for name, (here, there) in differs.items())
