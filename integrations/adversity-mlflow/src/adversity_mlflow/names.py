"""Names that MLflow takes: letters, digits, `_`, `-`, `.`, space and `/`, at most 250 in all."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NAME_LENGTH", "Names", "flatten"]

NAME_LENGTH = 250
"""MLflow's limit for the name of a metric, a parameter or a tag."""

_REFUSED = re.compile(r"[^\w.\- ]")
_DIGEST = 8


class Names:
    """Gives everything of one run a name of its own, in the order in which they come.

    The first of two that would be written alike keeps the plain name, the second gets a digest.

    Example:
        >>> Names().of("attacked", "severity=3,eps=4/255", "robust_accuracy")
        'attacked/severity_3 eps_4-255/robust_accuracy'
    """

    def __init__(self) -> None:
        """Begin with no names given."""
        self._given: dict[str, tuple[str, ...]] = {}

    def of(self, *parts: str, ending: str = "") -> str:
        """Return the name of something; two different things never get one name.

        Args:
            parts: What it is, from the whole to the part; empty ones are left out.
            ending: Put behind, as it is.
        """
        whole = (*parts, ending)
        name = "/".join(_segment(part) for part in parts if part) + ending
        if len(name) > NAME_LENGTH or self._given.setdefault(name, whole) != whole:
            digest = hashlib.sha256("\0".join(whole).encode()).hexdigest()[:_DIGEST]
            room = NAME_LENGTH - len(ending) - _DIGEST - 1
            name = f"{name.removesuffix(ending)[:room]}-{digest}{ending}"
        return name


def _segment(text: str) -> str:
    """Write a part without what MLflow refuses: leading dots would lead to another folder."""
    plain = _REFUSED.sub("-", text.replace("=", "_").replace(",", " "))
    bare = plain.lstrip(".")
    return "-" * (len(plain) - len(bare)) + bare


def flatten(parameters: Mapping[str, Any], *above: str) -> Iterator[tuple[str, str]]:
    """Yield dotted names and texts of nested parameters; what is empty says nothing.

    Args:
        parameters: JSON values.
        above: The keys that lead here.

    Example:
        >>> dict(flatten({"steps": {"net": {"with": {"epochs": 3}, "from": ["a", "b"]}}}))
        {'steps.net.with.epochs': '3', 'steps.net.from': '["a", "b"]'}
    """
    for key, value in parameters.items():
        if isinstance(value, Mapping):
            yield from flatten(value, *above, str(key))
        elif isinstance(value, list | tuple):
            if value:
                yield ".".join((*above, str(key))), json.dumps(value, ensure_ascii=False)
        elif value is not None:
            yield ".".join((*above, str(key))), _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
