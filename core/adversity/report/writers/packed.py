"""What a page needs only when a chart is pointed at: compressed, and unpacked by its script.

The chart runtime and the data of the charts are nine tenths of some pages. Browsers have had
`DecompressionStream` since 2023; in an older one charts stay as drawn.
"""

from __future__ import annotations

import base64
import zlib
from functools import lru_cache

__all__ = ["packed"]


@lru_cache(maxsize=4)
def packed(text: str) -> str:
    """Return text compressed by zlib in base64, for `unpacked` of `script.js`; nothing of nothing."""
    if not text:
        return ""
    data = zlib.compress(text.encode("utf-8", "replace"), 9)
    return base64.b64encode(data).decode("ascii")
