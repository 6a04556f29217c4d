"""Real projects in temporary folders, run by the command line in processes of its own.

One finished run of the shipped smoke pipeline is made once; a test that needs a project of its
own gets a copy of it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).resolve().parents[2]
PIPELINE = "pipelines/smoke.yaml"
WARM: list[str] = []
"""The folder of commands that need not wait for their imports, once they are there."""


@dataclass(frozen=True)
class Answer:
    """What a command left.

    Attributes:
        code: Its exit code; -9 if it was killed.
        out: Standard output.
        err: Standard error.
    """

    code: int
    out: str
    err: str

    @property
    def ran(self) -> dict[str, str]:
        """The steps that ran and why, in words."""
        return dict(re.findall(r"^ ▸ (\S+) +(.+)$", self.err, re.MULTILINE))

    @property
    def unchanged(self) -> set[str]:
        """The steps that were found unchanged."""
        return set(re.findall(r"^ ✓ (\S+) +unchanged$", self.err, re.MULTILINE))


@dataclass(frozen=True)
class Project:
    """A project in a folder of its own."""

    root: Path

    def call(self, *command: str, code: int | None = 0, **environment: str) -> Answer:
        """Call a program in the project; `code=None` takes any exit code."""
        answer = subprocess.run(
            command,
            cwd=self.root,
            env=clean_environment() | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        said = f"{command}: {answer.returncode}\n{answer.stdout}\n{answer.stderr}"
        assert code is None or answer.returncode == code, said
        return Answer(answer.returncode, answer.stdout, answer.stderr)

    def adversity(self, *arguments: str, code: int | None = 0) -> Answer:
        """Call `adversity`, without waiting for its imports."""
        return self.call("adversity", *arguments, code=code)

    def run(self, *options: str, code: int | None = 0) -> Answer:
        """Run the pipeline without Prefect."""
        return self.adversity("run", PIPELINE, "--direct", *options, code=code)

    def dvc(self, *arguments: str, code: int | None = 0) -> Answer:
        """Call `dvc`, and what it calls, without waiting for their imports."""
        return self.call("dvc", *arguments, code=code)

    def commit(self) -> None:
        """Commit everything that git does not ignore."""
        self.call("git", "add", "--all")
        self.call("git", "commit", "--quiet", "--message", "as it is")

    def edit(self, old: str, new: str) -> None:
        """Replace a piece of the pipeline file that stands in it once."""
        path = self.root / PIPELINE
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, (old, text)
        path.write_text(text.replace(old, new), encoding="utf-8")

    def copy(self, name: str) -> Project:
        """Copy the project beside itself, or to an absolute path."""
        root = self.root.parent / name
        shutil.copytree(self.root, root, symlinks=True)
        return Project(root)

    def restore(self, earlier: Project) -> None:
        """Put back what DVC tracks and remembers of an earlier state; the store stays."""
        for name in ("artifacts", "metrics", ".dvc"):
            shutil.rmtree(self.root / name)
            shutil.copytree(earlier.root / name, self.root / name, symlinks=True)
        shutil.copyfile(earlier.root / "dvc.lock", self.root / "dvc.lock")

    @property
    def ledger(self) -> set[str]:
        """The files of the ledger of attacks, whose names tell what they hold."""
        folder = self.root / "runs" / "ledger"
        return {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")}

    def differences(self, other: Project) -> list[str]:
        """Return the names of tracked files that differ or that only one project has."""
        one, two = self.results(), other.results()
        return sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))

    def results(self) -> dict[str, bytes]:
        """Return the bytes of everything that DVC tracks, and of `dvc.lock`."""
        found = {"dvc.lock": (self.root / "dvc.lock").read_bytes()}
        for top in ("artifacts", "metrics", "data"):
            for path in sorted((self.root / top).rglob("*")):
                if path.is_file() and path.name != ".gitignore" and path.stem != "README":
                    found[path.relative_to(self.root).as_posix()] = path.read_bytes()
        return found


def program(name: str) -> str:
    """Return a program of the environment that runs the tests."""
    return str(Path(sys.executable).with_name(name))


def clean_environment() -> dict[str, str]:
    """Return the environment of a person's shell, without traces of the test run."""
    traces = ("COV_", "GITHUB_", "DVC_", "PREFECT_API")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(traces)}
    path = [*WARM, str(Path(sys.executable).parent), kept.get("PATH", "")]
    return kept | {
        "PATH": os.pathsep.join(path),
        "OMP_NUM_THREADS": "1",
        "DVC_NO_ANALYTICS": "1",
    }


@pytest.fixture(scope="session", name="program")
def program_of_this_environment() -> Callable[[str], str]:
    """Return the function that finds a program."""
    return program


@pytest.fixture(scope="session", autouse=True)
def _warm(warm_commands: Path) -> None:
    WARM[:] = [str(warm_commands)]


@pytest.fixture(scope="session", name="clean_environment")
def environment_of_a_person(_warm: None) -> dict[str, str]:
    """Return the environment for a child process that a test starts by itself."""
    return clean_environment()


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A new project with the shipped smoke pipeline, committed, in which nothing ran yet."""
    root = tmp_path_factory.mktemp("e2e") / "started"
    project = Project(root)
    Project(root.parent).adversity("init", str(root))
    (root / "pipelines" / "first_look.yaml").unlink()
    shutil.copyfile(REPOSITORY / PIPELINE, root / PIPELINE)
    project.adversity("sync")
    project.call("git", "config", "user.name", "A. Person")
    project.call("git", "config", "user.email", "person@example.org")
    project.commit()
    return project


@pytest.fixture(scope="session")
def finished(started: Project) -> Project:
    """The same project after one direct run, committed; tests only look at it.

    The run is a process of its own from the start, so that bytes that hang on the seed of its
    hashes or on a global generator differ from those of the other runs.
    """
    project = started.copy("finished")
    project.call(program("adversity"), "run", PIPELINE, "--direct")
    project.commit()
    return project


@pytest.fixture
def copied(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished project that a test may change."""
    return finished.copy(str(tmp_path / "copied"))


@pytest.fixture(scope="session")
def in_shards(started: Project) -> Project:
    """The smoke pipeline with a longer attack in 16 shards, in which nothing ran yet."""
    project = started.copy("in-shards")
    project.edit("seed: 0", "seed: 0\nrun: {shard_size: 8, workers: 2, images: 0}")
    project.edit("attack/fgsm", "attack/pgd")
    project.edit("{norm: linf, eps: $eps}", "{norm: linf, eps: $eps, steps: 10}")
    return project


@pytest.fixture(scope="session")
def by_threads(in_shards: Project) -> Project:
    """The same after a run whose workers are threads; tests only look at it."""
    project = in_shards.copy("by-threads")
    project.run()
    return project
