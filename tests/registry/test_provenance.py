"""Fingerprints change with what a plugin computes, and with nothing else."""

import hashlib
import importlib
import sys
import zipfile

import pytest

from adversity import provenance
from adversity.distributions import canonical_name, distribution_of, distribution_version
from adversity.errors import PluginError
from adversity.provenance import (
    file_sha256,
    source_modules,
)
from adversity.registry import source_fingerprint

FILES = {
    "__init__.py": "VERSION = 1\n",
    "attack/__init__.py": "from bolt_pkg.attack.mine import Mine\nfrom .neighbour import Other\n",
    "attack/mine.py": (
        "import math\n"
        "from . import steps\n"
        "from ..shared.norms import project\n"
        "def late():\n"
        "    from bolt_pkg.net import Net\n"
        "    return Net\n"
        "def later():\n"
        "    import importlib\n"
        "    return importlib.import_module('bolt_pkg.literal')\n"
        "class Mine: pass\n"
    ),
    "attack/neighbour.py": "class Other: pass\n",
    "attack/steps.py": "from bolt_pkg.attack import mine\nSIZE = 1\n",
    "shared/__init__.py": "",
    "shared/norms.py": "import bolt_pkg.shared.deep as deep\ndef project(): return deep\n",
    "shared/deep.py": "DEEP = 1\n",
    "net.py": "class Net: pass\n",
    "literal.py": "X = 1\n",
    "unused.py": "Y = 1\n",
}
COUNTED = {
    "attack/mine.py": "bolt_pkg.attack.mine",
    "attack/steps.py": "bolt_pkg.attack.steps",
    "shared/norms.py": "bolt_pkg.shared.norms",
    "shared/deep.py": "bolt_pkg.shared.deep",
    "net.py": "bolt_pkg.net",
    "literal.py": "bolt_pkg.literal",
}


@pytest.fixture
def fingerprint(tmp_path, monkeypatch):
    """Write the package into a fresh folder with some files changed; return Mine's hash."""
    count = iter(range(100))

    def measure(*, version="1.0", **changed):
        folder = tmp_path / f"machine-{next(count)}"
        for name, text in {**FILES, **changed}.items():
            file = folder / "bolt_pkg" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        info = folder / f"bolt_dist-{version}.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(f"Name: Bolt_Dist\nVersion: {version}\n")
        info.joinpath("entry_points.txt").write_text("[adversity]\nx = bolt_pkg.attack\n")
        with monkeypatch.context() as patch:
            patch.syspath_prepend(folder)
            for name in [m for m in sys.modules if m.partition(".")[0] == "bolt_pkg"]:
                patch.delitem(sys.modules, name)
            mine = importlib.import_module("bolt_pkg.attack").Mine
            result = source_fingerprint(mine), [n for n, _ in source_modules(mine.__module__)]
            assert distribution_of("bolt_pkg.attack") == ("bolt-dist", version)
            for name in [m for m in sys.modules if m.partition(".")[0] == "bolt_pkg"]:
                del sys.modules[name]
        return result

    return measure


def test_the_modules_of_a_fingerprint_are_those_the_class_can_reach(fingerprint):
    """Through relative, nested, late and literal dynamic imports, cycles included."""
    _, modules = fingerprint()
    assert modules == sorted(COUNTED.values())


def test_a_fingerprint_is_the_same_in_another_folder_and_with_other_line_ends(fingerprint):
    """Neither the path nor a checkout with CRLF is a change."""
    plain, _ = fingerprint()
    again, _ = fingerprint()
    windows, _ = fingerprint(**{name: text.replace("\n", "\r\n") for name, text in FILES.items()})
    assert plain == again == windows


@pytest.mark.parametrize("file", COUNTED)
def test_a_changed_module_changes_the_fingerprint(fingerprint, file):
    """Every reachable module counts, wherever the import stands."""
    assert fingerprint()[0] != fingerprint(**{file: FILES[file] + "NEW = 2\n"})[0]


@pytest.mark.parametrize("file", ["attack/neighbour.py", "unused.py", "attack/__init__.py"])
def test_a_neighbour_does_not_change_the_fingerprint(fingerprint, file):
    """Editing one method must not make the steps of another stale."""
    assert fingerprint()[0] == fingerprint(**{file: FILES[file] + "NEW = 2\n"})[0]


def test_a_new_version_changes_the_fingerprint(fingerprint):
    """An upgrade counts although the source of the class may be the same."""
    assert fingerprint()[0] != fingerprint(version="1.1")[0]


def test_moving_a_line_between_modules_changes_the_fingerprint(fingerprint):
    """Names and lengths are hashed, so contents cannot run into one another."""
    moved = {"shared/deep.py": "", "shared/norms.py": FILES["shared/norms.py"] + "DEEP = 1\n"}
    assert fingerprint()[0] != fingerprint(**moved)[0]


def test_a_class_without_a_file_has_no_fingerprint():
    """A class typed into an interpreter cannot be recorded; the message says what to do."""
    cls = type("Typed", (), {"__module__": "a_module_without_file"})
    with pytest.raises(PluginError, match="define the plugin in a file of a package"):
        source_fingerprint(cls)


def test_a_class_in_a_zip_archive_has_no_fingerprint(tmp_path, monkeypatch):
    """Python imports it from there, but its source is no file that could be followed."""
    archive = tmp_path / "zipped.zip"
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("bolt_zipped.py", "class Mine: pass\n")
    monkeypatch.syspath_prepend(archive)
    mine = importlib.import_module("bolt_zipped").Mine
    try:
        with pytest.raises(PluginError, match="nor in a zip archive"):
            source_fingerprint(mine)
    finally:
        del sys.modules["bolt_zipped"]


def test_distributions_that_share_a_namespace_package_are_told_apart(tmp_path, monkeypatch):
    """A module belongs to the distribution whose entry point is nearest, whoever comes first."""
    for name, version in (("one", "1.0"), ("two", "2.0"), ("three", "3.0")):
        info = tmp_path / f"bolt_{name}-{version}.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(f"Name: bolt-{name}\nVersion: {version}\n")
        points = f"[adversity]\nx = bolt_shared.{name}.plugins\n"
        info.joinpath("entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(tmp_path)
    assert distribution_of("bolt_shared.one.blur") == ("bolt-one", "1.0")
    assert distribution_of("bolt_shared.two.deep.blur") == ("bolt-two", "2.0")
    assert distribution_of("bolt_shared.three.plugins") == ("bolt-three", "3.0")


def test_a_list_of_files_goes_before_the_nearest_entry_point(tmp_path, monkeypatch):
    """A base class beside the plugins of another distribution belongs to the one that lists it."""
    for name, points, files in (
        ("near", "[adversity]\nx = bolt_listed.vision.plugins\n", "bolt_listed/vision/plugins.py"),
        ("far", "[adversity]\nx = bolt_listed.plugins\n", "bolt_listed/vision/base.py"),
        ("other", "", "bolt_unhooked/a.py"),
        ("silent", "", "bolt_unhooked/b.py"),
    ):
        info = tmp_path / f"bolt_{name}-1.{len(name)}.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(f"Name: bolt-{name}\nVersion: 1.{len(name)}\n")
        info.joinpath("entry_points.txt").write_text(points)
        info.joinpath("RECORD").write_text(f"{files},,\n")
        # Python 3.12, and 3.11 once importlib_metadata is imported, leave out files not there.
        tmp_path.joinpath(files).parent.mkdir(parents=True, exist_ok=True)
        tmp_path.joinpath(files).touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert distribution_of("bolt_listed.vision.base") == ("bolt-far", "1.3")
    assert distribution_of("bolt_listed.vision.plugins") == ("bolt-near", "1.4")
    assert distribution_of("bolt_unhooked.b") == ("bolt-silent", "1.6")


def test_a_reachable_module_that_is_no_python_is_named(fingerprint):
    """A fingerprint that cannot be complete is refused, not guessed."""
    with pytest.raises(PluginError, match=r"Python source in module 'bolt_pkg\.net'"):
        fingerprint(**{"net.py": "class Net(:\n"})


def test_the_mathematics_of_metrics_counts_for_whoever_uses_it(tmp_path, monkeypatch):
    """A corrected formula in adversity.metrics makes a metric's steps stale."""
    import adversity.metrics

    tmp_path.joinpath("uses_metrics.py").write_text(
        "import adversity.metrics\nimport adversity.errors\nclass M: pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("uses_metrics")
    names = [name for name, _ in source_modules(module.M.__module__)]
    del sys.modules["uses_metrics"]
    assert adversity.metrics.__name__ in names
    assert "adversity.errors" not in names


@pytest.mark.parametrize("is_imported", [True, False])
def test_our_plugins_count_for_whoever_derives_from_them(tmp_path, monkeypatch, is_imported):
    """So they do for one that imports them in a method, before anybody has."""
    tmp_path.joinpath("derives.py").write_text(
        "def late():\n    from adversity_plugins.degradation.noise.gaussian_noise import GaussianNoise\n"
        "class M: pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("derives")
    importlib.import_module("adversity_plugins")
    if not is_imported:
        monkeypatch.delitem(sys.modules, "adversity_plugins")
    names = [name for name, _ in source_modules(module.M.__module__)]
    del sys.modules["derives"]
    assert "adversity_plugins.degradation.noise.gaussian_noise" in names


def test_a_file_is_hashed_by_its_bytes(tmp_path):
    """Equal to hashlib on the same bytes."""
    file = tmp_path / "weights.bin"
    file.write_bytes(b"adversity" * 100_000)
    assert file_sha256(file) == hashlib.sha256(b"adversity" * 100_000).hexdigest()


def test_versions_are_those_of_installed_distributions():
    """A distribution that is not installed has none."""
    assert distribution_version("pluggy").startswith("1.")
    assert distribution_version("nobody-has-this") is None
    assert distribution_of("adversity_plugins.attack")[0] == "adversity"
    assert distribution_of("pluggy")[0] == "pluggy"
    assert distribution_of("a_module_nobody_has") is None
    assert canonical_name("A__b.-C") == "a-b-c"


def test_core_fingerprint_follows_the_source(tmp_path, monkeypatch):
    """An edited line of a part changes its value; line ends, other parts and caches do not."""
    core = tmp_path / "adversity"
    (core / "engine").mkdir(parents=True)
    (core / "report").mkdir()
    (core / "engine" / "target.py").write_bytes(b"a = 1\nb = 2\n")
    monkeypatch.setattr(provenance, "__file__", str(core / "provenance.py"))
    before = provenance.core_fingerprint("engine")
    (core / "engine" / "target.py").write_bytes(b"a = 1\r\nb = 2\r\n")
    (core / "engine" / "target.pyc").write_bytes(b"compiled")
    (core / "report" / "html.py").write_text("c = 3\n")
    assert provenance.core_fingerprint("engine") == before
    (core / "engine" / "target.py").write_bytes(b"a = 1\nb = 3\n")
    assert provenance.core_fingerprint("engine") != before
