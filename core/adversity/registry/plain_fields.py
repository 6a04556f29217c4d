"""See without a JSON schema that a plugin's parameters have one: numbers, text and tuples of them.

Writing the schema is the proof, and was a fifth of the time in which plugins are looked at.
"""

from __future__ import annotations

from typing import Any

from adversity.contracts import PluginBase

__all__ = ["is_plain"]

_TYPES = frozenset(
    [
        "bool",
        "default",
        "float",
        "function-after",
        "function-before",
        "int",
        "literal",
        "model",
        "model-field",
        "model-fields",
        "none",
        "nullable",
        "str",
        "tuple",
        "union",
    ]
)
_NOT_READ = frozenset({"default_factory", "json_schema_input_schema", "serialization"})
_SCALARS = (bool, float, int, str, type(None))


def is_plain(cls: type[PluginBase]) -> bool:
    """Say whether pydantic writes a JSON schema of a class with no code but its own and ours.

    Args:
        cls: A class whose names are all resolved: `model_rebuild` was called.
    """
    return "json_schema_extra" not in cls.model_config and _is_plain(cls.__pydantic_core_schema__)


def _is_plain(node: Any) -> bool:
    """Look at one node of pydantic's schema, and at those in it."""
    if isinstance(node, tuple):  # a choice and its label
        node = node[0]
    if node.get("type") not in _TYPES or _NOT_READ & node.keys() or node.get("computed_fields"):
        return False
    if not (_is_value(node.get("default")) and _is_value(tuple(node.get("expected", ())))):
        return False
    inner = [*node.get("fields", {}).values(), *node.get("items_schema", ())]
    inner += [*node.get("choices", ()), *([node["schema"]] if "schema" in node else [])]
    return _is_ours(node.get("metadata", {})) and all(map(_is_plain, inner))


def _is_value(value: object) -> bool:
    """Say whether a default or a choice is what JSON holds."""
    if type(value) is tuple:
        return all(map(_is_value, value))
    return type(value) in _SCALARS


def _is_ours(metadata: dict[str, Any]) -> bool:
    """Say whether no code of the plugin writes a part of its JSON schema."""
    writers = [getattr(one, "__func__", one) for one in metadata.get("pydantic_js_functions", ())]
    ours = PluginBase.__dict__["__get_pydantic_json_schema__"].__func__
    return metadata.keys() <= {"pydantic_js_functions", "pydantic_js_updates"} and all(
        writer is ours for writer in writers
    )
