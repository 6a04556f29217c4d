"""Hears of runs, and raises each time."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation, hookimpl


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "listener"

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    return [Tilt]


@hookimpl
def adversity_run_started(run):
    raise ConnectionError("acme's server is down")


@hookimpl
def adversity_run_finished(run, result):
    raise SystemExit(9)
