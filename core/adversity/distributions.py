"""Installed distributions: which of them brings a module, and what its metadata state.

Only metadata are read; nothing is imported.
"""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from functools import lru_cache
from importlib import metadata
from os.path import commonpath
from typing import TypeAlias

__all__ = [
    "GROUP",
    "PROJECT_PACKAGE",
    "canonical_name",
    "distribution_of",
    "distribution_version",
    "licence_of",
    "lies_in",
    "place_of",
    "stable_name",
    "stated",
]

GROUP = "adversity"
"""The group of entry points by which distributions offer plugins."""

PROJECT_PACKAGE = "adversity_project_"
"""How the package begins in which the Python files of a project are imported."""

_OF_PROJECT = re.compile(PROJECT_PACKAGE + r"[0-9a-f]{12}_\d+")
"""The whole of its name: no distribution is called so by chance."""

_Bringer: TypeAlias = tuple[str, metadata.Distribution, tuple[str, str]]
"""A module's path as an entry point has it, a distribution, and its name and version."""


def canonical_name(distribution: str) -> str:
    """Write a distribution's name the one canonical way (PEP 503).

    Example:
        >>> canonical_name("Acme_Adversity")
        'acme-adversity'
    """
    return re.sub(r"[-_.]+", "-", distribution).lower()


def place_of(module: str) -> str | None:
    """Return the file of a project that a module was imported from; None if it is of no project.

    Example:
        >>> place_of("adversity_project_1f0c8a9b2d3e_1.models.net")
        './models/net.py'
    """
    package, _, rest = module.partition(".")
    if not rest or not _OF_PROJECT.fullmatch(package):
        return None
    return f"./{rest.replace('.', '/')}.py"


def stable_name(module: str) -> str:
    """Return a module's name as it is in every process and on every machine.

    Example:
        >>> stable_name("adversity_project_1f0c8a9b2d3e_1.models.net")
        'project.models.net'
        >>> stable_name("adversity.seeding")
        'adversity.seeding'
    """
    return f"project.{module.partition('.')[2]}" if place_of(module) else module


def stated(distribution: metadata.Distribution, key: str) -> str | None:
    """Return what the metadata of a distribution state first under a key, or None.

    The backport `importlib_metadata`, once a library has imported it, finds the distributions in
    the place of Python's own module, and raises where that returns nothing.
    """
    try:
        found = distribution.metadata
    except FileNotFoundError:
        return None
    return next(iter(found.get_all(key) or ()), None)


def distribution_version(name: str) -> str | None:
    """Return the version of an installed distribution, or None if it is not installed.

    Where one folder holds the metadata of several versions nothing tells whose the code is, and
    all are named: `1.0 or 2.0`.
    """
    installed = list(metadata.distributions(name=name))
    beside = [one for one in installed if lies_in(one) == lies_in(installed[0])]
    versions = {version for one in beside if (version := stated(one, "Version"))}
    return " or ".join(sorted(versions)) or None


def lies_in(distribution: metadata.Distribution) -> str:
    """Return the folder that a distribution's metadata lie in; empty if it cannot be known."""
    # `_path` is all that says where they lie; a finder of another make may not have it.
    return str(getattr(getattr(distribution, "_path", None), "parent", ""))


def distribution_of(module: str) -> tuple[str, str] | None:
    """Return name and version of the distribution that brings a module, or None.

    Entry points are read first: an editable install does not list its files. Of distributions
    that share a namespace package, the one that lists the module decides, or else the one with
    the nearest entry point. A plugin of a project is brought by its file, without a version.
    """
    if (place := place_of(module)) is not None:
        return place, ""
    path = module.replace(".", "/")
    bringers = _distributions_of(path.partition("/")[0], tuple(sys.path))
    if len(bringers) > 1:
        bringers = [
            max(bringers, key=lambda one: (_lists(one[1], path), len(commonpath((one[0], path)))))
        ]
    return bringers[0][2] if bringers else None


@lru_cache(maxsize=256)
def _distributions_of(package: str, _path: tuple[str, ...]) -> list[_Bringer]:
    """Return what may bring a package: by entry points, or else by the files that are listed."""
    bringers: list[_Bringer] = []
    for distribution in metadata.distributions():
        # One by one: a stranger's damaged metadata must stop no fingerprint but its own.
        with suppress(Exception):
            for point in distribution.entry_points.select(group=GROUP):
                at = re.split(r"[:\s]", point.value, maxsplit=1)[0].replace(".", "/")
                if at.partition("/")[0] == package:
                    # Name and version are read last: parsing metadata is slow, and few offer any.
                    origin = canonical_name(distribution.name), distribution.version
                    bringers.append((at, distribution, origin))
    for name in () if bringers else sorted(set(metadata.packages_distributions().get(package, ()))):
        origin = canonical_name(name), distribution_version(name) or ""
        bringers.append((package, metadata.distribution(name), origin))
    # Of one name the first on the path stays first.
    return sorted(bringers, key=lambda one: one[2][0])


def licence_of(module: str) -> str | None:
    """Return the licence that the distribution of a module states, or None if it states none.

    Only `License-Expression` (PEP 639) holds an SPDX expression; older metadata have free text,
    by which nothing can be judged.
    """
    origin = distribution_of(module)
    return origin and _licence_of(origin[0], tuple(sys.path))


@lru_cache(maxsize=256)
def _licence_of(name: str, _path: tuple[str, ...]) -> str | None:
    with suppress(Exception):  # damaged metadata state nothing
        stated = metadata.distribution(name).metadata.get_all("License-Expression") or []
        return next(filter(None, map(str.strip, stated)), None)
    return None


def _lists(distribution: metadata.Distribution, path: str) -> bool:
    names = (path, f"{path}/__init__")
    return any(str(file).partition(".")[0] in names for file in distribution.files or ())
