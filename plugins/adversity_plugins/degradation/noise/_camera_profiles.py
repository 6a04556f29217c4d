"""Measured noise of cameras, from a file as darktable ships it.

The file is JSON: makers, their models, and of each model profiles by ISO with `a` and `b` for red,
green and blue: the variance of raw values x, black at 0 and white at 1, is a x + b.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from adversity.did_you_mean import did_you_mean
from adversity.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["profile_of"]

Line = tuple[tuple[float, float, float], tuple[float, float, float]]


def profile_of(path: Path, file: str, camera: str, iso: int) -> Line:
    """Return `a` and `b` of a camera at an ISO, each for red, green and blue.

    Args:
        path: Such as darktable's noiseprofiles.json.
        file: What messages call it.
        camera: Maker and model, or the model alone; upper and lower case are the same.
        iso: One that was measured.

    Raises:
        DataError: If the file is none, or has not that camera or ISO, or the measurement failed for
            a channel.
    """
    cameras = _cameras(path, file)
    named = {name.casefold(): name for name in cameras}
    short = {name.partition(" ")[2].casefold(): name for name in cameras}
    asked = camera.casefold()
    name = named.get(asked) or short.get(asked)
    if name is None:
        hint = did_you_mean(
            camera, cameras, f"it has {len(cameras)}, such as {next(iter(cameras))}"
        )
        raise DataError(f"{file}: expected a camera that is measured there, got {camera!r}; {hint}")
    profiles = cameras[name]
    if iso not in profiles:
        known = ", ".join(map(str, sorted(profiles)))
        raise DataError(f"{file}: {name} was not measured at ISO {iso}; there are {known}")
    return _line(file, f"{name} at ISO {iso}", profiles[iso])


def _cameras(path: Path, file: str) -> dict[str, dict[int, Any]]:
    """Return the profiles of each camera by ISO; the first of an ISO counts."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        found: dict[str, dict[int, Any]] = {}
        for maker in record["noiseprofiles"]:
            for model in maker["models"]:
                own = found.setdefault(f"{maker['maker']} {model['model']}", {})
                for profile in model["profiles"]:
                    own.setdefault(int(profile["iso"]), profile)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{file}: expected measured noise as darktable's noiseprofiles.json has it, got a file "
            f"that is read as none: {type(error).__name__}: {error}"
        ) from error
    if not found:
        raise DataError(f"{file}: expected measured cameras, got none")
    return found


def _line(file: str, what: str, profile: Any) -> Line:
    """Return the numbers of a profile; a channel whose variance does not grow was not measured."""
    try:
        (ar, ag, ab), (br, bg, bb) = (tuple(map(float, profile[name])) for name in "ab")
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{file}: {what}: expected three numbers `a` and `b`, got {profile}"
        ) from error
    line: Line = ((ar, ag, ab), (br, bg, bb))
    if min(line[0]) <= 0 or not all(map(math.isfinite, (*line[0], *line[1]))):
        raise DataError(
            f"{file}: {what}: expected noise that grows with light in every channel, got a = "
            f"{list(line[0])}; the measurement failed, take another ISO or camera"
        )
    return line
