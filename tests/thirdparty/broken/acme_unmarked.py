"""Forgets `@hookimpl`."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "unmarked"

    def degrade(self, images, rng):
        return images.flip(-1)


def adversity_degradations():
    return [Tilt]
