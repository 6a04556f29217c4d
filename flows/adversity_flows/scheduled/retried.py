"""What a network may refuse is tried again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from adversity.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WAITS", "retried"]

WAITS = (2.0, 10.0)
"""Seconds before the second try and before the third, which is the last."""
Result = TypeVar("Result")


def retried(
    call: Callable[[], Result], *, unless: Callable[[Exception], bool] = lambda _: False
) -> Result:
    """Return what a call returns, tried again where it cannot go on.

    Args:
        call: It.
        unless: Says of an error that another try would end in it, too.

    Raises:
        RunError: That of the last try.
    """
    for seconds in WAITS:
        try:
            return call()
        except RunError as error:
            if unless(error):
                raise
            time.sleep(seconds)
    return call()
