"""Text without the secrets that addresses carry: for messages, logs, manifests and pages.

An address may hold a password (`http://user:password@host`) or a token (`?token=...`): Prefect's
API, a remote of DVC, a proxy. What is said or stored of it goes through here.
"""

from __future__ import annotations

import re

__all__ = ["without_secrets"]

_USER = re.compile(r"(?<=://)[^\s\"'<>`]*@")
_VALUE = re.compile(r"([?&][\w.~-]+)=[^\s\"'<>`&#]+")


def without_secrets(text: str) -> str:
    """Return a text with user, password and every query's values left out of its addresses.

    >>> without_secrets("http://me:s3cret@10.0.0.9:4200/api stopped answering")
    'http://...@10.0.0.9:4200/api stopped answering'
    >>> without_secrets("https://host/data?sig=abc&se=2026")
    'https://host/data?sig=...&se=...'
    """
    if "://" not in text:
        return text
    text = _USER.sub("...@", text)
    return _VALUE.sub(r"\1=...", text)
