"""Packaged data that several processes want to write first: one does, the others take that."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

pytestmark = pytest.mark.slow

NAMES = ("smoke", "second", "third")


def test_first_copies_at_once_are_one(
    started: Project, clean_environment: dict[str, str], tmp_path: Path
) -> None:
    """Three pipelines of a project need digits that nobody wrote: all come to their end."""
    project = started.copy(str(tmp_path / "crowded"))
    smoke = (project.root / "pipelines/smoke.yaml").read_text(encoding="utf-8")
    for name in NAMES[1:]:
        text = smoke.replace("name: smoke", f"name: {name}")
        (project.root / f"pipelines/{name}.yaml").write_text(text, encoding="utf-8")
    project.adversity("sync")
    at_once = [
        subprocess.Popen(
            ["adversity", "step", f"pipelines/{name}.yaml", "data:digits"],
            cwd=project.root,
            env=clean_environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in NAMES
    ]
    said = {each.pid: each.communicate(timeout=120)[0] for each in at_once}
    assert [each.returncode for each in at_once] == [0, 0, 0], said
    assert [path.name for path in (project.root / "data").glob("digits*")] == ["digits"]
    status = project.dvc("status", "data-digits")
    assert "up to date" in status.out, status
