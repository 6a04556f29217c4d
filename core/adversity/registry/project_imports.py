"""What of the imports of a project's files no key would hold: found in the source, or afterwards."""

from __future__ import annotations

import ast
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.distributions import place_of
from adversity.provenance import IMPORTERS, packages_imported
from adversity.registry.project_modules import is_of, own_sources
from adversity.source_text import nodes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from importlib.machinery import ModuleSpec

__all__ = ["import_fault", "strays"]


def import_fault(root: Path, module: str) -> str | None:
    """Say which file of the project a module imports so that no key would hold it, or None.

    By an absolute name Python may find it, by chance of the current folder; a name that is put
    together stands in no source.
    """
    sources = own_sources(module)
    return _absolute(root, sources) or next(filter(None, map(_computed, sources)), None)


def _absolute(root: Path, sources: Sequence[tuple[str, Path]]) -> str | None:
    folders = {root.resolve(), *(file.parent for _, file in sources)}
    for package in sorted(packages_imported(sources)):
        if _lies_beside(package, folders) and not _is_installed(package, root.resolve()):
            return (
                f"expected files of the project to be imported with a leading dot, got `import "
                f"{package}`: write `from . import {package}` or `from .{package} import ...`, so "
                "that the file is found from everywhere, and its source is in the keys of results"
            )
    return None


def _computed(source: tuple[str, Path]) -> str | None:
    name, file = source
    tree = ast.parse(file.read_bytes()) if file.suffix == ".py" else ast.Module([], [])
    for node in nodes_of(tree):
        if isinstance(node, ast.Call) and _is_computed(node):
            return (
                "expected files of the project to be imported by names that stand in the source, "
                f"got `{ast.unparse(node)}` ({place_of(name)}, line {node.lineno}): write each name "
                "out, so that its source is in the keys of results"
            )
    return None


def _is_computed(call: ast.Call) -> bool:
    """Say whether a call imports from where the file lies, by a name that stands in no source.

    `import_module(name)` alone, without a package, imports what is installed.
    """
    called = getattr(call.func, "attr", getattr(call.func, "id", None))
    from_here = any(word.arg in ("package", "level") for word in call.keywords)
    from_here |= len(call.args) > {"import_module": 1, "__import__": 4}.get(str(called), 0)
    literal = call.args and isinstance(call.args[0], ast.Constant)
    return called in IMPORTERS and from_here and not literal


def strays(root: Path, before: Iterable[str]) -> tuple[str, ...]:
    """Return the modules that came from the project since then, and not through its package."""
    root, known = root.resolve(), set(before)
    return tuple(
        sorted(
            name
            for name, module in list(sys.modules.items())
            if name not in known and place_of(name) is None and is_of(_file(module), root)
        )
    )


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
    return spec is not None and not any(is_of(Path(place), root) for place in _places(spec))


def _places(spec: ModuleSpec) -> Iterator[str]:
    yield from spec.submodule_search_locations or ()
    if spec.has_location and spec.origin:
        yield spec.origin


def _file(module: object) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file) if isinstance(file, str) else None
