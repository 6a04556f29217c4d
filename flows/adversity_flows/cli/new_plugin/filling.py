"""Templates as text: words filled in for `{{word}}`, and lines broken that became too long."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from adversity.did_you_mean import did_you_mean
from adversity_flows.cli.new_plugin.pyproject import in_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BLANK", "broken", "filled", "name_words", "wrapped"]

BLANK = re.compile(r"\{\{(\w+)\}\}")
"""A place for a word."""
_IMPORT = re.compile(r"^( *)from (\S+) import (\w+(?:, \w+)*)$", re.MULTILINE)
_LINE = 100


def filled(text: str, words: Mapping[str, str]) -> str:
    """Return a text with every word in its place.

    Raises:
        PluginError: If there is no such word.
    """
    for word in BLANK.findall(text):
        if word not in words:
            known = ", ".join(sorted(words))
            hint = did_you_mean(word, words, "leave it out")
            raise broken(f"expected words of {known}, got {{{{{word}}}}}; {hint}")
    return BLANK.sub(lambda blank: words[blank.group(1)], text)


def broken(fault: str) -> Exception:
    """Return what is raised where a template of a kind cannot be used."""
    from adversity.errors import PluginError

    return PluginError(
        f"the template: {fault}. This is a fault of the kind; report it to its author."
    )


def wrapped(text: str) -> str:
    """Break the imports that long names made too long, as a formatter would."""

    def cut(line: re.Match[str]) -> str:
        if len(line.group()) <= _LINE:
            return line.group()
        indent, module, names = line.groups()
        each = "".join(f"{indent}    {name},\n" for name in names.split(", "))
        return f"{indent}from {module} import (\n{each}{indent})"

    return _IMPORT.sub(cut, text)


def name_words(name: str) -> dict[str, str]:
    """Return what is made of a plugin's name."""
    return {
        "name": name,
        "slug_yaml": _yaml(name.replace("_", "-")),
        "class_name": "".join(word.capitalize() for word in name.split("_")),
    }


def _yaml(word: str) -> str:
    """Write a word in YAML, quoted where it would be read as something else, as `on` would."""
    return word if yaml.safe_load(word) == word else in_toml(word)
