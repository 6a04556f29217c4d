"""What draws Vega-Lite as SVG, and all that a drawing depends on beside its specification."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
import time
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["draw", "renderer"]

_DIRECTORIES = {
    "darwin": (
        "/Library/Fonts",
        "/System/Library/Fonts",
        "/System/Library/AssetsV2",
        "/Network/Library/Fonts",
        "~/Library/Fonts",
    ),
    "win32": (
        r"%SYSTEMROOT%\Fonts",
        r"~\AppData\Local\Microsoft\Windows\Fonts",
        r"~\AppData\Roaming\Microsoft\Windows\Fonts",
    ),
}
_ELSEWHERE = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")
"""Where fonts lie; vl-convert places text by the widths that the fonts of the machine give it."""
_FONTCONFIG = "/etc/fonts"
_DIRECTORY = re.compile(r"<dir\b[^>]*>\s*([^<]+?)\s*</dir>")


@lru_cache(maxsize=128)
def draw(spec: str) -> str:
    """Draw a specification, which is JSON, as SVG: once for the page and for markdown."""
    import vl_convert

    drawing: str = vl_convert.vegalite_to_svg(spec)
    return drawing


@lru_cache(maxsize=1)
def renderer() -> str:
    """Return all that a drawing depends on beside its specification; empty if that is not known."""
    try:
        drawn_by = version("vl-convert-python")
    except PackageNotFoundError:
        return ""
    parts = (
        drawn_by,
        platform.system(),
        platform.machine(),
        (os.environ.get("TZ", ""), *time.tzname),
        sorted(_fonts()),
    )
    return json.dumps(parts)


def _fonts() -> Iterator[tuple[str, int, int]]:
    """Yield path, size and time of each file where fonts lie."""
    for folder in dict.fromkeys(_directories()):
        for path in folder.rglob("*"):
            with suppress(OSError):  # a link to nothing
                if path.is_file():
                    state = path.stat()
                    yield str(path), state.st_size, state.st_mtime_ns


def _directories() -> Iterator[Path]:
    """Yield the folders where the renderer looks for fonts, there or not."""
    names = [*_DIRECTORIES.get(sys.platform, _ELSEWHERE)]
    if sys.platform not in _DIRECTORIES:
        names.append(_FONTCONFIG)
        for file in sorted(Path(_FONTCONFIG).rglob("*.conf")):
            with suppress(OSError, ValueError):
                names += _DIRECTORY.findall(file.read_text(encoding="utf-8"))
    for name in names:
        with suppress(RuntimeError):  # nobody's home
            folder = Path(os.path.expandvars(name)).expanduser()
            if folder.is_absolute():  # those of XDG, which stand above as a whole, are not
                yield folder
