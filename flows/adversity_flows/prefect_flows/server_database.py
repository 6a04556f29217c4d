"""The database of a project's Prefect server, begun from an empty one that was made before.

Prefect makes it by a hundred migrations, 10 s of processor time at the first start in every
project. What they leave is the same for every project, so it is kept in the user's cache folder.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, suppress
from importlib.metadata import version
from typing import TYPE_CHECKING

from adversity.data.atomic import atomic_write
from adversity.errors import StorageError
from adversity.registry.catalogue import cache_file

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["make_database"]

NAME = "prefect.db"


def make_database(home: Path) -> None:
    """Make the database of a server that has none yet.

    Prefect brings it up to date at every start, so it may be of an older version, and where the
    user has configured another database this one is not made.

    Args:
        home: The server's PREFECT_HOME, which is set in the environment.
    """
    database = home / NAME
    # SQLAlchemy is in the name because Prefect's migrations are written through it.
    cached = cache_file().with_name(f"prefect-{version('prefect')}-{version('sqlalchemy')}.db")
    if database.exists() or not _is_used(database):
        return
    if _is_whole(cached):
        _copy(cached, database)
        return
    _migrate()
    with suppress(OSError, sqlite3.Error, StorageError):  # the next project takes longer, no more
        _copy(database, cached)


def _migrate() -> None:
    from prefect.server.database import provide_database_interface

    asyncio.run(provide_database_interface().create_db())


def _is_used(database: Path) -> bool:
    from prefect.settings import get_current_settings

    url = get_current_settings().server.database.connection_url
    return url is not None and url.get_secret_value().endswith(f":///{database}")


def _is_whole(database: Path) -> bool:
    """Say whether a database is there and can be read: a damaged one would stop every start."""
    if not database.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as opened:
            (answer,) = opened.execute("pragma quick_check").fetchone()
            opened.execute("select version_num from alembic_version").fetchone()
    except sqlite3.Error:
        return False
    return bool(answer == "ok")


def _copy(source: Path, target: Path) -> None:
    """Copy a database, with what its journal still holds, in one piece."""

    def fill(new: Path) -> None:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(new)) as copy:
            old.backup(copy)

    atomic_write(target, fill)
