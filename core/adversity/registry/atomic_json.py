"""Write a small JSON file beside its place and rename it: no reader ever sees half of one."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["write_atomic_json"]


def write_atomic_json(file: Path, record: Mapping[str, Any]) -> None:
    """Write a record as JSON in the place of `file`; its folder is made.

    Raises:
        OSError: If it cannot be written; then nothing is left of it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=file.parent, prefix=f".{file.stem}-", delete=False
    ) as stream:
        beside = Path(stream.name)
        try:
            json.dump(record, stream)
            stream.flush()
            beside.replace(file)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
