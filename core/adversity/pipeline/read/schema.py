"""The JSON Schema of a pipeline file, with every installed plugin's parameters.

Editors complete and check with it while typing. It says what may stand where; references,
kinds in the right places and leakage are the plan's to check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.contracts.nested import NESTED_KEY
from adversity.pipeline.read.load import USES, VARIABLE
from adversity.pipeline.read.spec import PipelineSpec
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel

    from adversity.contracts import Kind
    from adversity.registry import Entry, Registry

__all__ = ["pipeline_schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_ID = r"^[a-z][a-z0-9_]*$"
_FRACTION = {"type": "string", "pattern": r"^\s*[+-]?\d+(\.\d+)?\s*/\s*\d+(\.\d+)?\s*$"}
_VARIABLE = {"type": "string", "pattern": f"^{VARIABLE.pattern}$"}
_IN_USES = f"^{USES.pattern}$"
_IN_PROJECT = {
    "type": "string",
    "pattern": r"^\./.+\.py(:[A-Za-z_][A-Za-z0-9_]*)?$",
    "description": "A class in a file of the project: ./my_model.py:MyNet",
}
_COMBINING = ("anyOf", "oneOf", "allOf", "prefixItems")
_NESTING = ("items", "additionalProperties", "not")


def pipeline_schema(registry: Registry) -> Schema:
    """Return the schema (draft 2020-12) of a pipeline file.

    Args:
        registry: Whose usable plugins are offered.
    """
    schema = PipelineSpec.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
    schema = _described(schema)
    defs: Schema = schema["$defs"]
    entries = [entry for entry in registry.entries() if entry.usable]
    for part, role in (("DataSpec", "data"), ("MetricSpec", "measure")):
        _offer(defs, part, [entry for entry in entries if _kind(entry).role == role])
    _offer(defs, "StepSpec", [e for e in entries if _kind(e).is_step], definitions=True)
    for entry in entries:
        if _kind(entry).role is None and entry.cls is not None:
            _define(defs, f"{entry.kind}.{entry.qualified}", entry.cls)
    _accept_short_forms(schema, defs)
    for kind in registry.kinds:
        defs[f"nested.{kind}"] = _nested(kind, [e for e in entries if e.kind == kind])
    for name in list(defs):
        defs[name] = _with_nested(defs[name])
    return {"$schema": DIALECT, "title": "Adversity pipeline"} | schema


def _kind(entry: Entry) -> Kind:
    return class_of(entry).describes


def _described(schema: Schema) -> Schema:
    """Keep the first sentence of what our own docstrings say: editors show it."""
    for part in (schema, *schema["$defs"].values()):
        part.pop("title", None)
        if "description" in part:
            part["description"] = part["description"].split("\n", 1)[0]
    return schema


def _offer(defs: Schema, part: str, entries: Iterable[Entry], *, definitions: bool = False) -> None:
    """Let `uses:` be one of these plugins, each with its own `with:`."""
    names: list[Schema] = []
    rules: list[Schema] = []
    for entry in entries:
        if entry.cls is None:
            continue
        short = entry.name if entry.status == "ok" else entry.qualified
        for name in dict.fromkeys((short, entry.qualified)):
            uses = f"{entry.kind}/{name}"
            names.append({"const": uses, "description": entry.cls.summary()})
            rules.append(_rule(uses, f"{entry.kind}.{entry.qualified}"))
        _define(defs, f"{entry.kind}.{entry.qualified}", entry.cls)
    if definitions:
        names.append({"type": "string", "pattern": _ID, "description": "A step that defines it."})
        names.append({"type": "string", "pattern": _IN_USES, "description": "As the matrix says."})
    names.append(dict(_IN_PROJECT))
    properties = defs[part]["properties"]
    properties["uses"] = {"description": "kind/name of a plugin", "anyOf": names}
    defs[part]["allOf"] = rules


def _nested(kind: str, entries: Iterable[Entry]) -> Schema:
    """Return what may stand in a parameter that holds a plugin of a kind."""
    names: list[Schema] = []
    rules: list[Schema] = []
    for entry in entries:
        short = entry.name if entry.status == "ok" else entry.qualified
        for name in dict.fromkeys((short, f"{kind}/{short}", f"{kind}/{entry.qualified}")):
            names.append({"const": name, "description": entry.cls.summary() if entry.cls else ""})
            rules.append(_rule(name, f"{kind}.{entry.qualified}"))
    names.append({"type": "string", "pattern": _ID, "description": "A step that defines it."})
    names.append(dict(_IN_PROJECT))
    uses = {"description": f"name of a {kind} plugin", "anyOf": [*names, dict(_VARIABLE)]}
    parts = {"uses": uses, "with": {"type": "object"}}
    shape = {
        "type": "object",
        "properties": parts,
        "required": ["uses"],
        "additionalProperties": False,
        **({"allOf": rules} if rules else {}),  # an empty one is no schema
    }
    return {"anyOf": [*names, shape]}


def _with_nested(schema: Any) -> Any:
    """Refer to what may stand there wherever a parameter holds a plugin."""
    if isinstance(schema, list):
        return [_with_nested(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if NESTED_KEY in schema:
        own = {key: schema[key] for key in ("description", "default") if key in schema}
        return {"$ref": f"#/$defs/nested.{schema[NESTED_KEY]}"} | own
    return {key: _with_nested(part) for key, part in schema.items()}


def _rule(uses: str, definition: str) -> Schema:
    """Return: if `uses` is this plugin, then `with` is its parameters."""
    return {
        "if": {"properties": {"uses": {"const": uses}}, "required": ["uses"]},
        "then": {"$ref": f"#/$defs/{definition}"},
    }


def _define(defs: Schema, name: str, cls: type[BaseModel]) -> None:
    """Define what stands beside `uses:` for one plugin."""
    model = cls.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}")
    for inner, schema in model.pop("$defs", {}).items():
        defs[f"{name}.{inner}"] = _loosened(schema)
    parameters = {
        key: _with_variable(_loosened(value)) for key, value in model.get("properties", {}).items()
    }
    required = model.get("required", [])
    shape = {
        "type": "object",
        "properties": parameters,
        "required": required,
        "additionalProperties": False,
    }
    defs[name] = {"properties": {"with": shape}} | ({"required": ["with"]} if required else {})


def _with_variable(schema: Schema) -> Schema:
    """Accept a matrix variable in the place of a parameter; keep what editors show."""
    shown = {key: schema.pop(key) for key in ("description", "default") if key in schema}
    schema.pop("title", None)
    return {"anyOf": [schema, dict(_VARIABLE)]} | shown


def _loosened(schema: Any) -> Any:
    """Accept a fraction such as 8/255 wherever a number stands, however deep."""
    if not isinstance(schema, dict):
        return schema
    loose: Schema = dict(schema)
    for key in _COMBINING:
        if key in loose:
            loose[key] = [_loosened(part) for part in loose[key]]
    for key in _NESTING:
        if key in loose:
            loose[key] = _loosened(loose[key])
    if "properties" in loose:
        loose["properties"] = {
            key: _with_variable(_loosened(part)) for key, part in loose["properties"].items()
        }
    if loose.get("type") in ("number", "integer"):
        shown = {key: loose.pop(key) for key in ("title", "description", "default") if key in loose}
        return {"anyOf": [loose, dict(_FRACTION)]} | shown
    return loose


def _accept_short_forms(schema: Schema, defs: Mapping[str, Any]) -> None:
    """Accept what the reader accepts: `from: x` for a list, a metric by its name."""
    step = defs["StepSpec"]["properties"]
    for key in ("from", "over"):
        step[key] = {"anyOf": [{"type": "string"}, step[key]]}
    metric_names = defs["MetricSpec"]["properties"]["uses"]
    items = schema["properties"]["metrics"]["items"]
    schema["properties"]["metrics"]["items"] = {"anyOf": [metric_names, items]}
    for key in ("data", "steps", "matrix"):
        schema["properties"][key]["propertyNames"] = {"pattern": _ID}
