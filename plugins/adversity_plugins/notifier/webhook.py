"""A JSON document to an address of yours."""

from __future__ import annotations

from typing import ClassVar

from adversity import Message, Notifier
from adversity_plugins.notifier._posted import post

__all__ = ["Webhook"]


class Webhook(Notifier):
    """Send the message as JSON, by POST.

    The document has `pipeline`, `event`, `verdict`, `gates`, `report`, `run`, `commit`, `title` and
    `body`, and the message once more as `text`, which Slack, Mattermost and others show.

    Attributes:
        url: The address; whoever knows it may write there, so it is a secret.
    """

    name: ClassVar[str] = "webhook"
    secrets: ClassVar[tuple[str, ...]] = ("url",)

    url: str

    def send(self, message: Message) -> None:
        """Send it."""
        post(self.url, {**message.as_json(), "text": f"{message.title}\n{message.body}"})
