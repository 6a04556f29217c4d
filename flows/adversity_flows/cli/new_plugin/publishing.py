"""How a new distribution goes to others: what its README says of it, and what its CI installs.

CI is another machine: it needs to be told where Adversity comes from, in words of pip.
"""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

from adversity.git import git_says

__all__ = ["PUBLISH", "RELEASE", "requirement_for", "requirement_of_this"]

RELEASE = ".github/workflows/release.yml"
"""What publishes it; left out where its licence forbids that."""
PUBLISH = """
## Publish it

A release on GitHub goes to PyPI through `.github/workflows/release.yml`, which says at its top what to set up once. It tries the wheel with the whole conformance kit first, and adds what was found to the release.
"""

_SCP = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+\.[\w-]+):(?P<path>[\w./~-]+)")
"""How git writes an address for ssh: `git@example.org:lab/adversity.git`."""
_SAFE = re.compile(r"[\w./:@+~#&=%-]+")
"""What can stand between quotes in a workflow."""


def requirement_of_this(bounds: str) -> str:
    """Return what pip must be told on another machine to get this Adversity.

    That is its repository, if it was installed from one or from a clone of one, at the commit
    that the repository has for certain; else a release within bounds.

    Args:
        bounds: Of the version, `>=0.1,<1`.
    """
    try:
        text = metadata.distribution("adversity").read_text("direct_url.json")
        return requirement_for(json.loads(text or "{}"), bounds)
    except (OSError, ValueError, AttributeError, metadata.PackageNotFoundError):
        return f"adversity{bounds}"


def requirement_for(origin: dict[str, object], bounds: str) -> str:
    """Return the requirement for what `direct_url.json` says (PEP 610).

    Example:
        >>> requirement_for({}, ">=0.1,<1")
        'adversity>=0.1,<1'
    """
    url, vcs = str(origin.get("url", "")), origin.get("vcs_info")
    commit = ""
    if isinstance(vcs, dict):
        commit = str(vcs.get("commit_id", ""))
    elif url.startswith("file:") and "dir_info" in origin:
        folder = unquote(urlsplit(url).path)
        url = git_says(Path(folder), "remote", "get-url", "origin") or ""
        commit = git_says(Path(folder), "rev-parse", "@{u}") or ""
    else:
        url = ""
    address = _public(url)
    if not address:
        return f"adversity{bounds}"
    part = origin.get("subdirectory")
    where = f"adversity @ git+{address}" + (f"@{commit}" if commit else "")
    return where + (f"#subdirectory={part}" if part else "")


def _public(url: str) -> str:
    """Return the https address of a repository, without who asks for it; nothing for a folder."""
    if found := _SCP.fullmatch(url):
        return f"https://{found['host']}/{found['path']}"
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http", "ssh") or not parts.hostname:
        return ""
    if parts.scheme == "ssh":
        return f"https://{parts.hostname}{parts.path}" if _SAFE.fullmatch(parts.path) else ""
    port = f":{parts.port}" if parts.port else ""
    address = f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
    return address if _SAFE.fullmatch(address) else ""
