"""Plugins in the user's project: found by their file, judged as others, and never in a list."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from adversity.distributions import distribution_of, place_of
from adversity.engine.calls.ready import Ready
from adversity.errors import PluginError, StaleInputsError, UnknownPluginError
from adversity.registry import read_catalogue, source_fingerprint
from adversity.registry.entry import class_of, licence_of
from adversity.registry.marks import marked_as
from adversity.registry.project_modules import project_sources
from adversity.registry.project_plugins import of_project

HALF = '''\
"""Half as bright."""

from typing import ClassVar

from adversity import Degradation

from .factors import FACTOR


class Half(Degradation):
    """Make images darker."""

    name: ClassVar[str] = "half"

    def degrade(self, images, rng):
        """Return darker images."""
        return images * FACTOR
'''


class Folder:
    """A project's folder."""

    def __init__(self, root: Path) -> None:
        """Take the folder."""
        self.root = root
        self.write("factors.py", "FACTOR = 0.5\n")
        self.write("half.py", HALF)

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def get(self, uses="./half.py:Half", kind=None):
        """Return the plugin that is named."""
        return of_project(uses, self.root, kind=kind)

    def refusal(self, uses="./half.py:Half", kind=None):
        """Return why it is refused."""
        with pytest.raises(UnknownPluginError) as caught:
            self.get(uses, kind)
        return str(caught.value)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one plugin, which imports from a file beside it."""
    monkeypatch.delenv("ADVERSITY_BLOCK", raising=False)
    (tmp_path / "project").mkdir()
    return Folder(tmp_path / "project")


def test_file_is_the_distribution(project):
    """An entry names kind, plugin and file; the class works, and nothing is written beside it."""
    entry = project.get()
    assert (entry.kind, entry.name, entry.distribution, entry.version) == (
        "degradation", "half", "./half.py", "",
    )  # fmt: skip
    assert entry.label == 'degradation "half" (./half.py)'
    assert entry.uses == "./half.py:Half"
    assert class_of(entry)().degrade(3.0, None) == 1.5
    assert distribution_of(class_of(entry).__module__) == ("./half.py", "")
    assert sorted(path.name for path in project.root.iterdir()) == ["factors.py", "half.py"]


@pytest.mark.parametrize("uses", ["./half.py", "./half.py:Half", "./half.py:half"])
def test_file_of_one_plugin_needs_no_class(project, uses):
    """The class, the plugin's own name, or the file alone mean the same class object."""
    assert project.get(uses).cls is project.get().cls


def test_files_in_folders_import_upwards(project):
    """A file in a folder reaches one above with two dots; the folder needs no __init__.py."""
    project.write("deep/er/half.py", HALF.replace(".factors", "...factors"))
    entry = project.get("./deep/er/half.py:Half")
    assert entry.distribution == "./deep/er/half.py"
    assert project_sources(class_of(entry).__module__) == ("deep/er/half.py", "factors.py")


def test_two_projects_share_no_module(project, tmp_path):
    """Files of the same name in two projects are apart, and so are those that they import."""
    other = Folder(tmp_path / "other")
    other.write("factors.py", "FACTOR = 0.25\n")
    assert class_of(project.get())().degrade(4.0, None) == 2.0
    assert class_of(other.get())().degrade(4.0, None) == 1.0
    assert class_of(project.get())().degrade(4.0, None) == 2.0
    assert marked_as(project.get()) != marked_as(other.get())


def test_fingerprint_is_of_the_source_alone(project, tmp_path):
    """Two folders with the same files have one fingerprint; what is imported changes it."""
    other = Folder(tmp_path / "other")
    same = source_fingerprint(class_of(project.get()))
    assert source_fingerprint(class_of(other.get())) == same
    other.write("factors.py", "# halves\nFACTOR = 0.5\n")
    assert source_fingerprint(class_of(other.get())) == same
    other.write("factors.py", "FACTOR = 0.25\n")
    assert source_fingerprint(class_of(other.get())) != same


def test_edited_file_is_imported_anew(project):
    """An edit within the same second, of the same length, is what the next plan runs."""
    before = class_of(project.get())
    project.write("factors.py", "FACTOR = 0.7\n")
    stamp = (project.root / "half.py").stat()
    os.utime(project.root / "factors.py", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    after = class_of(project.get())
    assert (before().degrade(1.0, None), after().degrade(1.0, None)) == (0.5, 0.7)


def test_file_that_changed_since_the_plan_is_refused(project):
    """What is imported late, in a method, is what was hashed while planning, or an error."""
    late = HALF.replace("\nfrom .factors import FACTOR\n", "").replace(
        "        return", "        from .factors import FACTOR\n\n        return"
    )
    project.write("half.py", late)
    plugin = class_of(project.get())()
    project.write("factors.py", "FACTOR = 0.75\n")
    with pytest.raises(
        StaleInputsError, match=r"expected factors\.py as it was when the pipeline was"
    ):
        plugin.degrade(1.0, None)
    assert class_of(project.get())().degrade(1.0, None) == 0.75


def test_no_list_looks_into_a_project(project, monkeypatch):
    """The catalogue of all plugins has none of a project, and imports none."""
    monkeypatch.chdir(project.root)
    project.write("half.py", "raise SystemExit('imported')\n")
    assert not any(one.name == "half" for one in read_catalogue(refresh=True).plugins)


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ("./halb.py:Half", "there is no file ./halb.py in the project; correct the path, put it"),
        ("./halb.py:Half", "or get it with `dvc pull`; did you mean ./half.py?"),
        ("./half.py:Hafl", "./half.py has no class Hafl; did you mean Half?"),
        ("./factors.py", "./factors.py defines no plugin; derive a class from Attack, Classifier, "),
        ("./half.py:Degradation", "./half.py only imports Degradation; define a class of your own"),
        ("./half.py:FACTOR", "./half.py: expected FACTOR to be a class, got float"),
        ("../half.py:Half", "must be a path inside the project, got '../half.py'"),
        ("./half:Half", "expected ./FILE.py:CLASS, a file of the project, as in ./my_model.py:My"),
        ("./.venv/half.py", "folders and files have no other dot in their names"),
        ("./deep/__init__.py:Half", "an __init__.py defines no plugin"),
        ("./deep", "expected ./FILE.py:CLASS"),
    ],
)  # fmt: skip
def test_name_that_means_nothing(project, uses, expected):
    """Each fault in a name is said with what was expected and what to do."""
    assert expected in project.refusal(uses)


TWO = HALF.replace('"""Half', '"""Two') + HALF.replace("Half(", "Third(").replace(
    '"half"', '"third"'
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import nothing_here\n", "./half.py cannot be imported: ModuleNotFoundError: No module n"),
        ("import nothing_here\n", "'nothing_here' (half.py, line 1); install nothing_here"),
        ("x = 1\ny = x / 0\n", "ZeroDivisionError: division by zero (half.py, line 2); fix it"),
        ("from .wrong import x\n", "NameError: name 'oops' is not defined (wrong.py, line 3); fix"),
        ("from .absent import x\n", "No module named '.absent' (half.py, line 1); fix it"),
        ("def f(:\n", "SyntaxError: invalid syntax (half.py, line 1); fix it"),
        ("from .broken import x\n", "expected Python source in ./broken.py, got invalid decimal lit"),
        ("raise SystemExit(3)\n", "SystemExit: 3 (half.py, line 1); a plugin must not end the pr"),
        ("import factors\n", "with a leading dot, got `import factors`: write `from . import fac"),
        ("def f():\n    from factors import x\n", "with a leading dot, got `import factors`"),
        (TWO, "./half.py defines 2 plugins; write ./half.py:Half or ./half.py:Third"),
        (HALF.replace('    name: ClassVar[str] = "half"\n', ""), "class Half has no name; write"),
        (HALF.replace('"half"', '"Half it"'), "expected a name in snake_case such as gaussian_n"),
        (HALF.replace("def degrade", "def worsen"), "class Half does not define degrade; write"),
        (HALF.replace("images, rng", "images"), "cannot be called with (self, images, rng)"),
        (HALF.replace('"half"\n', '"half"\n    stochastic = "yes"\n'), "stochastic"),
        (HALF.replace('"half"\n', '"half"\n    fingerprint: float = 1\n'), "fingerprint"),
        (HALF.replace('"half"\n', '"half"\n    api: ClassVar[int] = 99\n'), "written for 99; upgr"),
        (HALF.replace('    """Make images darker."""\n', ""), "class Half has no docstring"),
        ("class Half:\n    pass\n", "no plugin; derive a class from Attack, Classifier, Dataset, "),
    ],
)  # fmt: skip
def test_file_that_cannot_be_used(project, text, expected):
    """What is wrong in the file is said with its line, or as the registry says it of others."""
    project.write("wrong.py", "\n\nx = oops\n")
    project.write("broken.py", "\nx = 1y\n")
    project.write("half.py", text)
    assert expected in project.refusal("./half.py")


def test_plain_class_says_what_a_plugin_derives_from(project):
    """A network where a classifier must stand: the message names both, and the contract."""
    project.write("half.py", "class Base:\n    pass\n\nclass Net(Base):\n    pass\n")
    assert project.refusal("./half.py:Net", "classifier") == (
        "./half.py: class Net is no plugin, it derives from Base; derive a class from Classifier "
        "of `adversity`"
    )
    assert "from Score, PostHoc, Sampling or Detector of" in project.refusal(
        "./half.py", "uncertainty"
    )


def test_plugin_of_another_kind(project):
    """The kind that is expected is named beside the one that stands there."""
    assert project.get(kind="degradation").name == "half"
    assert project.refusal(kind="classifier") == (
        "./half.py:Half is a degradation, and a classifier is expected here; name another"
    )


def test_class_of_another_file_is_named_there(project):
    """A class that the file only imports is refused with the file that defines it."""
    project.write("offer.py", "from .half import Half\n")
    assert project.refusal("./offer.py:Half") == (
        "./offer.py only imports Half; write ./half.py:Half"
    )


def test_links_that_lead_out(project, tmp_path):
    """Neither the file nor what it imports, nor a folder on the way, may lie outside."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "half.py").write_text(HALF)
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
        "importlib.import_module('odd_' + 'neighbour')\n" + HALF,
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
    project.write("half.py", "import os, tempfile\nprint('hello')\nos.chdir('/')\n" + HALF)
    project.get()
    assert Path.cwd() == folder
    assert "importing ./half.py changed the working directory" in caplog.text
    assert capsys.readouterr().out == ""


def test_what_it_raises_later_is_said_with_its_line(project):
    """A method that fails names the file and the line of the project, whose user is its author."""
    project.write("half.py", HALF.replace("images * FACTOR", "images * FACTOR[0]"))
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
        "half.py", HALF.replace('"half"\n', '"half"\n    licence: ClassVar[str] = "MIT"\n')
    )
    assert licence_of(class_of(project.get())) == "MIT"


def test_place_of_a_module():
    """Only modules of a project have a place in it."""
    assert place_of("adversity_projects.x") is None
    assert place_of("adversity_project_1_1") is None
