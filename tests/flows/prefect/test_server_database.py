"""The empty database of a project's server: what Prefect would make, made once a machine."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from adversity.registry.catalogue import cache_file
from adversity_flows.prefect_flows import server_database
from adversity_flows.prefect_flows.server import own_environment

if TYPE_CHECKING:
    from pathlib import Path

MAKE = """
import sys
from pathlib import Path
from adversity_flows.prefect_flows.server_database import make_database
make_database(Path(sys.argv[1]))
"""
MIGRATE = """
import asyncio
from prefect.server.database import provide_database_interface
asyncio.run(provide_database_interface().create_db())
"""


def run(program: str, home: Path, **variables: str) -> None:
    """Run a program as the server's process is run, with its PREFECT_HOME."""
    home.mkdir(parents=True, exist_ok=True)
    given = own_environment() | {"PREFECT_HOME": str(home)} | variables
    subprocess.run([sys.executable, "-c", program, str(home)], env=given, check=True, timeout=300)


def content(database: Path) -> tuple[set[tuple[str, str, frozenset[str]]], dict[str, int]]:
    """Return the definitions in a database, and how many rows each table has.

    Prefect writes a table's constraints in any order, so a definition is a set of lines.
    """
    with closing(sqlite3.connect(database)) as opened:
        parts = {
            (kind, name, frozenset(line.strip("\t ,") for line in (sql or "").splitlines()))
            for kind, name, sql in opened.execute("select type, name, sql from sqlite_master")
        }
        rows = {
            name: opened.execute(f'select count(*) from "{name}"').fetchone()[0]
            for kind, name, _ in parts
            if kind == "table"
        }
    return parts, rows


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A cache folder that a first server has filled, and that server's database."""
    cache, home = tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("first")
    run(MAKE, home, XDG_CACHE_HOME=str(cache))
    (empty,) = (cache / "adversity").glob("prefect-*.db")
    assert empty.parent.name == cache_file().parent.name
    return empty, home / "prefect.db"


@pytest.mark.slow
def test_the_second_project_gets_what_migrations_make(
    kept: tuple[Path, Path], tmp_path: Path
) -> None:
    """Every table, index and row of a database that Prefect makes by itself; and no more."""
    empty, first = kept
    run(MAKE, tmp_path / "second", XDG_CACHE_HOME=str(empty.parents[1]))
    run(MIGRATE, tmp_path / "alone")
    assert content(tmp_path / "alone/prefect.db")[1]["alembic_version"] == 1
    expected = content(tmp_path / "alone/prefect.db")
    assert content(first) == content(empty) == content(tmp_path / "second/prefect.db") == expected


@pytest.fixture
def migrations(kept: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home for a server in this process, whose migrations leave at once what they leave."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr(server_database, "_is_used", lambda _: True)
    monkeypatch.setattr(
        server_database, "_migrate", lambda: shutil.copy(kept[0], home / "prefect.db")
    )
    return home


@pytest.mark.parametrize("size", [0, 5000])
def test_a_damaged_one_is_not_used(
    kept: tuple[Path, Path],
    migrations: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
) -> None:
    """Nothing or the beginning of one: the server makes its own, and a whole one to keep."""
    monkeypatch.setattr(server_database, "cache_file", lambda: tmp_path / "catalogue.json")
    damaged = tmp_path / kept[0].name
    damaged.write_bytes(kept[0].read_bytes()[:size])
    server_database.make_database(migrations)
    assert content(migrations / "prefect.db") == content(damaged) == content(kept[0])


def test_a_cache_that_cannot_be_written_costs_time_only(
    kept: tuple[Path, Path], migrations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file stands where the folder should be: the database is made all the same."""
    blocker = tmp_path / "cache"
    blocker.write_text("in the way")
    monkeypatch.setattr(server_database, "cache_file", lambda: blocker / "catalogue.json")
    server_database.make_database(migrations)
    assert content(migrations / "prefect.db") == content(kept[0])
    assert blocker.read_text() == "in the way"


def test_a_disk_that_takes_no_copy_costs_time_only(
    kept: tuple[Path, Path], migrations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has errors of its own for a full disk and for a folder that may not be written."""

    def full(source: Path, target: Path) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(server_database, "_copy", full)
    monkeypatch.setattr(server_database, "cache_file", lambda: tmp_path / "cache/catalogue.json")
    server_database.make_database(migrations)
    assert content(migrations / "prefect.db") == content(kept[0])


def test_another_database_is_left_alone(kept: tuple[Path, Path], tmp_path: Path) -> None:
    """Where the user has configured one, or this project has one, nothing is written."""
    cache, url = str(kept[0].parents[1]), f"sqlite+aiosqlite:///{tmp_path}/mine.db"
    run(MAKE, tmp_path / "a", XDG_CACHE_HOME=cache, PREFECT_SERVER_DATABASE_CONNECTION_URL=url)
    assert list((tmp_path / "a").glob("*.db")) == []
    (tmp_path / "b").mkdir()
    (tmp_path / "b/prefect.db").write_bytes(b"")
    run(MAKE, tmp_path / "b", XDG_CACHE_HOME=cache)
    assert (tmp_path / "b/prefect.db").read_bytes() == b""
