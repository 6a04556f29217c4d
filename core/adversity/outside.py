"""Folders outside the project that this machine permits it to read: data on another disk.

A link in the project leads there, and a path in the project names the link: DVC hashes what it
leads to, and no record knows where that lies. But a link, like a pipeline file, may have come with
the project from anywhere. It counts only where the machine's own configuration names the folder, or
one above it: as a remote of `.dvc/config.local`, which is DVC's way to name a place and which git
leaves out. `.dvc/config` comes with the project and permits nothing.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from adversity.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CONFIG", "dvc_home", "is_permitted"]

CONFIG = ".dvc/config.local"
_REMOTE = re.compile(r'\s*remote\s*"(.+)"\s*', re.IGNORECASE)


def dvc_home(root: Path) -> Path:
    """Return the folder with `.dvc` in or above a project; the project's own if there is none."""
    homes = (folder for folder in (root, *root.parents) if (folder / ".dvc").is_dir())
    return next(homes, root)


def is_permitted(root: Path, full: Path) -> bool:
    """Say whether a place outside the project may be read.

    Args:
        root: The project's folder.
        full: The place, with no link in it.

    Raises:
        DataError: If the machine's configuration cannot be read.
    """
    if root.is_relative_to(full):  # the project would lie in its own data
        return False
    return any(full.is_relative_to(folder) for folder in _permitted(root))


def _permitted(root: Path) -> list[Path]:
    """Return the folders that the machine's configuration names, with no link in them."""
    home = dvc_home(root)
    folders = [text for text in _named(home / CONFIG) if not re.match(r"\w+://", text)]
    # As DVC reads it: beside the file, unless absolute; `~ghost` stays what it is.
    shown = [os.path.expanduser(text) for text in folders]  # noqa: PTH111
    return [(home / ".dvc" / text).resolve() for text in shown]


def _named(file: Path) -> list[str]:
    """Return the places of all remotes in a configuration."""
    from configobj import ConfigObj, ConfigObjError  # DVC's own reader of its own file

    try:
        sections = ConfigObj(file.read_text(encoding="utf-8").splitlines()).dict()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, UnicodeDecodeError, ConfigObjError) as error:
        raise DataError(f"{file}: expected a configuration of DVC, got {error}") from error
    remotes = [section for name, section in sections.items() if _REMOTE.fullmatch(name)]
    urls = [section.get("url") for section in remotes if isinstance(section, dict)]
    return [url for url in urls if isinstance(url, str)]
