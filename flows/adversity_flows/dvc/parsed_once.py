"""DVC's YAML files, parsed once for each text that they have had.

DVC parses `dvc.yaml`, `dvc.lock` and every parameter file again for each stage that it looks at:
58 times in a run that forces one step of three. Files are still read each time, and only what is
made of the same text is remembered, so a file that changes is seen to.
"""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["parse_once"]

_TEXTS = 64
"""So many are remembered, more than a project has files that one run reads."""


def parse_once() -> None:
    """Let DVC remember in this process what it parsed; do nothing the second time."""
    from dvc.utils import strictyaml
    from dvc.utils.serialize import _yaml

    if hasattr(_yaml.parse_yaml, "__wrapped__"):
        return
    # DVC has the function under two names: of its own files, and of parameter files.
    _yaml.parse_yaml = strictyaml.parse_yaml = _remembering(_yaml.parse_yaml)


def _remembering(parse: Callable[..., Any]) -> Callable[..., Any]:
    """Return a parser that gives the same text an answer of its own each time, and parses once."""

    @lru_cache(maxsize=_TEXTS)
    def kept(text: str, path: str) -> Any:
        return parse(text, path)

    @wraps(parse)
    def remembering(text: Any, path: Any, typ: str = "safe") -> Any:
        if typ != "safe" or not isinstance(text, str):
            return parse(text, path, typ)  # with comments, to be written again
        return deepcopy(kept(text, str(path)))  # callers may change theirs

    return remembering
