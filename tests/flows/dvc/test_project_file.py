"""What is kept of `dvc.yaml` and `dvc.lock` is what DVC would read of them now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from dvc.stage.exceptions import StageFileDoesNotExistError, StageNotFound

from adversity.errors import InputError
from adversity_flows.dvc.project_file import ParsedProject
from adversity_flows.steps.run_steps import conduct

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MINE = "  mine:\n    cmd: echo\n    deps: [artifacts/tiny/attacked]\n"


@pytest.fixture
def opened(project: Path) -> Any:
    """DVC's repository of the project."""
    from adversity_flows.dvc.repository import open_repository

    with open_repository(project) as repo:
        yield repo


def _content(stage: Any) -> tuple[Any, ...]:
    items = [*stage.deps, *stage.outs]
    return stage.name, stage.cmd, [(item.def_path, item.hash_info) for item in items]


def test_a_stage_is_what_dvc_loads_at_each_moment(
    project: Path, opened: Any, conductor: Callable[..., Any]
) -> None:
    """Before it ran, after it, with its record gone, and with a stage that somebody added."""
    parsed = ParsedProject(opened)
    path = project / "dvc.yaml"
    with pytest.raises(StageFileDoesNotExistError):
        parsed.stage("tiny-attacked")
    conductor().prepare()
    seen = []

    def look(name: str) -> None:
        opened._reset()
        seen.append(_content(parsed.stage(name)))
        assert seen[-1] == _content(opened.stage.load_one(path=str(path), name=name))

    names = list(parsed.order())
    attacked = next(name for name in names if name.endswith("attacked"))
    look(attacked)
    conduct(conductor())
    look(attacked)
    (project / "dvc.lock").unlink()
    look(attacked)
    assert seen[0] == seen[2] != seen[1]
    path.write_text(path.read_text().replace("stages:\n", "stages:\n" + MINE))
    look("mine")
    assert set(parsed.order()) == {*names, "mine"}
    path.write_text(path.read_text().replace(MINE, ""))
    with pytest.raises(StageNotFound):
        parsed.stage("mine")


@pytest.mark.parametrize("name", ["dvc.yaml", "dvc.lock"])
def test_a_file_that_is_no_text_is_named(
    project: Path, opened: Any, conductor: Callable[..., Any], name: str
) -> None:
    """With the line of the first byte that is none; DVC raised an error of Python's own."""
    conductor().prepare()
    content = (project / "dvc.yaml").read_bytes()
    (project / name).write_bytes(b"# one\n# caf\xe9\n" + content)
    with pytest.raises(InputError, match=rf"{name}:2: expected UTF-8 text, got the byte 0xe9"):
        ParsedProject(opened).order()


def test_each_call_gives_an_object_of_its_own(opened: Any, conductor: Callable[..., Any]) -> None:
    """Saving a stage changes it; the next caller must get what the files say."""
    conductor().prepare()
    parsed = ParsedProject(opened)
    name = parsed.order()[0]
    first = parsed.stage(name)
    before = _content(first)
    first.cmd = "something else"
    first.deps.clear()
    assert _content(parsed.stage(name)) == before
