"""DVC's remote as workers read it that have no repository: objects by the MD5 of their content.

What travels to a worker is where the remote is, never a secret: a worker brings its own.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from adversity.errors import AdversityError
from adversity_flows.dvc.repository import alone, open_repository
from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["RemoteSource", "remote_source"]

_SAID = (
    "account_name",
    "allow_anonymous_login",
    "endpointurl",
    "profile",
    "projectname",
    "region",
    "ssl_verify",
    "use_ssl",
)
"""Options of a remote that are no secret and mean the same on another machine."""


@dataclass(frozen=True, slots=True)
class RemoteSource:
    """Where objects lie.

    Attributes:
        url: The remote's.
        options: What else DVC must know of it.
    """

    url: str
    options: Mapping[str, Any]

    @classmethod
    def from_json(cls, text: str) -> RemoteSource:
        """Read what `json` wrote."""
        return cls(**json.loads(text))

    @property
    def json(self) -> str:
        """The source as text."""
        return json.dumps(asdict(self), sort_keys=True)

    def open(self) -> OpenSource:
        """Connect.

        Raises:
            Exception: What the remote's library raises.
        """
        from dvc.fs import get_cloud_fs

        make, config, folder = get_cloud_fs({}, url=self.url, **self.options)
        return OpenSource(make(**config), folder)


class OpenSource:
    """A remote that is connected."""

    def __init__(self, system: Any, folder: str) -> None:
        """Use a file system of DVC, and the remote's folder in it."""
        self._system, self._folder = system, folder

    def read(self, md5: str) -> bytes | None:
        """Return an object's bytes, not verified; None where the remote has none.

        Raises:
            Exception: What the remote's library raises.
        """
        path = self._system.join(self._folder, "files", "md5", md5[:2], md5[2:])
        try:
            with self._system.open(path, "rb") as file:
                content: bytes = file.read()
        except FileNotFoundError:
            return None
        return content


def remote_source(root: Path) -> RemoteSource | None:
    """Return the default remote of a project, if it has one that can be named without a secret."""
    with suppress(AdversityError), alone():
        repo = open_repository(root)
        try:
            name = repo.config["core"].get("remote")
            said = dict(repo.config["remote"].get(name, {})) if name else {}
        finally:
            repo.close()
        url = str(said.get("url", ""))
        if (
            not url
            or without_secrets(url) != url
            or said.get("version_aware")
            or said.get("worktree")
        ):
            return None
        return RemoteSource(url, {key: said[key] for key in _SAID if key in said})
    return None
