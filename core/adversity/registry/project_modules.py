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
from importlib.util import module_from_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.distributions import PROJECT_PACKAGE, place_of
from adversity.errors import InputError, PluginError, StaleInputsError
from adversity.project import code_fault
from adversity.provenance import source_modules
from adversity.registry.quoting import visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

__all__ = ["author_is_to", "is_of", "module_of", "own_sources", "project_sources", "where_in"]

_roots: dict[str, Path] = {}
"""The project of each package."""
_seen: dict[str, dict[Path, str]] = {}
"""The SHA-256 of each file of a package that was looked at while planning."""
_made_of: dict[str, dict[str, list[tuple[str, Path]]]] = {}
"""Of what each module of a package that was looked at is made."""
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
        _made_of[package][module] = own_sources(module)
        for _, file in _made_of[package][module]:
            _require_readable(root.resolve(), file)
            _seen[package].setdefault(file, _sha256(file))
        return module


def own_sources(module: str) -> list[tuple[str, Path]]:
    """Return what of its project a module is made of: dotted names and files."""
    package = module.partition(".")[0]
    return [(name, file) for name, file in source_modules(module) if name.startswith(f"{package}.")]


def project_sources(module: str) -> tuple[str, ...]:
    """Return the files of the project that a module of it is made of, relative, sorted.

    Nothing for a module that is of no project.

    Raises:
        StaleInputsError: If one is not as it was when the module was imported: what was hashed
            since then is not what runs.
    """
    package = module.partition(".")[0]
    if place_of(module) is None:
        return ()
    root = _roots[package]
    files = [file for _, file in own_sources(module)]
    for file in files:
        _require_seen(package, file, _sha256(file))
    return tuple(sorted({file.resolve().relative_to(root).as_posix() for file in files}))


def where_in(root: Path, error: BaseException) -> str:
    """Return ` (file, line n)` of the last line of the project that led to an exception."""
    root = root.resolve()
    if isinstance(error, SyntaxError):
        lines = [(error.filename or "", error.lineno)]
    else:
        lines = [(f.filename, f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    for file, line in reversed(lines):
        path = root / file
        if line and is_of(path, root):
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
        """Return where a module lies; refuse a file that may not be read, or is in no key."""
        package = fullname.partition(".")[0]
        root = _roots.get(package)
        spec = None if root is None else PathFinder.find_spec(fullname, path, target)
        if root is None or spec is None or spec.origin is None:
            return spec
        file = Path(spec.origin)
        _require_readable(root, file)
        if file not in _seen[package]:
            shown = visible(file.relative_to(root).as_posix())
            raise PluginError(
                f"expected files of the project to be imported by names that stand in the source, "
                f"got {shown} in another way: write `from .{file.stem} import ...`, so that its "
                "source is in the keys of results"
            )
        if isinstance(spec.loader, SourceFileLoader):
            spec.loader = _FromSource(fullname, spec.origin)
        return spec


class _FromSource(SourceFileLoader):
    """Compiles what lies there now: bytecode is kept by the second, and an edit may be quicker."""

    def get_code(self, fullname: str) -> Any:
        """Compile the file, which must be as it was when it was looked at."""
        path = Path(self.get_filename(fullname))
        data = path.read_bytes()
        _require_seen(fullname.partition(".")[0], path, hashlib.sha256(data).hexdigest())
        return self.source_to_code(data, str(path))


_finder = _Finder()


def _package(root: Path) -> str:
    """Return the package of a project: a new one, if a file of the last has changed or is new."""
    stem = f"{PROJECT_PACKAGE}{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"
    count = sum(name.startswith(stem) for name in _roots)
    last = f"{stem}_{count}"
    if last in _roots and _is_as_seen(last):
        return last
    package = f"{stem}_{count + 1}"
    spec = ModuleSpec(package, None, is_package=True)
    spec.submodule_search_locations = [str(root)]
    sys.modules[package] = module_from_spec(spec)
    _roots[package], _seen[package], _made_of[package] = root, {}, {}
    return package


def _is_as_seen(package: str) -> bool:
    """Say whether all files are as they were, and none lies in the way of another."""
    if any(_sha256(file) != known for file, known in _seen[package].items()):
        return False
    with suppress(PluginError):  # a new file that is no Python
        return all(own_sources(name) == files for name, files in _made_of[package].items())
    return False


def _require_seen(package: str, file: Path, sha256: str) -> None:
    """Refuse a file that is not as it was when it was looked at."""
    if _seen[package].get(file) != sha256:
        shown = visible(file.relative_to(_roots[package]).as_posix())
        raise StaleInputsError(
            f"expected {shown} as it was when the pipeline was planned, but it changed; start again"
        )


def _require_readable(root: Path, file: Path) -> None:
    """Refuse what lies outside of the project, behind a link, or where DVC does not see it."""
    fault = code_fault(root, file.relative_to(root).as_posix())
    if fault is not None:
        raise InputError(fault)


def _sha256(file: Path) -> str:
    with suppress(OSError):
        return hashlib.sha256(file.read_bytes()).hexdigest()
    return ""


def is_of(file: Path | None, root: Path) -> bool:
    """Say whether a file is the project's; its environment may lie in its folder."""
    if file is None or not file.is_absolute() or not file.is_relative_to(root):
        return False
    inside = file.relative_to(root).parts
    environment = Path(sys.prefix)
    if environment != root and file.is_relative_to(environment):
        return False
    return not {"site-packages", "dist-packages"}.intersection(inside)
