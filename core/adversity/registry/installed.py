"""Which distributions offer plugins, read from their metadata; nothing of theirs is run.

Every distribution is read under a guard of its own: `importlib.metadata.entry_points` gives
up on the whole environment at the first damaged file. Metadata that do not say whose a
plugin is are a fault, since every result names the distribution and version behind it.
"""

from __future__ import annotations

import csv
import re
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from adversity.distributions import GROUP, canonical_name, lies_in, stated
from adversity.registry.entry import BUILT_IN
from adversity.registry.quoting import error_text, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Installed", "installed"]

OURS = frozenset({"adversity", "adversity_plugins", "adversity_flows"})
"""Top-level packages that only the product itself may bring."""

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
"""A distribution's name (the packaging user guide, "Names and normalization")."""
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.!+_-]*")
"""Looser than PEP 440: it only has to be a word that can be printed."""
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True, slots=True)
class Installed:
    """One entry point of the group, or what keeps a distribution's from being used.

    Attributes:
        distribution: Canonical (PEP 503); from the metadata folder's name if need be.
        version: As its metadata say; empty if they do not.
        name: Of the entry point, or of the file at fault.
        value: What the entry point names: a module.
        point: The entry point, if it can be loaded.
        fault: Why it cannot, and what to do.
    """

    distribution: str
    version: str
    name: str
    value: str = ""
    point: metadata.EntryPoint | None = None
    fault: str | None = None


def installed() -> tuple[Installed, ...]:
    """Return everything in the group: built-ins first, then by distribution and name."""
    entry_points: list[Installed] = []
    by_name: dict[str, list[metadata.Distribution]] = {}
    for distribution in metadata.distributions():
        by_name.setdefault(_folder_name(distribution), []).append(distribution)
    for folder, some in by_name.items():
        # The first on the path is the one that Python would import.
        beside = [one for one in some if lies_in(one) == lies_in(some[0])]
        offers = (tuple(_offers(one, folder, _twice(beside))) for one in beside)
        entry_points += next(filter(None, offers), ())
    return tuple(
        sorted(entry_points, key=lambda f: (f.distribution != BUILT_IN, f.distribution, f.name))
    )


def _twice(beside: list[metadata.Distribution]) -> str | None:
    """Say that a folder holds metadata of several versions, of which one is the code's, or None."""
    if len(beside) < 2:  # all but always; the metadata need not be read
        return None
    versions = sorted({_version_or_nothing(one) for one in beside})
    if len(versions) < 2:
        return None
    name = _folder_name(beside[0])
    return (
        f"expected one version in {lies_in(beside[0])}, got {' and '.join(map(visible, versions))}: "
        f"no result could say which of them its code is; uninstall {name} until it is gone, then "
        "install the one you want"
    )


def _offers(
    distribution: metadata.Distribution, folder: str, twice: str | None
) -> Iterator[Installed]:
    """Yield the entry points of one distribution, or what is wrong with its metadata."""
    try:
        text = distribution.read_text("entry_points.txt") or ""
        if GROUP not in text:
            return
        points = list(distribution.entry_points.select(group=GROUP))
    except Exception as error:  # noqa: BLE001  (what a damaged file raises is not defined)
        what = (
            f"expected lines `name = module` in its entry_points.txt, got {error_text(error)}; "
            f"reinstall {folder}"
        )
        yield Installed(folder, _version_or_nothing(distribution), "entry_points.txt", fault=what)
        return
    if not points:
        return
    name, version, fault = _identity(distribution, folder)
    fault = fault or twice or _trespass(distribution, name)
    for point in points:
        label, value = visible(point.name), visible(point.value)
        wrong = fault or _value_fault(label, point.value)
        yield Installed(name, version, label, value, None if wrong else point, wrong)


def _folder_name(distribution: metadata.Distribution) -> str:
    """Return the name by which an installer filed the metadata: `acme_x-1.0.dist-info`."""
    # `_path` is all that says where they lie; a finder of another make may not have it.
    stem = getattr(getattr(distribution, "_path", None), "name", "")
    if not stem:
        with suppress(Exception):
            stem = stated(distribution, "Name") or ""
    return canonical_name(visible(re.split(r"-|\.dist-info$|\.egg-info$", stem)[0])) or "unknown"


def _version_or_nothing(distribution: metadata.Distribution) -> str:
    with suppress(Exception):
        version = stated(distribution, "Version")
        return version if version and _VERSION.fullmatch(version) else ""
    return ""


def _identity(distribution: metadata.Distribution, folder: str) -> tuple[str, str, str | None]:
    """Return name and version as the metadata say, and what is wrong with them."""
    try:
        name, version = (stated(distribution, key) for key in ("Name", "Version"))
    except Exception as error:  # noqa: BLE001  (what a damaged file raises is not defined)
        what = f"expected text in its METADATA, got {error_text(error)}; reinstall {folder}"
        return folder, "", what
    remedy = f"no result could say whose it is; reinstall {folder}"
    name, version = name or "", version or ""
    if not _NAME.fullmatch(name):
        got = visible(repr(name)) if name else "none"
        return folder, visible(version), f"expected a name in its METADATA, got {got}; {remedy}"
    canonical = canonical_name(name)
    if not _VERSION.fullmatch(version):
        got = visible(repr(version)) if version else "none"
        return canonical, "", f"expected a version in its METADATA, got {got}; {remedy}"
    if canonical == BUILT_IN != folder:
        what = f"its METADATA says adversity, its folder {folder}; only the product has that name"
        return folder, version, f"{what}; uninstall {folder}"
    return canonical, version, None


def _trespass(distribution: metadata.Distribution, name: str) -> str | None:
    """Say which of the product's own packages a distribution writes into, or None."""
    if name == BUILT_IN:
        return None
    taken: list[str] = []
    with suppress(Exception):  # a damaged RECORD tells nothing, and it harms nobody
        # Not `files`: newer Pythons leave out what another installation has overwritten.
        rows = csv.reader((distribution.read_text("RECORD") or "").splitlines())
        taken = [r[0] for r in rows if r and r[0].partition("/")[0].removesuffix(".py") in OURS]
    if not taken:
        return None
    return (
        f"expected a package of its own name, got {visible(min(taken))}, which overwrites or "
        f"hides a file of the product; uninstall {name}, reinstall adversity, and rename the "
        "package"
    )


def _value_fault(name: str, value: str) -> str | None:
    """Say why an entry point does not name a module, or None."""
    module, colon, attribute = (part.strip() for part in value.partition(":"))
    if _MODULE.fullmatch(module) and (not colon or _MODULE.fullmatch(attribute)):
        return None
    return f'expected the name of a module, got {visible(value)!r}; write {name} = "your_module"'
