"""Plugins in the user's project: found by their file, judged as others, and never in a list."""

from __future__ import annotations

import os

import pytest

from adversity.distributions import distribution_of
from adversity.errors import StaleInputsError
from adversity.registry import read_catalogue, source_fingerprint
from adversity.registry.entry import class_of
from adversity.registry.marks import marked_as
from adversity.registry.project_modules import project_sources
from adversity.registry.project_plugins import found_in


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
    project.write("deep/er/half.py", project.half.replace(".factors", "...factors"))
    entry = project.get("./deep/er/half.py:Half")
    assert entry.distribution == "./deep/er/half.py"
    assert project_sources(class_of(entry).__module__) == ("deep/er/half.py", "factors.py")


def test_two_projects_share_no_module(project, tmp_path):
    """Files of the same name in two projects are apart, and so are those that they import."""
    other = type(project)(tmp_path / "other")
    other.write("factors.py", "FACTOR = 0.25\n")
    assert class_of(project.get())().degrade(4.0, None) == 2.0
    assert class_of(other.get())().degrade(4.0, None) == 1.0
    assert class_of(project.get())().degrade(4.0, None) == 2.0
    assert marked_as(project.get()) != marked_as(other.get())


def test_fingerprint_is_of_the_source_alone(project, tmp_path):
    """Two folders with the same files have one fingerprint; what is imported changes it."""
    other = type(project)(tmp_path / "other")
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


@pytest.mark.parametrize("new", ["factors/__init__.py", "deep/__init__.py"])
def test_new_file_in_the_way_of_another_is_imported(project, new):
    """A package beside a module goes before it, and Python runs an `__init__.py` above a file."""
    project.write("deep/half.py", project.half.replace(".factors", "..factors"))
    before = class_of(project.get("./deep/half.py"))
    assert class_of(project.get("./deep/half.py")) is before
    old = source_fingerprint(before)
    project.write(new, "import math\nFACTOR = 0.7\n")
    after = class_of(project.get("./deep/half.py"))
    assert after().degrade(1.0, None) == (0.7 if new.startswith("factors") else 0.5)
    assert after is not before
    assert source_fingerprint(after) != old


def test_new_file_that_is_no_python(project):
    """It is said of the plugin that would import it, and of no other."""
    project.write("other.py", project.half.replace(".factors", ".others"))
    project.write("others.py", "FACTOR = 2.0\n")
    class_of(project.get())
    class_of(project.get("./other.py"))
    project.write("factors/__init__.py", "FACTOR = = 1\n")
    assert class_of(project.get("./other.py"))().degrade(1.0, None) == 2.0
    assert "expected Python source in ./factors/__init__.py, got" in project.refusal()


def test_file_that_changed_since_the_plan_is_refused(project):
    """What is imported late, in a method, is what was hashed while planning, or an error."""
    late = project.half.replace("\nfrom .factors import FACTOR\n", "").replace(
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
        (('    name: ClassVar[str] = "half"\n', ""), "class Half has no name; write"),
        (('"half"', '"Half it"'), "expected a name in snake_case such as gaussian_n"),
        (("def degrade", "def worsen"), "class Half does not define degrade; write"),
        (("images, rng", "images"), "cannot be called with (self, images, rng)"),
        (('"half"\n', '"half"\n    stochastic = "yes"\n'), "stochastic"),
        (('"half"\n', '"half"\n    fingerprint: float = 1\n'), "fingerprint"),
        (('"half"\n', '"half"\n    api: ClassVar[int] = 99\n'), "written for 99; upgr"),
        (('    """Make images darker."""\n', ""), "class Half has no docstring"),
        ("from adversity.contracts import PluginBase\nclass Half(PluginBase):\n    pass\n", "no pl"),
        ("class Half:\n    pass\n", "no plugin; derive a class from Attack, Classifier, Dataset, "),
    ],
)  # fmt: skip
def test_file_that_cannot_be_used(project, text, expected):
    """What is wrong in the file is said with its line, or as the registry says it of others."""
    project.write("wrong.py", "\n\nx = oops\n")
    project.write("broken.py", "\nx = 1y\n")
    project.write("half.py", text if isinstance(text, str) else project.half.replace(*text))
    assert expected in project.refusal("./half.py")


def test_two_plugins_in_a_file(project):
    """Where a file defines several and none is named, the ways to write it are said."""
    third = project.half.replace("Half(", "Third(").replace('"half"', '"third"')
    project.write("half.py", project.half + third)
    assert project.refusal("./half.py") == (
        "./half.py defines 2 plugins; write ./half.py:Half or ./half.py:Third"
    )


@pytest.mark.parametrize("wanted", ["Half", "Third", "_Base"])
def test_two_classes_of_one_name(project, wanted):
    """Nothing in a key would tell them apart, so none is taken; another kind may have the name."""
    classes = '\n\nclass Third(Half):\n    """Darker."""\n\n\nclass _Base(Half):\n    """A."""\n'
    project.write("half.py", project.half + classes)
    assert project.refusal(f"./half.py:{wanted}") == (
        "./half.py: expected each plugin to have a name of its own, got degradation 'half' for "
        "Half and Third and _Base; rename all but one"
    )
    other = project.half.partition("\n\nclass")[0].replace("Degradation", "Restoration")
    other += project.half[project.half.index("\n\nclass") :].replace(
        "(Degradation)", "(Restoration)"
    )
    both = project.half + other.replace("Half(", "Whole(").replace("degrade", "restore")
    project.write("half.py", both.replace("restore(self, images, rng)", "restore(self, images)"))
    assert [project.get(f"./half.py:{name}").kind for name in ("Half", "Whole")] == [
        "degradation", "restoration",
    ]  # fmt: skip


def test_alias_is_the_class(project):
    """A second name for one class is no second plugin."""
    project.write("half.py", project.half + "\n\nSame = Half\n")
    cls = project.get("./half.py:Half").cls
    for uses in ("./half.py:Same", "./half.py:half", "./half.py"):
        assert project.get(uses).cls is cls
    assert [entry.cls for entry in found_in("./half.py", project.root)[0]] == [cls]


def test_plain_class_says_what_a_plugin_derives_from(project):
    """A network where a classifier must stand: the message names both, and the contract."""
    project.write("half.py", "class Base:\n    pass\n\nclass Net(Base):\n    pass\n")
    assert project.refusal("./half.py:Net", "classifier") == (
        "./half.py: class Net is no plugin, it derives from Base; derive a class from Classifier "
        "of `adversity`"
    )
    assert "from Score, PostHoc, Combine, Decide, Sampling or Detector of" in project.refusal(
        "./half.py", "uncertainty"
    )


def test_plugin_of_another_kind(project):
    """The kind that is expected is named beside the one that stands there."""
    assert project.get(kind="degradation").name == "half"
    assert project.refusal(kind="classifier") == (
        "./half.py:Half is a degradation, and a classifier is expected here; name another"
    )


def test_kind_that_nobody_brings(project):
    """A kind that is misspelt is said with the nearest."""
    assert project.refusal(kind="degradatoin") == (
        "unknown kind of plugin 'degradatoin'; did you mean degradation?"
    )
    assert "'x'; kinds are attack, classifier, " in project.refusal(kind="x")


def test_class_of_another_file_is_named_there(project):
    """A class that the file only imports is refused with the file that defines it."""
    project.write("offer.py", "from .half import Half\n")
    assert project.refusal("./offer.py:Half") == (
        "./offer.py only imports Half; write ./half.py:Half"
    )
