"""What a file of the project may not do, and what is said of it: links, blocks, lines, licences."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from adversity.distributions import place_of
from adversity.engine.calls.ready import Ready
from adversity.errors import PluginError, StaleInputsError
from adversity.registry import source_fingerprint
from adversity.registry.entry import class_of, licence_of
from adversity.registry.project_modules import project_sources


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
    for _ in range(2):  # what was imported is forgotten, so that it is noticed again
        assert "imported odd_neighbour of the project by an absolute name" in project.refusal()
    assert "odd_neighbour" not in sys.modules


@pytest.mark.parametrize("place", ["src/odd_lib/__init__.py", "src/odd_lib/inner.py", "odd_lib.py"])
def test_import_in_a_method_of_what_is_on_the_path(project, monkeypatch, place):
    """A package of the project is in no key by its absolute name, in whichever folder it lies."""
    monkeypatch.syspath_prepend(project.root / "src")
    monkeypatch.syspath_prepend(project.root)
    project.write(place, "X = 1\n")
    line = "import odd_lib\n        return images"
    project.write("half.py", project.half.replace("return images", line))
    lies = place.rpartition("/")[0] or place
    assert f"got `import odd_lib`, which is {lies} of the project: write" in project.refusal()
    assert "odd_lib" not in sys.modules


COMPUTED = "expected files of the project to be imported by names that stand in the source, got `"


@pytest.mark.parametrize(
    ("line", "got"),
    [
        (f"importlib.import_module({given})", f"importlib.import_module({given})")
        for given in (
            "'.fac' + 'tors', __package__",
            "package=__package__, name='.fac' + 'tors'",
            "f'{__package__}.factors'",
            "__spec__.parent + '.factors'",
            "'.factors', __package__ + '.sub'",
            "*['.factors', __package__]",
        )
    ]
    + [
        ("__import__('factors', globals(), None, ['a', *'b'], 1)",) * 2,
        ("(lambda load: load('.factors', __package__))(importlib.import_module)", "importlib.imp"),
        ("getattr(importlib, 'import_module')('.factors', __package__)", "in another way"),
    ],
)
def test_import_that_no_source_names(project, line, got):
    """A neighbour that is imported by a name put together is in no key: refused, now and later."""
    head, _, body = project.half.replace("\nfrom .factors import FACTOR\n", "").partition("\n\n\n")
    now = f"{head}\nimport importlib\nFACTOR = {line}.FACTOR\n\n\n{body}"
    expected = got if got == "in another way" else COMPUTED + got
    project.write("half.py", now)
    for _ in range(2):
        said = project.refusal()
        assert expected in said
        assert "(./half.py, line 7)" in said or got == "in another way"
    later = body.replace("images * FACTOR", f"images * {line}.FACTOR")
    project.write("half.py", f"{head}\nimport importlib\n\n\n{later}")
    if got == "in another way":
        with pytest.raises(
            PluginError, match=r"got factors\.py in another way: write `from \.fact"
        ):
            class_of(project.get())().degrade(1.0, None)
    else:
        assert expected in project.refusal()


def test_computed_import_of_what_another_plugin_imports(project):
    """It is refused in the source: once a plugin has imported the file, Python asks no finder."""
    body = project.half.replace("from .factors import FACTOR", "import importlib as lib")
    line = "lib.import_module(f'{__package__}.factors')"
    project.write("own.py", body.replace("* FACTOR", f"* {line}.FACTOR"))
    class_of(project.get())
    assert f"{COMPUTED}{line}` (./own.py, line 17)" in project.refusal("./own.py")


def test_importer_by_another_name(project):
    """What imports by a name is called by its own, so that its names are found."""
    line = "from importlib import import_module as load"
    project.write("half.py", f"{line}\n{project.half}")
    assert f"{COMPUTED}import_module as load` (./half.py, line 1)" in project.refusal()


@pytest.mark.parametrize(
    "line",
    [
        "importlib.import_module('.factors', __package__)",
        "importlib.import_module(package=__spec__.parent, name='.factors')",
        "__import__('factors', globals(), None, ['FACTOR'], 1)",
        "__import__('', globals(), level=1, fromlist=('factors',)).factors",
    ],
)
def test_import_by_a_name_that_stands_there(project, line):
    """It counts as one with leading dots does."""
    project.write("deep/factors.py", "FACTOR = 0.25\n")
    body = project.half.replace("from .factors import FACTOR", "import importlib")
    project.write("deep/half.py", body.replace("* FACTOR", f"* {line}.FACTOR"))
    cls = class_of(project.get("./deep/half.py"))
    assert project_sources(cls.__module__) == ("deep/factors.py", "deep/half.py")
    assert cls().degrade(1.0, None) == 0.25


def test_computed_import_of_what_is_installed(project):
    """A name that is put together, without a package, means a library: it is imported."""
    line = "import importlib\nimportlib.import_module('js' + 'on')\n__import__('j' + 'son', fromlist=['x'])"
    project.write("half.py", f"{line}\n{project.half}")
    assert class_of(project.get())().degrade(1.0, None) == 0.5


def test_init_of_a_folder_counts(project):
    """Python runs the `__init__.py` above a file first: it is in the key, and DVC has it."""
    project.write("deep/__init__.py", "SCALE = 1\n")
    project.write("deep/er/half.py", project.half.replace(".factors", "...factors"))
    uses = "./deep/er/half.py:Half"
    cls = class_of(project.get(uses))
    before = source_fingerprint(cls)
    assert project_sources(cls.__module__) == (
        "deep/__init__.py",
        "deep/er/half.py",
        "factors.py",
    )
    project.write("deep/__init__.py", "SCALE = 2\n")
    assert source_fingerprint(class_of(project.get(uses))) != before
    project.write("deep/__init__.py", "SCALE = = 2\n")
    assert "expected Python source in ./deep/__init__.py, got invalid syntax" in project.refusal(
        uses
    )


def test_file_that_changes_between_import_and_key(project):
    """What was hashed since is not what runs: the plan is refused, and the next one is right."""
    module = class_of(project.get()).__module__
    project.write("factors.py", "FACTOR = 0.75\n")
    with pytest.raises(StaleInputsError, match=r"expected factors\.py as it was when the pipeline"):
        project_sources(module)
    assert project_sources(class_of(project.get()).__module__) == ("factors.py", "half.py")


@pytest.mark.parametrize("name", ["own.half.py", "half.txt", "__init__.py", "ha\u202elf.py"])
def test_link_to_an_odd_name(project, name):
    """A link stands for the file that it leads to, which must have a name to be imported by."""
    (project.root / "half.py").rename(project.root / name)
    (project.root / "half.py").symlink_to(project.root / name)
    said = project.refusal()
    assert "got ./half.py, which leads to ./" in said
    assert said.isprintable()
    (project.root / "plain.py").symlink_to(project.root / "factors.py")
    assert "./factors.py defines no plugin" in project.refusal("./plain.py")


@pytest.mark.parametrize("levels", [5_000, 50_000])
@pytest.mark.parametrize("name", ["half.py", "factors.py"])
def test_source_of_too_many_levels(project, name, levels):
    """What Python cannot read is said, be it the file or one that it imports."""
    project.write(name, f"X = {'-' * levels}1\n")
    said = project.refusal()
    assert "./half.py cannot be imported: " in said or "source in ./factors.py, got " in said


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
    assert place_of("adversity_project_helpers.plugins") is None
