"""Trust marks: what the conformance kit last found out about a plugin, in this environment.

A mark is measured here or not there at all: it names the kit, the plugin's version and the
source it was given to, and when. It is read without importing a plugin or torch.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from adversity.registry.catalogue import cache_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["KIT_VERSION", "Mark", "Standing", "digest_of", "marks_file", "read_marks", "write_mark"]

KIT_VERSION = 1
"""Raised when a check is added to the conformance kit or made stricter; older marks are stale."""

_FORMAT = 1

Standing = Literal["conforms", "fails", "stale"]


@dataclass(frozen=True, slots=True)
class Mark:
    """The result of the conformance kit for one plugin.

    Attributes:
        kind, name, distribution, version: Which plugin.
        kit: The kit's version.
        when: UTC, ISO 8601, to the second.
        passed: How many checks it passed.
        skipped: How many do not concern it.
        failed: Check to what was found, for those that speak against it.
        expected: Check to the reason, for those that its class says must fail.
        versions: Of Python and the packages that the numbers depend on.
        files: The source files that were read for `digest`.
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
    versions: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    digest: str = ""

    @property
    def key(self) -> str:
        """`kind/distribution:name`, which is unique."""
        return f"{self.kind}/{self.distribution}:{self.name}"

    def standing(self, version: str) -> Standing:
        """Say what the mark is worth for a plugin of this version, as its source is now."""
        stale = self.kit != KIT_VERSION or self.version != version
        if stale or digest_of(self.files) != self.digest:
            return "stale"
        return "fails" if self.failed else "conforms"


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


def marks_file() -> Path:
    """Return where the marks of this Python environment are kept, beside the catalogue."""
    catalogue = cache_file()
    return catalogue.with_name(catalogue.name.replace("catalogue-", "conformance-"))


def read_marks() -> dict[str, Mark]:
    """Return the marks by key; a file that cannot be read is no marks."""
    try:
        record = json.loads(marks_file().read_bytes())
        if record["format"] != _FORMAT:
            return {}
        marks = [Mark(**_typed(entry)) for entry in record["marks"]]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {mark.key: mark for mark in marks}


def _typed(entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {"files": tuple(entry["files"])}


def write_mark(mark: Mark) -> Path:
    """Keep a mark in the place of the plugin's last one; return the file.

    Raises:
        OSError: If the file cannot be written.
    """
    file = marks_file()
    marks = read_marks() | {mark.key: mark}
    file.parent.mkdir(parents=True, exist_ok=True)
    record = {"format": _FORMAT, "marks": [asdict(marks[key]) for key in sorted(marks)]}
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=file.parent, prefix=f"{file.stem}-", delete=False
    ) as stream:
        json.dump(record, stream, indent=1)
    Path(stream.name).replace(file)
    return file
