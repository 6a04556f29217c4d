"""Built-in ways to tell somebody how a run went, for `notify:` of a pipeline file."""

from __future__ import annotations

from adversity import Notifier, hookimpl
from adversity_plugins.notifier.apprise import Apprise
from adversity_plugins.notifier.email import Email
from adversity_plugins.notifier.github import GitHub
from adversity_plugins.notifier.webhook import Webhook


@hookimpl
def adversity_notifiers() -> list[type[Notifier]]:
    """Return the built-in ways."""
    return [Apprise, Email, GitHub, Webhook]
