"""Returns a class that inherits from nothing of ours."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation, hookimpl


class Stranger:
    """Look like a plugin."""

    name: ClassVar[str] = "stranger"


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "a_stranger"

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    return [Stranger]
