"""What a file of the project may not do, and what is said of it: links, blocks, lines, licences."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from adversity.distributions import place_of
from adversity.engine.calls.ready import Ready
from adversity.errors import PluginError
from adversity.registry.entry import class_of, licence_of


def test_links_that_lead_out(project, tmp_path):
    """Neither the file nor what it imports, nor a folder on the way, may lie outside."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "half.py").write_text(project.half)
    (outside / "factors.py").write_text("FACTOR = 0.5\n")
    (project.root / "link.py").symlink_to(outside / "half.py")
    (project.root / "folder").symlink_to(outside)
    assert "./link.py must lie in the project" in project.refusal("./link.py")
    assert "./folder/half.py must lie in the project" in project.refusal("./folder/half.py")
    (project.root / "factors.py").unlink()
    (project.root / "factors.py").symlink_to(outside / "factors.py")
    assert "factors.py must lie in the project" in project.refusal()


def test_file_that_dvc_does_not_see(project):
    """A file, or one that it imports, that .dvcignore leaves out would change unnoticed."""
    project.write(".dvcignore", "factors.py\n")
    assert "./half.py: factors.py is left out by .dvcignore" in project.refusal()


def test_import_by_way_of_the_path_is_noticed(project, monkeypatch):
    """A file that reaches its neighbour over sys.path is refused: no key would hold that source."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    project.write("odd_neighbour.py", "X = 1\n")
    project.write(
        "half.py",
        "import importlib, os, sys\nsys.path.append(os.path.dirname(__file__))\n"
        "importlib.import_module('odd_' + 'neighbour')\n" + project.half,
    )
    try:
        assert "imported odd_neighbour of the project by an absolute name" in project.refusal()
    finally:
        sys.modules.pop("odd_neighbour", None)


def test_blocked_file_is_not_imported(project, monkeypatch):
    """A file, a plugin or its short name can be blocked; the file is then left alone."""
    for name in ("./half.py", "degradation/half", "./half.py:half"):
        monkeypatch.setenv("ADVERSITY_BLOCK", name)
        assert "is blocked by name; unblock it to use it" in project.refusal()
    monkeypatch.setenv("ADVERSITY_BLOCK", "./half.py")
    project.write("half.py", "raise SystemExit('imported')\n")
    assert "is blocked by name" in project.refusal()


def test_process_is_left_as_it_was(project, caplog, capsys):
    """A file that changes the process when it is imported is told of it, and undone."""
    folder = Path.cwd()
    project.write("half.py", "import os, tempfile\nprint('hello')\nos.chdir('/')\n" + project.half)
    project.get()
    assert Path.cwd() == folder
    assert "importing ./half.py changed the working directory" in caplog.text
    assert capsys.readouterr().out == ""


def test_what_it_raises_later_is_said_with_its_line(project):
    """A method that fails names the file and the line of the project, whose user is its author."""
    project.write("half.py", project.half.replace("images * FACTOR", "images * FACTOR[0]"))
    ready = Ready(class_of(project.get())(), 'degradation "half" (./half.py)')
    with pytest.raises(TypeError) as raised:
        ready.plugin.degrade(1.0, None)
    with pytest.raises(PluginError) as caught:
        ready.guard(raised.value)
    assert str(caught.value) == (
        "degradation \"half\" (./half.py) raised TypeError: 'float' object is not subscriptable; "
        "fix ./half.py (half.py, line 17)"
    )


def test_licence_is_what_the_class_states(project):
    """A project has no metadata: nobody's licence is made up."""
    assert licence_of(class_of(project.get())) is None
    project.write(
        "half.py", project.half.replace('"half"\n', '"half"\n    licence: ClassVar[str] = "MIT"\n')
    )
    assert licence_of(class_of(project.get())) == "MIT"


def test_place_of_a_module():
    """Only modules of a project have a place in it."""
    assert place_of("adversity_projects.x") is None
    assert place_of("adversity_project_1_1") is None
