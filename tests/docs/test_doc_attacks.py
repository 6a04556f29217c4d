"""The table of attacks says of each attack what it changes and sees, as its class does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

from adversity.registry import discover

PAGE = Path(__file__).parents[2] / "docs/attacks.md"
PARAMETRIC = {
    "spatial": {"rotation", "and", "translation"},
    "natural_variation": {"the", "severity", "or", "parameters", "of", "a", "degradation"},
}
"""What parametric attacks change, in words."""


def shown() -> dict[str, tuple[set[str], str]]:
    """Return the words under *changes* and what stands under *sees*, by the attack's name."""
    text = PAGE.read_text(encoding="utf-8").partition("<!-- attacks -->")[2].partition("\n#")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| (\w+) \|", text, re.MULTILINE)
    return {name: (set(re.findall(r"\w+", changes)), sees) for name, changes, sees in rows}


def words_for(cls: Any) -> set[str]:
    """Return the words that say a class's budget; norms may stand in any order."""
    if cls.threat == "distance":
        return {"within", "eps", "in", "features"}
    if cls.threat == "parametric":
        return PARAMETRIC[cls.name]
    field = cls.model_fields.get("norm")
    norms = {"l2"} if field is None else set(get_args(field.annotation))
    return norms | ({"within", "eps"} if cls.threat == "norm" else {"nearest", "in"})


def test_the_page_lists_every_built_in_attack_with_its_budget_and_what_it_sees() -> None:
    """No attack is missing, none is made up, and norms and access are those of the class."""
    classes: dict[str, Any] = {
        entry.name: entry.cls
        for entry in discover().entries()
        if entry.kind == "attack" and entry.built_in and entry.cls is not None
    }
    assert shown() == {name: (words_for(cls), cls.access) for name, cls in classes.items()}
