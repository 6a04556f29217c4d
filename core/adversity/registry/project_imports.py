"""What of the imports of a project's files no key would hold: found in the source, or afterwards."""

from __future__ import annotations

import ast
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.distributions import place_of
from adversity.import_names import computed_from_here, unnamed_importer
from adversity.provenance import packages_imported
from adversity.registry.project_modules import is_of, own_sources
from adversity.registry.quoting import visible
from adversity.source_text import nodes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["import_fault", "strays"]

_IN_KEYS = frozenset({"adversity", "adversity_plugins"})
"""Our own, whose source counts from wherever it lies."""


def import_fault(root: Path, module: str) -> str | None:
    """Say which file of the project a module imports so that no key would hold it, or None.

    By an absolute name Python may find it, by chance of the current folder; a name that is put
    together stands in no source.
    """
    sources = own_sources(module)
    return _absolute(root, sources) or next(filter(None, map(_computed, sources)), None)


def _absolute(root: Path, sources: Sequence[tuple[str, Path]]) -> str | None:
    root = root.resolve()
    folders = {root, *(file.parent for _, file in sources)}
    for package in sorted(packages_imported(sources) - _IN_KEYS):
        places = _places(package)
        inside = [place for place in places if is_of(place, root)]
        if inside or (not places and _lies_beside(package, folders)):
            lies = f", which is {_shown(inside[0], root)} of the project" if inside else ""
            return (
                f"expected files of the project to be imported with a leading dot, got `import "
                f"{package}`{lies}: write `from . import {package}` or `from .{package} import "
                "...`, with a dot more for each folder up, so that the file is found from "
                "everywhere, and its source is in the keys of results"
            )
    return None


def _computed(source: tuple[str, Path]) -> str | None:
    name, file = source
    tree = ast.parse(file.read_bytes()) if file.suffix == ".py" else ast.Module([], [])
    calls = (node for node in nodes_of(tree) if isinstance(node, ast.Call))
    node = next(filter(computed_from_here, calls), None) or unnamed_importer(tree)
    if node is None:
        return None
    return (
        "expected files of the project to be imported by names that stand in the source, "
        f"got `{ast.unparse(node)}` ({place_of(name)}, line {node.lineno}): write each name "
        "out, so that its source is in the keys of results"
    )


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


def _places(package: str) -> list[Path]:
    """Return where Python finds a package or module now, importing nothing."""
    spec = None
    with suppress(ImportError, ValueError, AttributeError):
        spec = find_spec(package)
    if spec is None:
        return []
    places = [*(spec.submodule_search_locations or ())]
    if spec.origin and (spec.has_location or not places):
        places.append(spec.origin)
    return [*map(Path, places)]


def _shown(place: Path, root: Path) -> str:
    return visible(place.relative_to(root).as_posix())


def _file(module: object) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file) if isinstance(file, str) else None
