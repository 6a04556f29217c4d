"""What the contract has room for and the core does not use yet: the one list of it.

The conformance kit takes its words from here, the planner looks up here which shapes stand in
it, and a table in `docs/contract.md` is made of it. A line goes when its promise is kept.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NOT_YET", "not_yet"]

NOT_YET: Mapping[str, str] = MappingProxyType({})
"""Name in the contract to what happens in this version."""


def not_yet(cls: type) -> str | None:
    """Say what happens to a plugin whose shape is in the list; None if it can be used."""
    ours = (base for base in cls.__mro__ if base.__module__.startswith("adversity.contracts."))
    return next((NOT_YET[base.__name__] for base in ours if base.__name__ in NOT_YET), None)
