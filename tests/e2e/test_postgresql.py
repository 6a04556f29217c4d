"""Prefect on PostgreSQL, which teams use: a server of the test's own, on a socket of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

PASSWORD = "correct-horse-battery"
DEBIAN = "/usr/lib/postgresql"


@dataclass(frozen=True)
class Postgres:
    """A server: its programs, the folder of its socket, and whom it runs as."""

    programs: Path
    folder: Path
    user: str | None

    def call(self, program: str, *arguments: str, said: str | None = None) -> str:
        """Call one of its programs."""
        done = subprocess.run(
            [self.programs / program, *arguments],
            input=said,
            cwd=self.folder,
            user=self.user,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def query(self, text: str, database: str = "postgres") -> str:
        """Return the answer to a query."""
        return self.call("psql", "--host", str(self.folder), "-At", database, said=text)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """Start PostgreSQL with a role that has a password, and end it."""
    root = os.geteuid() == 0  # it refuses to run as root, and Debian makes a user for it
    programs = _programs(root)
    # Whom it runs as must reach the folder, and the address of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        if root:
            shutil.chown(folder, "postgres")
        server = Postgres(programs, folder, "postgres" if root else None)
        data = str(folder / "data")
        server.call("initdb", "--auth", "scram-sha-256", "--auth-local", "trust", "-D", data)
        options = f"-c listen_addresses='' -k {folder} -F"
        server.call("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            server.query(f"create role prefect login superuser password '{PASSWORD}'")
            server.query("create database prefect owner prefect")
            yield server
        finally:
            server.call("pg_ctl", "-D", data, "-m", "immediate", "stop")


def _programs(root: bool) -> Path:
    """Return the folder of PostgreSQL's programs; where there are none, they are installed."""
    for attempt in (False, True):
        if attempt and root and shutil.which("apt-get"):
            command = ["apt-get", "install", "--yes", "--quiet", "postgresql"]
            subprocess.run(command, capture_output=True, check=False)
        found = sorted(Path(DEBIAN).glob("*/bin/initdb"))
        initdb = found[-1] if found else shutil.which("initdb")
        if initdb:
            return Path(initdb).parent
    pytest.skip("PostgreSQL is not here, and cannot be installed by whom the tests run as")


def test_runs_are_recorded_in_postgresql(
    started, postgres: Postgres, clean_environment: dict[str, str], tmp_path
):
    """Servers of two projects use the configured database; the password is written nowhere."""
    url = f"postgresql+asyncpg://prefect:{PASSWORD}@/prefect?host={postgres.folder}"
    projects = [started.copy(str(tmp_path / name)) for name in ("one", "other")]
    for project in projects:
        answer = project.call(
            "adversity",
            "run",
            "pipelines/smoke.yaml",
            **clean_environment,
            PREFECT_SERVER_DATABASE_CONNECTION_URL=url,
        )
        assert "goes on without Prefect" not in answer.err
        assert not (project.root / ".adversity" / "prefect" / "prefect.db").exists()
        assert not _holding(project.root, PASSWORD)
    found = postgres.query("select name, state_type from flow_run", "prefect")
    assert found.split() == ["smoke|COMPLETED"] * 2
    assert projects[0].differences(projects[1]) == []


def _holding(root: Path, text: str) -> list[Path]:
    """Return the files of a project that hold a text."""
    wanted = text.encode()
    files = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return [path for path in files if wanted in path.read_bytes()]
