"""Distributions laid down as pip would leave them, and a project with a plugin in a file."""

import importlib
import sys
from pathlib import Path

import pytest

from adversity.errors import UnknownPluginError
from adversity.registry import discover, registry
from adversity.registry.project_plugins import of_project

BROKEN = Path(__file__).parents[1] / "thirdparty" / "broken"


class Site:
    """A folder on `sys.path` that distributions are installed into."""

    def __init__(self, folder):
        self.folder = folder

    def lay(self, name, source, *, version="1.0", points=None):
        """Install a distribution of one module; return the module's name."""
        module = name.replace("-", "_")
        self.folder.joinpath(f"{module}.py").write_text(source)
        self.describe(name, version=version, points=points or {"plugins": module})
        return module

    def describe(self, name, *, version="1.0", points):
        """Write only the metadata."""
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        lines = [f"{point} = {value}" for point, value in points.items()]
        info.joinpath("entry_points.txt").write_text("\n".join(["[adversity]", *lines, ""]))

    def lay_broken(self, *names):
        """Install distributions of tests/thirdparty/broken."""
        for name in names:
            source = BROKEN.joinpath(f"{name.replace('-', '_')}.py").read_text()
            self.lay(name, source)

    def discover(self, **options):
        """Look at what is installed now."""
        return discover(refresh=True, **options)

    def problems(self, name, **options):
        """Return what one distribution got wrong."""
        return [p for p in self.discover(**options).problems if p.distribution == name]


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Give an empty site folder; afterwards its modules are forgotten, and what was found in it."""
    folder = tmp_path / "site"
    folder.mkdir()
    before, known = set(sys.modules), dict(registry._cache)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delenv("ADVERSITY_BLOCK", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield Site(folder)
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(folder)):
            del sys.modules[name]
    monkeypatch.undo()
    importlib.invalidate_caches()
    registry._cache.clear()
    registry._cache.update(known)


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
    """A project's folder, with the text of its plugin."""

    half = HALF

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
