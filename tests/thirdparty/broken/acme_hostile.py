"""Returns things that raise when they are looked at, and a sound class."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation, hookimpl


class Meta(type):
    """Raise at every look."""

    def __repr__(cls):
        raise SystemExit("repr")

    def __str__(cls):
        raise SystemExit("str")


class Mirror(metaclass=Meta):
    """Have no class that can be seen."""

    @property
    def __class__(self):
        raise RuntimeError("do not look at me")

    def __repr__(self):
        raise SystemExit("repr")


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "looked_at"

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    return [Mirror, Mirror(), Tilt]
