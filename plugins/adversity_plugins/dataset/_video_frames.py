"""All frames of a short MP4 file, decoded by the FFmpeg that OpenCV brings."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import DataError
from adversity_plugins.dataset._read_images.decode import Unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["can_decode", "frames_in", "require_decoder", "write_mp4"]

Array = np.ndarray[Any, Any]
_MARK = b"ftyp"
"""How an MP4 file begins, behind four bytes: FFmpeg would follow a list of other files as well."""


def can_decode() -> bool:
    """Say whether OpenCV is installed, without importing it."""
    return find_spec("cv2") is not None


def require_decoder(name: str) -> None:
    """Refuse to go on without OpenCV.

    Raises:
        DataError: If it is not installed, with the command that installs it.
    """
    if not can_decode():
        raise DataError(
            f"data set {name!r} needs OpenCV, which is not installed; run: "
            'pip install "adversity[video]"'
        )


def frames_in(file: Path) -> Array:
    """Decode a video.

    Returns:
        `[F, H, W, 3]` uint8, red first.

    Raises:
        Unreadable: If it is no MP4 file, or not each of its frames can be decoded.
    """
    import cv2

    with file.open("rb") as stream:
        if stream.read(8)[4:] != _MARK:
            raise Unreadable("is no MP4 file")
    video = cv2.VideoCapture(str(file), cv2.CAP_FFMPEG)
    try:
        expected = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
        frames = []
        while expected and (read := video.read())[0]:
            frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    finally:
        video.release()
    if not frames or len(frames) != expected:
        raise Unreadable(f"can be decoded for {len(frames)} of its {expected} frames")
    return np.stack(frames)


def write_mp4(file: Path, frames: Sequence[Array]) -> None:
    """Write frames, `[H, W, 3]` uint8 with red first and even sides, as MPEG-4, which loses a little."""
    import cv2

    height, width = frames[0].shape[:2]
    code = cv2.VideoWriter.fourcc(*"mp4v")
    video = cv2.VideoWriter(str(file), cv2.CAP_FFMPEG, code, 10.0, (width, height))
    try:
        for frame in frames:
            video.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    finally:
        video.release()
