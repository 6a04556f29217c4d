"""A cached listing of the installed plugins, read without importing any of them.

Shell completion and `adversity plugins` read it in milliseconds: no pydantic, no torch, no
plugin. It is written again whenever what is installed, or a plugin's source, has changed.
Pipelines never rely on it; they use the registry.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.registry.entry import Problem, licence_of, names_file
from adversity.registry.installed import installed
from adversity.registry.quoting import visible
from adversity.user_cache import user_cache, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.registry.entry import Entry
    from adversity.registry.registry import Registry

__all__ = ["Catalogue", "Listing", "cache_file", "listing_of", "read_catalogue"]

_FORMAT = 4
_STARTED = time.time_ns()
"""What was edited later may differ from what this process has imported."""
_NOT_CLAIMS = frozenset(
    {"describes", "kind", "makes", "api", "name"}
    | {"reference", "licence", "weights_licence", "assets", "block_rows"}
    | {"examples", "expected_failures", "heavy"}
    | {"levels", "model_config"}
)


@dataclass(frozen=True, slots=True)
class Listing:
    """One plugin as users see it in the catalogue; JSON values only.

    Attributes:
        kind, name, distribution, version, status, error: As in `Entry`.
        summary: The first line of its docstring.
        reference: Authors, title, year of the method.
        licence: Of the code; None if nobody states it.
        weights_licence: Of the weights, where there are any.
        claims: What it says of itself, for example `differentiable`.
    """

    kind: str
    name: str
    distribution: str
    version: str
    status: str
    error: str | None = None
    summary: str = ""
    reference: str = ""
    licence: str | None = None
    weights_licence: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)

    @property
    def usable_name(self) -> str | None:
        """What to write in a pipeline after `kind/`; None if it cannot be used.

        A file of the project is written without the kind: `./own/banding.py:banding`.
        """
        qualified = f"{self.distribution}:{self.name}"
        short = qualified if self.in_project else self.name
        return {"ok": short, "clash": qualified}.get(self.status)

    @property
    def in_project(self) -> bool:
        """Whether a file of the user's project defines it."""
        return names_file(self.distribution)

    @property
    def written(self) -> str:
        """What a pipeline writes: `attack/pgd`, `./own/banding.py:banding`."""
        name = self.usable_name or self.name
        return name if self.in_project else f"{self.kind}/{name}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything installed: plugins, problems, and blocked distributions."""

    plugins: tuple[Listing, ...]
    problems: tuple[Problem, ...] = ()
    left_out: tuple[str, ...] = ()

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the names of a kind that a pipeline can use."""
        of_kind = (plugin.usable_name for plugin in self.plugins if plugin.kind == kind)
        return tuple(name for name in of_kind if name)


def read_catalogue(*, refresh: bool = False) -> Catalogue:
    """Return the catalogue: from the cache, or made anew if anything has changed.

    Args:
        refresh: Make it anew in any case.
    """
    file, (key, changed) = cache_file(), _state()
    cached = None if refresh else _read(file, key)
    if cached is not None:
        return cached
    from adversity.registry.registry import discover

    catalogue = _make(discover(refresh=True))
    if changed <= _STARTED:
        # A cache that cannot be written costs time at the next start, nothing else.
        with suppress(OSError):
            write_whole(file, json.dumps({"key": key, **asdict(catalogue)}))
    return catalogue


def cache_file() -> Path:
    """Return where the catalogue of this Python environment is cached."""
    environment = hashlib.sha256(
        f"{sys.prefix}\0{sys.version}\0{sys.flags.optimize}".encode()
    ).hexdigest()[:12]
    return user_cache() / f"catalogue-{environment}.json"


def _make(registry: Registry) -> Catalogue:
    plugins = tuple(listing_of(entry) for entry in registry.entries())
    return Catalogue(plugins, registry.problems, registry.left_out)


def listing_of(entry: Entry) -> Listing:
    """Return a plugin as users see it."""
    base = (entry.kind, entry.name, entry.distribution, entry.version, entry.status, entry.error)
    cls = entry.cls
    if cls is None:
        return Listing(*base)
    return Listing(
        *base,
        summary=visible(cls.summary()),
        reference=visible(cls.reference),
        licence=_shown(licence_of(cls)),
        weights_licence=_shown(cls.weights_licence),
        claims=_claims(cls),
    )


def _shown(licence: str | None) -> str | None:
    return visible(licence) if licence else None


def _claims(cls: type) -> dict[str, Any]:
    """Return what the contracts let a class claim: their ClassVars that are not its identity."""
    from adversity.registry.claims import is_contract

    names = {
        name
        for base in cls.__mro__
        if is_contract(base)
        for name, annotation in vars(base).get("__annotations__", {}).items()
        if "ClassVar" in str(annotation) and name not in _NOT_CLAIMS
    }
    claims = {name: getattr(cls, name) for name in sorted(names) if hasattr(cls, name)}
    return dict(_printable(json.loads(json.dumps(claims, default=str))))


def _printable(value: Any) -> Any:
    """Return a JSON value of which every text can be shown."""
    if isinstance(value, dict):
        return {visible(key): _printable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_printable(part) for part in value]
    return visible(value) if isinstance(value, str) else value


def _state() -> tuple[str, int]:
    """Hash what the catalogue depends on, and say when the newest of it was changed.

    Who is installed, what is blocked, and when each source file was edited.
    """
    facts = installed()
    files = [file for fact in facts if fact.point for file in sorted(_sources(fact.value))]
    # Installing anything touches these folders, and may fix or break a plugin's imports.
    folders = [Path(f) for f in sys.path if f.endswith(("site-packages", "dist-packages"))]
    stamps = [(path.name, _changed(path)) for path in [*files, *folders, *sorted(_core())]]
    blocked = os.environ.get("ADVERSITY_BLOCK", "")
    distributions = [(f.distribution, f.version, f.name, f.value, f.fault) for f in facts]
    text = repr((_FORMAT, sys.version, blocked, distributions, stamps))
    return hashlib.sha256(text.encode()).hexdigest(), max(stamp for _, stamp in stamps)


def _core() -> Iterator[Path]:
    core = Path(__file__).parents[1]
    for folder in (core, core / "contracts", core / "registry"):
        yield from folder.glob("*.py")


def _sources(value: str) -> Iterator[Path]:
    """Yield the files of an entry point's package, found without importing it."""
    parts = value.partition(":")[0].strip().split(".")
    for folder in sys.path:
        stem = Path(folder or ".").joinpath(*parts)
        if (stem / "__init__.py").is_file():
            yield from stem.rglob("*.py")
            return
        if (file := stem.with_name(f"{stem.name}.py")).is_file():
            # A lone module at the top shares its folder with strangers.
            yield from file.parent.glob("*.py") if len(parts) > 1 else (file,)
            return


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _read(file: Path, key: str) -> Catalogue | None:
    """Return the cached catalogue if it is whole and of this key."""
    try:
        record = json.loads(file.read_bytes())
        if record["key"] != key:
            return None
        return Catalogue(
            plugins=tuple(Listing(**plugin) for plugin in record["plugins"]),
            problems=tuple(Problem(**problem) for problem in record["problems"]),
            left_out=tuple(record["left_out"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
