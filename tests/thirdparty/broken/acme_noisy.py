"""Prints when it is imported."""

from __future__ import annotations

import sys
from typing import ClassVar

from adversity import Degradation, hookimpl

sys.stdout.write("acme says hello\n")


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "noisy"

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    return [Tilt]
