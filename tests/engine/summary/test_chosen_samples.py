"""Which samples a report shows: by their ids, the same from run to run."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import Any

import numpy as np

from adversity.engine.summary import chosen_samples
from adversity.engine.summary.chosen_samples import chosen, counted, id_order, order_of

IDS = [f"photo-{index}.jpg" for index in range(40)]
CELLS = [SimpleNamespace(key=f"severity={level}") for level in range(5)]


def ordered(monkeypatch: Any, ids: list[str], cells: list[Any] = CELLS) -> list[tuple[str, str]]:
    """Return id and cell of every sample, in the order of choice."""
    rows = {"id": np.array(ids, dtype=object)}
    monkeypatch.setattr(chosen_samples, "stored_rows", lambda *_: rows)
    order = order_of(None, "step", cells, [len(ids)] * len(cells))  # type: ignore[arg-type]
    where = [(ids[at % len(ids)], cells[at // len(ids)].key) for at in order.tolist()]
    assert sorted(where) == sorted((id_, cell.key) for id_ in ids for cell in cells)
    return where


def test_ids_are_ordered_by_their_hash() -> None:
    """As `sha256sum` says, and wherever an id stands."""
    hashes = [hashlib.sha256(id_.encode()).hexdigest() for id_ in IDS]
    assert [IDS[at] for at in id_order(IDS)] == [
        id_ for _, id_ in sorted(zip(hashes, IDS, strict=True))
    ]
    turned = IDS[::-1]
    assert [turned[at] for at in id_order(turned)] == [IDS[at] for at in id_order(IDS)]


def test_more_samples_and_cells_leave_the_order_of_the_others(monkeypatch: Any) -> None:
    """What is new comes between; what was there keeps its order, so two reports agree."""
    before = ordered(monkeypatch, IDS[3:30], CELLS[1:])
    after = ordered(monkeypatch, IDS)
    assert [place for place in after if place in set(before)] == before


def test_cells_are_mixed(monkeypatch: Any) -> None:
    """The first of many are no run of one cell or one image: of 50 places, each cell has 3 to 20.

    Of 200 places, 40 of each cell, a draw of 50 has 10 of a cell on average with a deviation of
    2.5: 4 deviations on either side are 0 to 20.
    """
    first = ordered(monkeypatch, IDS)[:50]
    shares = [sum(cell == each.key for _, cell in first) for each in CELLS]
    assert min(shares) >= 3
    assert max(shares) <= 20
    assert len({id_ for id_, _ in first}) > 20


def test_quotas_are_taken_first_and_then_filled_up() -> None:
    """Of 8 with quotas 2 to 1: two of the first sort, one of the second, then what comes next."""
    strata = np.array([0, 0, 1, 0, -1, 1, 0, 1])
    order = np.array([7, 6, 5, 4, 3, 2, 1, 0])
    assert chosen(strata, (2, 1), 3, order) == [6, 3, 7]
    assert chosen(strata, (2, 1), 9, order) == [6, 3, 1, 0, 7, 5, 2]
    assert counted(strata, ("a", "b", "c")) == {"a": 4, "b": 3}
