"""The empty database of a project's server: what Prefect would make, made once a machine."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from prefect.settings import PREFECT_SERVER_DATABASE_CONNECTION_URL, temporary_settings

from adversity.registry.catalogue import cache_file
from adversity_flows.prefect_flows import server_database
from adversity_flows.prefect_flows.server import own_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

MAKE = """
import asyncio, os, sys
from pathlib import Path
from prefect.server.database import provide_database_interface
from prefect.settings import PREFECT_SERVER_DATABASE_CONNECTION_URL, temporary_settings
from adversity_flows.prefect_flows.server_database import make_database
def at(home):
    url = f"sqlite+aiosqlite:///{home}/prefect.db"
    return temporary_settings({PREFECT_SERVER_DATABASE_CONNECTION_URL: url})
first, second, alone = map(Path, sys.argv[1:])
if not (child := os.fork()):  # Prefect opens one database a process
    with at(alone):
        asyncio.run(provide_database_interface().create_db())
    os._exit(0)
os.waitpid(child, 0)
make_database(first)
with at(second):
    make_database(second)
"""


def at(home: Path) -> AbstractContextManager[object]:
    """Have Prefect's database of this process in a folder."""
    url = f"sqlite+aiosqlite:///{home}/prefect.db"
    return temporary_settings({PREFECT_SERVER_DATABASE_CONNECTION_URL: url})


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


@pytest.mark.slow
def test_the_second_project_gets_what_migrations_make(tmp_path: Path) -> None:
    """Every table, index and row of a database that Prefect makes by itself; and no more."""
    first, second, alone = homes = [tmp_path / name for name in ("first", "second", "alone")]
    for home in homes:
        home.mkdir()
    subprocess.run(
        [sys.executable, "-c", MAKE, *map(str, homes)],
        # as the server's process is run, but for a cache folder that is still empty
        env=own_environment()
        | {"PREFECT_HOME": str(first), "XDG_CACHE_HOME": str(tmp_path / "cache")},
        check=True,
        timeout=300,
    )
    (empty,) = (tmp_path / "cache/adversity").glob("prefect-*.db")
    assert empty.parent.name == cache_file().parent.name
    expected = content(alone / "prefect.db")
    assert expected[1]["alembic_version"] == 1
    assert content(first / "prefect.db") == content(empty) == expected
    assert content(second / "prefect.db") == expected


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database: the one that this machine has from its first server, or a new one."""
    home = tmp_path_factory.mktemp("first")
    with at(home):
        server_database.make_database(home)
    return home / "prefect.db"


@pytest.fixture
def migrations(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home for a server in this process, whose migrations leave at once what they leave."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr(server_database, "_migrate", lambda: shutil.copy(kept, home / "prefect.db"))
    with at(home):
        yield home


@pytest.mark.parametrize("size", [0, 5000])
def test_a_damaged_one_is_not_used(
    kept: Path, migrations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Nothing or the beginning of one: the server makes its own, and a whole one to keep."""
    monkeypatch.setattr(server_database, "cache_file", lambda: tmp_path / "catalogue.json")
    server_database.make_database(migrations)
    (damaged,) = tmp_path.glob("prefect-*.db")
    damaged.write_bytes(kept.read_bytes()[:size])
    (migrations / "prefect.db").unlink()
    server_database.make_database(migrations)
    assert content(migrations / "prefect.db") == content(damaged) == content(kept)


def test_a_cache_that_cannot_be_written_costs_time_only(
    kept: Path, migrations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file stands where the folder should be: the database is made all the same."""
    blocker = tmp_path / "cache"
    blocker.write_text("in the way")
    monkeypatch.setattr(server_database, "cache_file", lambda: blocker / "catalogue.json")
    server_database.make_database(migrations)
    assert content(migrations / "prefect.db") == content(kept)
    assert blocker.read_text() == "in the way"


def test_a_disk_that_takes_no_copy_costs_time_only(
    kept: Path, migrations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has errors of its own for a full disk and for a folder that may not be written."""

    def full(source: Path, target: Path) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(server_database, "_copy", full)
    monkeypatch.setattr(server_database, "cache_file", lambda: tmp_path / "cache/catalogue.json")
    server_database.make_database(migrations)
    assert content(migrations / "prefect.db") == content(kept)


def test_another_database_is_left_alone(
    migrations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the user has configured one, or this project has one, nothing is written."""
    monkeypatch.setattr(server_database, "cache_file", lambda: tmp_path / "cache/catalogue.json")
    url = f"sqlite+aiosqlite:///{tmp_path}/mine.db"
    with temporary_settings({PREFECT_SERVER_DATABASE_CONNECTION_URL: url}):
        server_database.make_database(migrations)
    assert list(tmp_path.rglob("*.db")) == []
    (migrations / "prefect.db").write_bytes(b"")
    server_database.make_database(migrations)
    assert (migrations / "prefect.db").read_bytes() == b""
    assert list(tmp_path.rglob("*.db")) == [migrations / "prefect.db"]
