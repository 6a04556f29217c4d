"""Has no docstring."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation, hookimpl


class Tilt(Degradation):
    name: ClassVar[str] = "mute"

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    return [Tilt]
