"""Has a hook that is a coroutine."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation, hookimpl


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "awaited"

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
async def adversity_degradations():
    return [Tilt]
