"""A temporary project: git, DVC, three photos that are text files, and the tiny pipeline."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def fake() -> ModuleType:
    """The fake pipeline's module."""
    return import_module("fake_pipeline")


def git(root: Path, *arguments: str) -> str:
    """Run git in a project."""
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture(scope="session")
def project_template(fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed project that tests copy: `git init` and `dvc init` once a session."""
    from dvc.repo import Repo

    root = tmp_path_factory.mktemp("template") / "project"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "Somebody")
    git(root, "config", "user.email", "somebody@example.org")
    Repo.init(str(root)).close()
    (root / ".dvc/config").write_text(
        "[core]\n    analytics = false\n    check_update = false\n    autostage = false\n"
        '[cache]\n    type = "reflink,copy"\n'
    )
    (root / ".gitignore").write_text("/.adversity/\n/artifacts/\n/metrics/\n")
    (root / "data/photos").mkdir(parents=True)
    for index, text in enumerate(["a", "bb", "ccc"]):
        (root / f"data/photos/{index}.txt").write_text(text)
    (root / "pipelines").mkdir()
    (root / "pipelines/tiny.yaml").write_text(fake.PIPELINE)
    git(root, "add", ".dvc", ".dvcignore", ".gitignore", "pipelines")
    git(root, "commit", "--quiet", "-m", "start")
    return root


def surround(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Give DVC a folder of its own for what it knows of a site."""
    patch.setenv("DVC_NO_ANALYTICS", "1")
    patch.setenv("DVC_SITE_CACHE_DIR", str(folder / "site-cache"))
    patch.setenv("OMP_NUM_THREADS", "1")
    patch.delenv("DVC_STAGE", raising=False)
    patch.delenv("DVC_ROOT", raising=False)


@pytest.fixture
def project(project_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh project; the current folder stays elsewhere."""
    root = tmp_path / "project"
    shutil.copytree(project_template, root)
    surround(monkeypatch, tmp_path)
    return root


@pytest.fixture(scope="session")
def conducted_template(
    project_template: Path, fake: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The project after its tiny pipeline ran once."""
    from adversity_flows.dvc.recorder import DvcRecorder
    from adversity_flows.steps.run_steps import conduct

    folder = tmp_path_factory.mktemp("conducted")
    root = folder / "project"
    shutil.copytree(project_template, root)
    with pytest.MonkeyPatch.context() as patch:
        surround(patch, folder)
        with DvcRecorder.open(root, patience=0.5) as opened:
            conduct(recorder_of(root, opened, fake))
    return root


@pytest.fixture
def conducted(project: Path, conducted_template: Path) -> Path:
    """The project of the test, in which the pipeline ran once: before DVC opens it."""
    shutil.copytree(conducted_template, project, dirs_exist_ok=True)
    return project


def recorder_of(
    project: Path, memory: Any, fake: ModuleType, hook: Any = None, force: Any = (), **plan: Any
) -> Any:
    """Return a conductor of the tiny pipeline as it stands."""
    from adversity_flows.steps.run_steps import StepRecorder

    workspace = fake.Workspace(project, project, project / ".adversity/store")
    return StepRecorder(
        fake.fake_plan(project, **plan),
        workspace,
        memory,
        force=force,
        opener=fake.opener(hook),
        reader=fake.reader,
    )


@pytest.fixture
def memory(project: Path) -> Iterator[Any]:
    """The project's memory."""
    from adversity_flows.dvc.recorder import DvcRecorder

    with DvcRecorder.open(project, patience=0.5) as opened:
        yield opened


@pytest.fixture
def conductor(project: Path, memory: Any, fake: ModuleType) -> Callable[..., Any]:
    """Make a conductor of the tiny pipeline as it stands; `hook` stands in the way of shards."""

    def make(hook: Any = None, force: tuple[str, ...] = (), **plan: Any) -> Any:
        return recorder_of(project, memory, fake, hook, force, **plan)

    return make


@pytest.fixture
def reasons() -> Callable[..., dict[str, tuple[str, str]]]:
    """Return a function from outcomes to each step's state and reason."""

    def by_step(outcomes: Any) -> dict[str, tuple[str, str]]:
        return {outcome.step: (outcome.state, outcome.reason) for outcome in outcomes}

    return by_step


@pytest.fixture
def plan(project: Path, fake: ModuleType) -> Any:
    """The tiny plan."""
    return fake.fake_plan(project)


@pytest.fixture
def another(project: Path, fake: ModuleType) -> Any:
    """A second pipeline of the project."""
    path = project / "pipelines/second.yaml"
    path.write_text(fake.PIPELINE.replace("name: tiny", "name: second"))
    return fake.fake_plan(project, name="second")


@pytest.fixture
def edit(project: Path) -> Callable[[str, str], None]:
    """Return a function that replaces a text in the pipeline file."""

    def replace(old: str, new: str) -> None:
        path = project / "pipelines/tiny.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return replace


@pytest.fixture
def locked(project: Path) -> Callable[[], dict[str, Any]]:
    """Return a function that reads the stages of dvc.lock."""

    def stages() -> dict[str, Any]:
        path = project / "dvc.lock"
        return yaml.safe_load(path.read_text())["stages"] if path.exists() else {}

    return stages


@pytest.fixture
def dvc(project: Path, warm_commands: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the dvc command in the project, as a user would, without waiting for its imports."""

    def run(*arguments: str, check: bool = True, **environment: str) -> Any:
        done = subprocess.run(
            [warm_commands / "dvc", *arguments],
            check=False,
            cwd=project,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def dead_pid() -> int:
    """The PID of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid
