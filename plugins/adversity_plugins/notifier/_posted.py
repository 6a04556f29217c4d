"""One JSON document, sent by POST."""

from __future__ import annotations

import json
import urllib.request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

__all__ = ["post"]

SECONDS = 15.0
_LONGEST = 200


class _StayingHere(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would carry the token to another host."""

    def redirect_request(self, *_: object) -> None:
        """Refuse it; the answer is then an error."""


def post(url: str, record: object, headers: dict[str, str] | None = None) -> None:
    """Send a record as JSON.

    Args:
        url: http or https.
        record: Plain values.
        headers: Besides those that say what is sent.

    Raises:
        ValueError: The address is of another kind.
        RuntimeError: Nobody answered, or the answer was no success; the address is not named.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("expected an address that begins with http:// or https://")
    request = urllib.request.Request(
        url,
        data=json.dumps(record, ensure_ascii=False).encode(),
        headers={
            "Content-Type": "application/json",
            "User-Agent": "adversity",
            **(headers or {}),
        },
    )
    try:
        with urllib.request.build_opener(_StayingHere).open(request, timeout=SECONDS):
            return
    except HTTPError as error:
        with error:  # it holds the connection
            said = error.read(_LONGEST).decode("utf-8", "replace").strip()
        raise RuntimeError(f"it answered {error.code} {error.reason}: {said}") from None
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise RuntimeError(f"nobody answered: {reason}") from None
