"""Has a name that would colour a terminal."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation, hookimpl


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "red\x1b[31m<b>"

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    return [Tilt]
