"""A status, a check or a comment on GitHub."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from adversity import Message, Notifier
from adversity_plugins.notifier._posted import post

__all__ = ["GitHub"]

_GOOD = {"passed", "undecided", "recovered", "trial"}
_DESCRIPTION = 140  # characters that GitHub takes of a status


class GitHub(Notifier):
    """Say on GitHub how the commit did that ran.

    Reference: GitHub's REST API, version 2022-11-28: commit statuses, check runs, comments.

    Attributes:
        repository: `owner/name`.
        token: That may write there (`statuses`, `checks` or `contents`), a secret.
        form: `status` of the commit; `check`, which takes the token of an app; or `comment`.
        issue: The number of the issue or pull request that is commented on; None: the commit.
        api: For GitHub Enterprise.
    """

    name: ClassVar[str] = "github"
    secrets: ClassVar[tuple[str, ...]] = ("token",)

    repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    token: str
    form: Literal["status", "check", "comment"] = "status"
    issue: int | None = Field(default=None, ge=1)
    api: str = Field(default="https://api.github.com", pattern=r"^https?://\S+$")

    def send(self, message: Message) -> None:
        """Send it.

        Raises:
            ValueError: The run was of no commit.
        """
        if not message.commit and not (self.form == "comment" and self.issue):
            raise ValueError("expected a run of a commit, got one of files that are not committed")
        path, record = self._request(message)
        post(
            f"{self.api.rstrip('/')}/repos/{self.repository}/{path}",
            record,
            {
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )

    def _request(self, message: Message) -> tuple[str, dict[str, Any]]:
        """Return where to and what is sent."""
        good = message.event in _GOOD
        context = f"adversity/{message.pipeline}" + (" (trial)" if message.event == "trial" else "")
        page = message.report if message.report.startswith("http") else None
        if self.form == "comment":
            place = f"issues/{self.issue}" if self.issue else f"commits/{message.commit}"
            return f"{place}/comments", {"body": f"**{message.title}**\n\n{message.body}"}
        if self.form == "check":
            shown = {"title": message.title, "summary": message.body}
            record = {
                "name": context,
                "head_sha": message.commit,
                "status": "completed",
                "conclusion": "success" if good else "failure",
                "output": shown,
            }
            return "check-runs", record | ({"details_url": page} if page else {})
        state = "success" if good else "error" if message.event == "failed" else "failure"
        status = {
            "state": state,
            "context": context,
            "description": message.verdict[:_DESCRIPTION],
        }
        return f"statuses/{message.commit}", status | ({"target_url": page} if page else {})
