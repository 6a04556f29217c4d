"""The kit's lock: which plugins passed the whole kit, and with what.

A file in a repository, one line a plugin, so that two branches that add one each can be merged.
A plugin whose line is fresh would do the same again; what makes a line stale is in its digest.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

from adversity.contracts import Fitted
from adversity.distributions import distribution_version
from adversity.errors import InputError
from adversity.git import git_says
from adversity.provenance import (
    Imports,
    file_fingerprint,
    packages_imported,
    source_modules,
)
from adversity.registry.claims import contract_of
from adversity.registry.marks import DEPENDS_ON
from adversity.testing.common.every_plugin import second_device
from adversity.testing.kit.conformance import trials

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from adversity.contracts import PluginBase

__all__ = [
    "Passed",
    "commit_of",
    "drawn",
    "machine",
    "own_part",
    "read_lock",
    "sources_of",
    "tried_with",
    "versions",
    "write_lock",
]

_ALWAYS = ("adversity.testing.kit.conformance", "adversity.clipping")
"""Where the kit begins, and what plugins reach only by a name that is loaded on first use."""

_CORE = "adversity"
_IMPORTS: Imports = {}
"""What each module imports, as this process found it: every plugin needs the same kit."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What a line says: this plugin passed the whole kit, or this group of tests as a whole.

    Attributes:
        digest: Of what the outcome depends on, as `tried_with` returns a plugin's.
        own: Of that but for what it shares with many (a plugin: the core, see `own_part`); empty:
            not known, or it shares nothing.
        passed, skipped, expected: How many trials came out so.
        seconds: How long all of them took together.
    """

    digest: str
    passed: int
    skipped: int
    expected: int
    seconds: float
    own: str = ""


def tried_with(plugin: type[PluginBase]) -> str:
    """Return the digest of everything that the kit's outcome on a plugin depends on.

    The source without comments and docstrings, by dotted names so that no folder matters, of
    the plugin, of the plugins that it is tried with, of the kit's checks of its kind, and of all
    that these import from the core; the versions of the libraries; Python, system and device.
    """
    return _digest(sources_of(plugin))


def own_part(plugin: type[PluginBase]) -> str:
    """Return the digest of the same but for the core: what the plugin and others bring."""
    sources = sources_of(plugin).items()
    return _digest({name: file for name, file in sources if name.partition(".")[0] != _CORE})


def _digest(sources: Mapping[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, file in sorted(sources.items()):
        digest.update(f"{name}\0{_fingerprint(file)}\0".encode())
    packages = {package for module in sources.items() for package in _packages(module)}
    own = {name.partition(".")[0] for name in sources}
    for name, value in (*versions(packages - own), *machine()):
        digest.update(f"{name}\0{value}\0".encode())
    return digest.hexdigest()[:16]


@cache
def _fingerprint(file: Path) -> str:
    """Return a file's fingerprint; plugins share most of their files."""
    return file_fingerprint(file)


@cache
def _packages(module: tuple[str, Path]) -> frozenset[str]:
    return packages_imported([module])


def sources_of(plugin: type[PluginBase]) -> dict[str, Path]:
    """Return the modules that a plugin's outcome depends on: dotted name to file.

    Those of its kind, too: its contract, its final call and its checks, whoever brings them.
    """
    benches = list({id(trial.bench): trial.bench for trial in trials(plugin)}.values())
    roots = {plugin.describes.kit, *_ALWAYS}
    roots.update(type(bench).__module__ for bench in benches)
    for cls in (plugin, *(other for bench in benches for other in bench.others())):
        # Final calls are reached by a name that a kind gives: no import says it.
        roots.update((cls.__module__, contract_of(cls).__module__, *cls.describes.calls))
        if issubclass(cls, Fitted):
            roots.add(cls.describes.kit)  # it learns what the bench of its kind gives it
    return {name: file for root in sorted(roots) for name, file in source_modules(root, _IMPORTS)}


def versions(packages: Iterable[str], *more: str) -> list[tuple[str, str]]:
    """Return the version of each installed distribution that what is tried depends on.

    Args:
        packages: What is imported; other words are nobody's.
        *more: Names of distributions, besides those that each plugin is measured with.
    """
    brought = _bringers().keys() & set(packages)
    names = {name for package in brought for name in _bringers()[package]}
    found = ((name, _version(name)) for name in sorted(names.union(DEPENDS_ON, more)))
    return [(name, version) for name, version in found if version]


@cache
def _version(distribution: str) -> str | None:
    return distribution_version(distribution)


@cache
def _bringers() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def machine() -> list[tuple[str, str]]:
    """Return what of this machine decides which checks apply, and how libraries were built."""
    python = ".".join(platform.python_version_tuple()[:2])
    system = f"{sys.platform} {platform.machine()}"
    return [("python", python), ("system", system), ("device", str(second_device()))]


def read_lock(file: Path) -> dict[str, Passed]:
    """Return who passed, by name: `kind/name` in the kit's; nobody where there is no file.

    Raises:
        InputError: If the file is no lock.
    """
    if not file.is_file():
        return {}
    try:
        return {name: Passed(**line) for name, line in json.loads(file.read_bytes()).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"expected a lock in {file}, got {error}; delete it, and write it anew"
        ) from error


def write_lock(file: Path, passed: Mapping[str, Passed]) -> None:
    """Write who passed, sorted, a line each.

    Raises:
        OSError: If it cannot be written.
    """
    lines = [f"{json.dumps(name)}: {json.dumps(asdict(passed[name]))}" for name in sorted(passed)]
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def drawn(fresh: Iterable[str], seed: str, share: int = 10) -> frozenset[str]:
    """Return which of the fresh ones are tried all the same: one in `share`, or the part of it.

    Args:
        fresh: Names.
        seed: Other names for another one, the same for the same, in whatever order they come.
        share: One in how many.
    """
    names = set(fresh)

    def place(name: str) -> str:
        return hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest()

    return frozenset(sorted(names, key=place)[: -(-len(names) // share)])


def commit_of(root: Path) -> str:
    """Return the commit of a repository; empty outside of one, so that the draw stays the same."""
    return git_says(root, "rev-parse", "HEAD") or ""
