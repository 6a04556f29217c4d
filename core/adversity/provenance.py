"""Where a result came from: fingerprints of source and hashes of files.

Pure functions that read files. They import no plugin and no torch: what a
module imports is found by reading its source, never by running it.
"""

from __future__ import annotations

import ast
import hashlib
import platform
import sys
from functools import lru_cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.distributions import distribution_of, place_of, stable_name
from adversity.errors import PluginError
from adversity.import_names import meanings
from adversity.source_text import computing_text, nodes_of, plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np

__all__ = [
    "Imports",
    "core_fingerprint",
    "file_fingerprint",
    "file_sha256",
    "modules_fingerprint",
    "packages_imported",
    "pixels_sha256",
    "processor",
    "source_fingerprint",
    "source_modules",
]

_FOLLOWED = ("adversity.metrics.", "adversity_plugins.")
"""Followed from every package: plugins compute with these and derive from them."""

Imports = dict[tuple[str, str], tuple[tuple[str, Path], ...]]
"""What each module imports: the package that is followed and a dotted name, to names and files."""

_COMPILED = (".pyc", ".pyo")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        OSError: If the file cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def pixels_sha256(image: np.ndarray[Any, Any]) -> str:
    """Return the SHA-256 of an image's pixels, whatever file or type holds them.

    Grey and any number of equal channels are the same image, and so are 8 bits and what holds
    their values as float32.

    Args:
        image: `[H, W]` or `[H, W, C]`, uint8, or float32 in [0, 1].

    Example:
        >>> import numpy as np
        >>> grey = np.array([[0, 51], [102, 255]], np.uint8)
        >>> colour = np.stack([grey] * 3, axis=2).astype(np.float32) / np.float32(255)
        >>> pixels_sha256(grey) == pixels_sha256(colour)
        True
    """
    import numpy as np

    for rows in (image[:1], image):  # the first row tells most colour images, at no cost
        if image.ndim == 3 and not (rows == rows[:, :, :1]).all():
            break
    else:
        image = image.reshape(*image.shape[:2], -1)[:, :, 0]
    if image.dtype != np.uint8:
        bytes_ = np.rint(image * np.float32(255)).astype(np.uint8)
        if np.array_equal(bytes_.astype(np.float32) / np.float32(255), image):
            image = bytes_
    digest = hashlib.sha256(f"{image.dtype}{image.shape}".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def processor() -> str:
    """Return the processor's name; Python's own answer is often empty or only `x86_64`."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123  (a kernel interface)
            line = next((line for line in lines if line.startswith("model name")), "")
    except OSError:
        line = ""
    return line.partition(":")[2].strip() or platform.processor() or platform.machine()


def source_fingerprint(cls: type, *more: str, known: Imports | None = None) -> str:
    """Return the SHA-256 of everything a class's own package says about what it computes.

    Hashed are the class's module and, again and again, the modules these import from the
    same top-level package (inside functions too), from `adversity.metrics` or from our plugins,
    each by its dotted name and without comments and docstrings, and the distribution's name and version.
    The value is the same on every machine and for editable and wheel installs. The `__init__`
    of a parent package counts in a project; elsewhere, where a name is imported from it, or one
    method would change with each of its neighbours.

    Args:
        cls: The class.
        *more: Other modules that compute for it: those of a kind that a distribution brings.
        known: Where to keep what each module imports, for a caller with many classes.

    Raises:
        PluginError: If the class has no source file.
    """
    return modules_fingerprint(cls.__module__, *more, known=known)


def modules_fingerprint(*modules: str, known: Imports | None = None) -> str:
    """Return the SHA-256 of modules and, as `source_fingerprint` says, of what they import.

    Raises:
        PluginError: If one has no source file.
    """
    digest = hashlib.sha256()
    files = dict(pair for module in modules for pair in source_modules(module, known))
    for name, path in sorted(files.items()):
        source = _text(path)
        digest.update(f"{stable_name(name)}\0{len(source)}\0".encode())
        digest.update(source)
    for name, version in dict.fromkeys(distribution_of(each) or ("", "") for each in modules):
        digest.update(f"{name}\0{version}\0".encode())
    return digest.hexdigest()


def core_fingerprint(*parts: str) -> str:
    """Return the SHA-256 of everything in these files and folders of the core.

    Args:
        *parts: Relative to the package `adversity`: `engine`, `seeding.py`.
    """
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for part in parts:
        start = root / part
        files = [start] if start.is_file() else sorted(p for p in start.rglob("*") if p.is_file())
        for path in files:
            if path.suffix not in _COMPILED:
                source = _text(path)
                digest.update(f"{path.relative_to(root).as_posix()}\0{len(source)}\0".encode())
                digest.update(source)
    return digest.hexdigest()


def file_fingerprint(path: Path) -> str:
    """Return the SHA-256 of what of a source file computes."""
    return hashlib.sha256(_text(path)).hexdigest()


def packages_imported(sources: Iterable[tuple[str, Path]]) -> frozenset[str]:
    """Return the top-level packages that modules import, without Python's own and theirs.

    Args:
        sources: Pairs of dotted name and file, as `source_modules` returns them.
    """
    listed = [(name, path) for name, path in sources if path.suffix == ".py"]
    own = {name.partition(".")[0] for name, _ in listed}
    tops = {
        meaning.partition(".")[0]
        for name, path in listed
        for names in _import_names(name, path, path.stat().st_mtime_ns)
        for meaning in names
    }
    return frozenset(tops - own - sys.stdlib_module_names)


def _text(path: Path) -> bytes:
    """Return what of a file computes."""
    source = path.read_bytes()
    if path.suffix in _COMPILED:
        return source
    return computing_text(source) if path.suffix == ".py" else plain_text(source)


def source_modules(module: str, known: Imports | None = None) -> tuple[tuple[str, Path], ...]:
    """Return the modules that `source_fingerprint` hashes: (dotted name, file), sorted.

    Args:
        module: Dotted name.
        known: Where to keep what each module imports, for a caller with many plugins.

    Raises:
        PluginError: If the module has no source file.
    """
    start = _locate(module)
    if start is None:
        raise PluginError(
            f"expected a source file for module {module!r}, found none; "
            "define the plugin in a file of a package, not interactively nor in a zip archive"
        )
    known = {} if known is None else known
    top = module.partition(".")[0]
    modules = dict(_run_with(module, start))
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if (top, name) not in known:
            known[top, name] = tuple(_imported(name, modules[name], (f"{top}.", *_FOLLOWED)))
        for target, path in known[top, name]:
            if target not in modules:
                modules[target] = path
                waiting.append(target)
    return tuple(sorted(modules.items()))


def _run_with(module: str, path: Path) -> Iterator[tuple[str, Path]]:
    """Yield a module, and in a project each `__init__` above it, which is run before it."""
    yield module, path
    parent = module.rpartition(".")[0]
    while place_of(parent) is not None:
        file = _locate(parent)
        if file is not None and file.name == "__init__.py":
            yield parent, file
        parent = parent.rpartition(".")[0]


def _imported(module: str, path: Path, within: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """Yield the modules of these packages that a file imports and that have a file."""
    if path.suffix != ".py":
        return
    for names in _import_names(module, path, path.stat().st_mtime_ns):
        located = ((name, _locate(name)) for name in names if f"{name}.".startswith(within))
        first = next(((name, file) for name, file in located if file is not None), None)
        if first is not None:
            yield from _run_with(*first)


@lru_cache(maxsize=1024)
def _import_names(module: str, path: Path, _changed: int) -> tuple[tuple[str, ...], ...]:
    """Read what each import of a file may mean, the likelier meaning first."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    try:
        tree = ast.parse(path.read_bytes(), path.name)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = place_of(module) or f"module {module!r}"
        where = where.replace(".py", "/__init__.py") if package == module else where
        got = str(error) or type(error).__name__
        raise PluginError(f"expected Python source in {where}, got {got}; repair it") from error
    return tuple(names for node in nodes_of(tree) for names in meanings(node, package))


def _locate(module: str) -> Path | None:
    """Find a module's file below its top-level package, importing nothing."""
    top, _, rest = module.partition(".")
    package = sys.modules.get(top)
    if not rest:
        file = Path(getattr(package, "__file__", None) or "")
        return file if file.is_file() else None  # a module in a zip archive has none
    # Another package that is followed may be imported later, by a method.
    spec = find_spec(top) if package is None else None
    folders = getattr(package, "__path__", None) or (spec and spec.submodule_search_locations)
    stems = [Path(folder).joinpath(*rest.split(".")) for folder in folders or ()]
    candidates = (path for stem in stems for path in _files(stem))
    return next((path for path in candidates if path.is_file()), None)


def _files(stem: Path) -> Iterator[Path]:
    """Yield where a module may lie, in the order in which Python looks."""
    yield stem / "__init__.py"
    yield from (stem.with_name(stem.name + suffix) for suffix in EXTENSION_SUFFIXES)
    yield stem.with_name(f"{stem.name}.py")
