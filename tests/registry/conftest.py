"""Distributions laid down as pip would leave them, without building anything."""

import importlib
import sys
from pathlib import Path

import pytest

from adversity.registry import discover, registry

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
