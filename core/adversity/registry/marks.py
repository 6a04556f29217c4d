"""Trust marks: what the conformance kit last found out about a plugin, in this environment.

A mark is measured here or not there at all: it names the kit, the plugin's version and the
source it was given to, and when. It is read without importing a plugin or torch.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from adversity.distributions import canonical_name, distribution_version
from adversity.provenance import core_fingerprint
from adversity.registry.catalogue import cache_file
from adversity.user_cache import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adversity.registry.entry import Entry

__all__ = [
    "DEPENDS_ON",
    "KIT_VERSION",
    "Mark",
    "Standing",
    "core_digest",
    "digest_of",
    "mark_key",
    "marked_as",
    "marks_folder",
    "read_marks",
    "versions_for",
    "write_mark",
]

KIT_VERSION = 1
"""Raised when a check is added to the conformance kit or made stricter; older marks are stale.
Counting begins with the first release."""

DEPENDS_ON = (
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "scikit-image",
    "scikit-learn",
    "pillow",
)
"""Distributions whose version is a part of what was measured, besides those that the plugin's
own distribution requires."""

_TRIED_BY = (
    "clipping.py",
    "contracts",
    "data",
    "did_you_mean.py",
    "distributions.py",
    "engine",
    "errors.py",
    "file_names.py",
    "git.py",
    "ignored.py",
    "import_names.py",
    "metrics",
    "numerals.py",
    "outside.py",
    "pipeline/gates",
    "pipeline/plan",
    "project.py",
    "provenance.py",
    "registry/claims.py",
    "registry/entry.py",
    "seeding.py",
    "shapes.py",
    "testing",
    "ziggurat.py",
)
"""What of the core a plugin was tried by: the kit, the engine that calls it, and what these import.
What finds plugins, reads files and writes reports is left out."""
_REQUIRED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FORMAT = 2

Standing = Literal["conforms", "fails", "stale"]


@dataclass(frozen=True, slots=True)
class Mark:
    """The result of the conformance kit for one plugin.

    Attributes:
        kind, name, distribution, version: Which plugin.
        kit: The kit's version.
        when: UTC, ISO 8601, to the second.
        passed: How many trials (a check with one set of parameters) it passed.
        skipped: How many do not concern it.
        failed: Trial to what was found, for those that speak against it.
        expected: Trial to the reason, for those that its class says must fail.
        core: SHA-256 of the source of kit and engine, as they were.
        versions: Of the libraries, as `versions_for` gives them, and of what the files import;
            another one makes it stale.
        files: The source files that were read for `digest`: of the plugin, of the plugins that it
            was tried with, and of the kind where a distribution brings it; and where none lies,
            but a new one would count.
        digest: SHA-256 of their contents.
    """

    kind: str
    name: str
    distribution: str
    version: str
    kit: int
    when: str
    passed: int
    skipped: int
    failed: Mapping[str, str] = field(default_factory=dict)
    expected: Mapping[str, str] = field(default_factory=dict)
    core: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    digest: str = ""

    @property
    def key(self) -> str:
        """`kind/distribution:name`, which is unique."""
        return mark_key(self.kind, self.distribution, self.name)

    def standing(self, version: str) -> Standing:
        """Say what the mark is worth for a plugin of this version, as its source is now."""
        same = (
            (self.kit, self.version) == (KIT_VERSION, version)
            and self.core == core_digest()
            and self.versions == versions_for(self.distribution, *self.versions)
            and digest_of(self.files) == self.digest
        )
        if not same:
            return "stale"
        return "fails" if self.failed else "conforms"


def mark_key(kind: str, distribution: str, name: str) -> str:
    """Return what a plugin's mark is found by, which is unique.

    Example:
        >>> mark_key("attack", "acme", "pgd")
        'attack/acme:pgd'
    """
    return f"{kind}/{distribution}:{name}"


def marked_as(entry: Entry) -> str:
    """Return under which distribution the mark of a plugin is kept.

    Two projects may each have a `./my_model.py`: their marks are apart.
    """
    module = None if entry.cls is None else sys.modules.get(entry.cls.__module__)
    if not entry.in_project or module is None:
        return entry.distribution
    file = str(Path(module.__file__ or "").resolve())
    return f"{entry.distribution}@{hashlib.sha256(file.encode()).hexdigest()[:12]}"


@cache
def core_digest() -> str:
    """Return the SHA-256 of the source of kit and engine as this process found it."""
    return core_fingerprint(*_TRIED_BY)


def versions_for(distribution: str, *more: str) -> dict[str, str]:
    """Return the versions of what a distribution's plugins compute with, of what is installed.

    Args:
        distribution: Whose requirements count; a file of the project has none.
        *more: Names of distributions that its plugins import.
    """
    names = {*DEPENDS_ON, *_requirements(distribution), *more}
    versions = {name: distribution_version(name) for name in sorted(names)}
    return {name: version for name, version in versions.items() if version}


@cache
def _requirements(distribution: str) -> frozenset[str]:
    with suppress(Exception):  # metadata that cannot be read require nothing
        asked = map(_REQUIRED.match, metadata.requires(distribution) or ())
        return frozenset(canonical_name(match.group()) for match in asked if match)
    return frozenset()


def digest_of(files: Iterable[str]) -> str:
    """Return the SHA-256 of some files' names and contents; a missing one counts as such."""
    digest = hashlib.sha256()
    for name in files:
        path = Path(name)
        content = b"missing"
        with suppress(OSError):
            content = hashlib.sha256(path.read_bytes()).digest()
        digest.update(f"{path.name}\0".encode() + content)
    return digest.hexdigest()


def marks_folder() -> Path:
    """Return where the marks of this Python environment are kept, beside the catalogue."""
    catalogue = cache_file()
    return catalogue.with_name(catalogue.stem.replace("catalogue-", "conformance-"))


def read_marks() -> dict[str, Mark]:
    """Return the marks by key; a file that cannot be read is no mark."""
    marks = (_read(file) for file in sorted(marks_folder().glob("*.json")))
    return {mark.key: mark for mark in marks if mark is not None}


def _read(file: Path) -> Mark | None:
    try:
        record = json.loads(file.read_bytes())
        if record.pop("format") != _FORMAT:
            return None
        return Mark(**record | {"files": tuple(record["files"])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_mark(mark: Mark) -> Path:
    """Keep a mark in the place of the plugin's last one; return its file.

    Raises:
        OSError: If the file cannot be written.
    """
    folder = marks_folder()
    folder.mkdir(parents=True, exist_ok=True)
    # One file a plugin: two commands at once keep both their marks.
    file = folder / f"{quote(mark.key, safe='')}.json"
    write_whole(file, json.dumps({"format": _FORMAT, **asdict(mark)}))
    return file
