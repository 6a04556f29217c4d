"""A hundred services by an address of Apprise."""

from __future__ import annotations

import logging
from typing import ClassVar

from adversity import Message, Notifier

__all__ = ["Apprise"]


class Apprise(Notifier):
    """Send the message by Apprise: to chats, telephones and mail.

    Reference: https://github.com/caronc/apprise/wiki lists the addresses.

    Attributes:
        url: One of Apprise's addresses, such as `slack://...`; it holds tokens, so it is a secret.
    """

    name: ClassVar[str] = "apprise"
    secrets: ClassVar[tuple[str, ...]] = ("url",)

    url: str

    def send(self, message: Message) -> None:
        """Send it."""
        import apprise

        log = logging.getLogger("apprise")
        before, log.disabled = log.disabled, True  # its lines hold addresses, tokens included
        try:
            sender = apprise.Apprise()
            if not sender.add(self.url):
                raise ValueError("expected an address that Apprise knows, got another one")
            if not sender.notify(title=message.title, body=message.body):
                raise RuntimeError("Apprise could not send it")
        finally:
            log.disabled = before
