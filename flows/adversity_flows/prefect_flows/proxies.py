"""Proxies that the environment names, and addresses that must not go through one."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ASIDE", "is_loopback", "proxies", "proxies_aside"]

ASIDE = "ADVERSITY_PROXIES_ASIDE"


def is_loopback(url: str) -> bool:
    """Tell whether an address is on this machine."""
    try:
        return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}
    except ValueError:
        return False


def proxies() -> dict[str, str]:
    """Return the proxies that the environment names, in any spelling."""
    named = {name: value for name, value in os.environ.items() if value}
    return {
        name: value
        for name, value in named.items()
        if name.lower().endswith("_proxy") and name.lower() != "no_proxy"
    }


@contextmanager
def proxies_aside(url: str) -> Iterator[None]:
    """Hide proxies from Prefect's processes if the API is on this machine.

    A client that is made under `ALL_PROXY=socks5://...` fails even where NO_PROXY excepts the
    address. `own_environment` has them again, for runs whose plugins may need them.
    """
    taken = proxies() if is_loopback(url) else {}
    for name in taken:
        del os.environ[name]
    os.environ[ASIDE] = json.dumps(taken)
    try:
        yield
    finally:
        del os.environ[ASIDE]
        os.environ.update(taken)
