"""Plugins and distributions that the user leaves out, by name."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from adversity.distributions import canonical_name

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["VARIABLE", "block_names", "names_of"]

VARIABLE = "ADVERSITY_BLOCK"


def block_names(blocked: Iterable[str] = ()) -> frozenset[str]:
    """Join what the caller and the variable `ADVERSITY_BLOCK` block, written canonically.

    A name is a distribution (`acme-attacks`: not even imported), `attack/pgd` (whoever
    brings it), `attack/acme-attacks:pgd` or `acme-attacks:pgd`; or a file of the project
    (`./my_model.py`: not even imported), or a class in it. The variable separates
    names by commas or blanks.
    """
    given = [*blocked, *re.split(r"[,\s]+", os.environ.get(VARIABLE, ""))]
    return frozenset(_canonical(name) for name in given if name)


def names_of(kind: str, name: str, distribution: str) -> frozenset[str]:
    """Return every way to name one plugin in a block list, its distribution apart."""
    return frozenset({f"{kind}/{name}", f"{kind}/{distribution}:{name}", f"{distribution}:{name}"})


def _canonical(name: str) -> str:
    if name.startswith("./"):
        return name
    kind, slash, rest = name.rpartition("/")
    distribution, colon, short = rest.rpartition(":")
    if colon:
        return f"{kind}{slash}{canonical_name(distribution)}:{short}"
    return name if slash else canonical_name(name)
