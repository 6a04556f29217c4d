"""The ledger's folder: the same entry once, whole or not at all, never quietly wrong."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pyarrow import parquet

from adversity.data.ledger import Entry, Ledger
from adversity.data.tables import read_table, write_table
from adversity.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path


def entry(attack: str = "a", *, victim: str = "f", wrong: str = "x...", **names: str) -> Entry:
    """Return an entry about four samples."""
    rows = {
        "sample": np.array(list("kvwz"), dtype=object),
        "start_correct": np.ones(4, dtype=bool),
        "wrong": np.array([letter == "x" for letter in wrong]),
        "distance": np.linspace(0, 0.03, 4),
        "queries": np.arange(4),
        "loss": np.array([0.1, np.nan, np.inf, 3.0]),
    }
    facts: dict[str, Any] = {"plugin": "attack/pgd", "parameters": {"eps": 0.03}, "seed": 3}
    facts |= {"knowledge": "white-box", "norm": "linf", "eps": 0.03}
    names = {"pipeline": "nightly"} | names
    return Entry(victim * 64, "d" * 64, attack * 64, facts, rows, names)


def files(folder: Path) -> list[Path]:
    """Return everything in a folder and below."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    """Keys, facts and every column come back, NaN and infinity included."""
    ledger, written = Ledger(tmp_path), entry()
    assert ledger.add(written)
    (read,) = ledger.page(written.victim, written.data)
    assert (read.facts, read.names, read.content) == (
        written.facts,
        written.names,
        written.content,
    )
    for name, values in written.rows.items():
        np.testing.assert_array_equal(read.rows[name], values)
        assert read.rows[name].dtype == values.dtype


def test_the_same_result_is_kept_once_whoever_finds_it(tmp_path: Path) -> None:
    """Again, and from a pipeline of another name: not one byte of the folder changes."""
    ledger = Ledger(tmp_path)
    assert ledger.add(entry())
    (path,) = files(tmp_path)
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert not ledger.add(entry())
    assert not ledger.add(entry(pipeline="weekly"))
    assert files(tmp_path) == [path]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_another_result_of_the_same_attack_is_kept_beside_it(tmp_path: Path) -> None:
    """Another type of processor may find one sample more; that must not get lost."""
    ledger = Ledger(tmp_path)
    ledger.add(entry())
    assert ledger.add(entry(wrong="xx.."))
    assert len(ledger.page("f" * 64, "d" * 64)) == 2


def test_every_victim_has_a_page_of_its_own(tmp_path: Path) -> None:
    """Pages are told apart by victim and data; a page that is not there is empty."""
    ledger = Ledger(tmp_path / "none yet")
    assert list(ledger.pages()) == []
    for one in (entry("a"), entry("b"), entry("a", victim="e")):
        ledger.add(one)
    assert sorted(len(page) for page in ledger.pages()) == [1, 2]
    assert ledger.page("e" * 64, "c" * 64) == ()
    # Folders are named by the first digits only.
    assert ledger.page("f" * 16 + "0" * 48, "d" * 64) == ()


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    """Eight write eight entries each, half of them the same: every entry is there, and whole."""

    def write(worker: int) -> None:
        ledger = Ledger(tmp_path)
        for number in range(8):
            ledger.add(entry("0123456789abcdef"[number if number % 2 else worker]))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    page = Ledger(tmp_path).page("f" * 64, "d" * 64)
    assert {e.attack[0] for e in page} == set("01234567")
    assert len(files(tmp_path)) == len(page) == 8


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def _better(path: Path) -> None:
    """Say that nothing was found, in a file that is sound otherwise."""
    columns = read_table(path)
    write_table(path, columns | {"wrong": np.zeros(4, dtype=bool)})


def _weaker(path: Path) -> None:
    """Say that the attack had a smaller budget."""
    columns = read_table(path)
    text = columns["facts"][0].replace("0.03", "0.02")
    write_table(path, columns | {"facts": np.array([text] * 4, dtype=object)})


def _bare(path: Path) -> None:
    columns = read_table(path)
    del columns["facts"]
    write_table(path, columns)


def _renamed(path: Path) -> None:
    path.rename(path.with_name("copy of " + path.name))


@pytest.mark.parametrize("damage", [_cut, _better, _weaker, _bare, _renamed])
def test_a_damaged_file_is_said_and_not_passed_over(tmp_path: Path, damage: Any) -> None:
    """Half a file, other rows, other facts, missing columns: the message names file and cure."""
    ledger = Ledger(tmp_path)
    ledger.add(entry())
    ledger.add(entry("b"))
    damage(files(tmp_path)[0])
    for read in (lambda: ledger.page("f" * 64, "d" * 64), lambda: list(ledger.pages())):
        with pytest.raises(StorageError, match=r"ledger of attacks: .*\.parquet is damaged") as e:
            read()
        assert "delete it" in str(e.value)


def test_a_half_written_file_is_none(tmp_path: Path) -> None:
    """What a killed writer left behind has another name and does not disturb."""
    ledger = Ledger(tmp_path)
    ledger.add(entry())
    (path,) = files(tmp_path)
    path.with_name(f".{path.name}.0123abcd-77-0123abcd.part").write_bytes(b"PAR1")
    assert len(ledger.page("f" * 64, "d" * 64)) == 1


def test_names_for_people_are_no_part_of_the_content() -> None:
    """Everything else is: keys, facts, and each value of each column."""
    one = entry()
    assert one.content == entry(pipeline="weekly").content
    others = [
        entry("b"),
        entry(victim="e"),
        entry(wrong="...."),
        replace(one, facts={**one.facts, "seed": 4}),
        replace(one, rows={**one.rows, "queries": np.arange(1, 5)}),
    ]
    assert len({one.content, *(other.content for other in others)}) == 6


def test_other_tools_can_read_it(tmp_path: Path) -> None:
    """Each row says by itself which sample, victim and attack it speaks of."""
    Ledger(tmp_path).add(entry())
    table = parquet.read_table(files(tmp_path)[0])
    row = table.to_pylist()[0]
    assert (row["sample"], row["wrong"], row["attack_plugin"]) == ("k", True, "attack/pgd")
    assert (row["victim"], row["attack_seed"]) == ("f" * 64, "3")
    assert row["attack_parameters"] == '{"eps": 0.03}'
