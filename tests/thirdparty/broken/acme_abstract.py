"""Forgets the method."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation, hookimpl


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "unwritten"


@hookimpl
def adversity_degradations():
    return [Tilt]
