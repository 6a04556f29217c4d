"""Has a parameter of a type that pydantic does not know."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation, hookimpl


class Scope:
    """Anything."""


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "alien"
    scope: Scope

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    return [Tilt]
