"""What the imports of a source mean, and the calls that import by a name: read, never run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["computed_from_here", "meanings", "unnamed_importer"]

_IMPORTERS = {
    "import_module": ("name", "package"),
    "__import__": ("name", "globals", "locals", "fromlist", "level"),
}
"""What imports by a name, and its parameters."""
_NAMES = ("name", "package", "fromlist", "level")
"""The parameters that say what is imported."""
_REST = "*"
"""Arguments whose parameters stand in no source: `*names`, `**given`."""
_PACKAGE = ("__package__", "__name__", "__spec__.parent")
"""How a source writes the package that leading dots begin from."""
_ITSELF = ("__package__", "__name__", "__spec__", "__module__")
"""From what a source can put together the names of its neighbours."""


def meanings(node: ast.AST, package: str) -> Iterator[tuple[str, ...]]:
    """Yield what each import of a node may mean, the likelier meaning first.

    Args:
        node: Any node of a source.
        package: The package that the source is in, from which leading dots begin.
    """
    if isinstance(node, ast.Import):
        yield from ((alias.name,) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute("." * node.level + (node.module or ""), package)
        # A submodule imported by name; the package itself for anything else.
        yield from ((f"{base}.{alias.name}", base) for alias in node.names)
    elif isinstance(node, ast.Call):
        yield from _called(_arguments(node) or {}, package)


def _called(given: Mapping[str, ast.expr], package: str) -> Iterator[tuple[str, ...]]:
    name = _value(given.get("name"))
    if not isinstance(name, str):
        return
    level, listed, start = (_value(given.get(each)) for each in ("level", "fromlist", "package"))
    dots = "." * level if isinstance(level, int) and level > 0 else ""
    base = _absolute(dots + name, start if isinstance(start, str) else package)
    found = listed if isinstance(listed, list | tuple) else ()
    yield from ((f"{base}.{each}", base) for each in found)
    yield (base,)


def computed_from_here(call: ast.Call) -> bool:
    """Say whether a call imports from where the file lies, by a name that stands in no source.

    `import_module(name)` alone, without a package, imports what is installed.
    """
    given = _arguments(call)
    if given is None or all(_is_literal(given[each]) for each in given if each in _NAMES):
        return given is not None and _REST in given
    words = (getattr(node, "id", getattr(node, "attr", None)) for node in ast.walk(call))
    return not given.keys().isdisjoint(("package", "level", _REST)) or any(
        word in _ITSELF for word in words
    )


def unnamed_importer(tree: ast.Module) -> ast.expr | ast.alias | None:
    """Return where a source hands on what imports by a name, or names it otherwise, or None."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.alias) and node.name in _IMPORTERS and node.asname is not None:
            return node
        is_importer = _word(node) in _IMPORTERS and id(node) not in called
        if is_importer and isinstance(node, ast.Name | ast.Attribute):
            return node
    return None


def _arguments(call: ast.Call) -> dict[str, ast.expr] | None:
    """Return the arguments of a call that imports by a name; None of any other."""
    parameters = _IMPORTERS.get(str(_word(call.func)))
    if parameters is None:
        return None
    given = dict(zip(parameters, call.args, strict=False))
    given |= {word.arg or _REST: word.value for word in call.keywords}
    for argument in call.args:
        if isinstance(argument, ast.Starred):
            given[_REST] = argument
    return given


def _word(node: ast.AST) -> Any:
    return getattr(node, "attr", getattr(node, "id", None))


def _is_literal(node: ast.expr) -> bool:
    constant = isinstance(node, ast.Constant) or _value(node) is not None
    return constant or ast.unparse(node) in _PACKAGE


def _value(node: ast.expr | None) -> Any:
    """Return a literal; None for what stands in no source."""
    try:
        return None if node is None else ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _absolute(name: str, package: str) -> str:
    """Resolve leading dots as Python does: one is the package, each further one its parent."""
    rest = name.lstrip(".")
    level = len(name) - len(rest)
    if not level:
        return name
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - level + 1], *([rest] if rest else [])])
