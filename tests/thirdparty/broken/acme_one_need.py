"""Writes one need as text instead of a tuple."""

from __future__ import annotations

from typing import ClassVar

from adversity import Restoration, hookimpl


class Untilt(Restoration):
    """Tilt an image back."""

    name: ClassVar[str] = "needy"
    needs: ClassVar[str] = "kernel"

    def restore(self, images, kernel):
        return images.flip(-1)


@hookimpl
def adversity_restorations():
    return [Untilt]
