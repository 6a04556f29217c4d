"""Python files of a project, imported for plugins: inside a package that no other project shares.

A file `models/net.py` is the module `adversity_project_<project>_<n>.models.net`. It imports its
neighbours with leading dots, so that two projects in one process never get each other's modules,
and nothing of a project hides what is installed. What was looked at while planning is what is
imported later: a file that changed meanwhile is refused, and a new plan gets a package of its own.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import threading
import traceback
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.distributions import PROJECT_PACKAGE, place_of
from adversity.errors import InputError, StaleInputsError
from adversity.project import file_fault
from adversity.provenance import packages_imported, source_modules
from adversity.registry.quoting import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import ModuleType

__all__ = [
    "absolute_fault",
    "author_is_to",
    "module_of",
    "project_sources",
    "strays",
    "where_in",
]

_roots: dict[str, Path] = {}
"""The project of each package."""
_seen: dict[str, dict[Path, str]] = {}
"""The SHA-256 of each file of a package that was looked at while planning."""
_lock = threading.RLock()


def module_of(root: Path, place: str) -> str:
    """Return the name under which a file is imported, as it is now; nothing of it is run.

    Args:
        root: The project's folder.
        place: A Python file in it, relative.

    Raises:
        PluginError: If the file, or one that it imports, is no Python.
        InputError: If one that it imports may not be read.
    """
    with _lock:
        if _finder not in sys.meta_path:
            sys.meta_path.insert(0, _finder)
        importlib.invalidate_caches()
        package = _package(root.resolve())
        module = f"{package}.{place.removesuffix('.py').replace('/', '.')}"
        for _, file in _own(package, source_modules(module)):
            _require_readable(root.resolve(), file)
            _seen[package].setdefault(file, _sha256(file))
        return module


def project_sources(module: str) -> tuple[str, ...]:
    """Return the files of the project that a module of it is made of, relative, sorted.

    Nothing for a module that is of no project.
    """
    package = module.partition(".")[0]
    if place_of(module) is None:
        return ()
    root = _roots[package]
    files = (file for _, file in _own(package, source_modules(module)))
    return tuple(sorted({file.resolve().relative_to(root).as_posix() for file in files}))


def absolute_fault(root: Path, module: str) -> str | None:
    """Say which file of the project a module imports by an absolute name, or None.

    Python may find it there, by chance of the current folder: no key would hold its source.
    """
    sources = _own(module.partition(".")[0], source_modules(module))
    folders = {root.resolve(), *(file.parent for _, file in sources)}
    for package in sorted(packages_imported(sources)):
        if _lies_beside(package, folders) and not _is_installed(package, root.resolve()):
            return (
                f"expected files of the project to be imported with a leading dot, got `import "
                f"{package}`: write `from . import {package}` or `from .{package} import ...`, so "
                "that the file is found from everywhere, and its source is in the keys of results"
            )
    return None


def strays(root: Path, before: Iterable[str]) -> tuple[str, ...]:
    """Return the modules that came from the project since then, and not through its package."""
    root, known = root.resolve(), set(before)
    return tuple(
        sorted(
            name
            for name, module in list(sys.modules.items())
            if name not in known and place_of(name) is None and _is_of(_file(module), root)
        )
    )


def where_in(root: Path, error: BaseException) -> str:
    """Return ` (file, line n)` of the last line of the project that led to an exception."""
    root = root.resolve()
    if isinstance(error, SyntaxError):
        lines = [(error.filename or "", error.lineno)]
    else:
        lines = [(f.filename, f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    for file, line in reversed(lines):
        path = root / file
        if line and _is_of(path, root):
            return f" ({visible(path.relative_to(root).as_posix())}, line {line})"
    return ""


def author_is_to(do: str, module: str, error: BaseException | None = None) -> str:
    """Say what is done about a plugin that broke: of a project, the user is its author.

    Args:
        do: What is done about one that is installed: `report it to the plugin's author`.
        module: Of the plugin.
        error: What it raised.
    """
    place = place_of(module)
    if place is None:
        return do
    where = "" if error is None else where_in(_roots[module.partition(".")[0]], error)
    return f"fix {place}{where}"


class _Finder(MetaPathFinder):
    """Finds the modules of projects."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module lies; refuse a file that may not be read."""
        root = _roots.get(fullname.partition(".")[0])
        spec = None if root is None else PathFinder.find_spec(fullname, path, target)
        if root is None or spec is None or spec.origin is None:
            return spec
        _require_readable(root, Path(spec.origin))
        if isinstance(spec.loader, SourceFileLoader):
            spec.loader = _FromSource(fullname, spec.origin)
        return spec


class _FromSource(SourceFileLoader):
    """Compiles what lies there now: bytecode is kept by the second, and an edit may be quicker."""

    def get_code(self, fullname: str) -> Any:
        """Compile the file, which must be as it was when it was looked at."""
        path = Path(self.get_filename(fullname))
        data = path.read_bytes()
        package = fullname.partition(".")[0]
        known = _seen[package].setdefault(path, hashlib.sha256(data).hexdigest())
        if hashlib.sha256(data).hexdigest() != known:
            shown = path.relative_to(_roots[package])
            raise StaleInputsError(
                f"expected {shown} as it was when the pipeline was planned, but it changed; start "
                "again"
            )
        return self.source_to_code(data, str(path))


_finder = _Finder()


def _package(root: Path) -> str:
    """Return the package of a project: a new one, if a file of the last has changed."""
    stem = f"{PROJECT_PACKAGE}{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"
    count = sum(name.startswith(stem) for name in _roots)
    last = f"{stem}_{count}"
    if last in _roots and all(_sha256(file) == known for file, known in _seen[last].items()):
        return last
    package = f"{stem}_{count + 1}"
    spec = ModuleSpec(package, None, is_package=True)
    spec.submodule_search_locations = [str(root)]
    sys.modules[package] = module_from_spec(spec)
    _roots[package], _seen[package] = root, {}
    return package


def _own(package: str, sources: Iterable[tuple[str, Path]]) -> list[tuple[str, Path]]:
    return [(name, file) for name, file in sources if name.partition(".")[0] == package]


def _require_readable(root: Path, file: Path) -> None:
    """Refuse what lies outside of the project, behind a link, or where DVC does not see it."""
    fault = file_fault(root, file.relative_to(root).as_posix())
    if fault is not None:
        raise InputError(fault)


def _sha256(file: Path) -> str:
    with suppress(OSError):
        return hashlib.sha256(file.read_bytes()).hexdigest()
    return ""


def _lies_beside(package: str, folders: Iterable[Path]) -> bool:
    return any(
        (folder / f"{package}.py").is_file() or any((folder / package).glob("*.py"))
        for folder in folders
    )


def _is_installed(package: str, root: Path) -> bool:
    """Say whether a name means something that is not the project's own."""
    spec = None
    with suppress(ImportError, ValueError, AttributeError):
        spec = find_spec(package)
    return spec is not None and not any(_is_of(Path(place), root) for place in _places(spec))


def _places(spec: ModuleSpec) -> Iterator[str]:
    yield from spec.submodule_search_locations or ()
    if spec.has_location and spec.origin:
        yield spec.origin


def _is_of(file: Path | None, root: Path) -> bool:
    """Say whether a file is the project's; its environment may lie in its folder."""
    if file is None or not file.is_absolute() or not file.is_relative_to(root):
        return False
    inside = file.relative_to(root).parts
    environment = Path(sys.prefix)
    if environment != root and file.is_relative_to(environment):
        return False
    return not {"site-packages", "dist-packages"}.intersection(inside)


def _file(module: object) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file) if isinstance(file, str) else None
