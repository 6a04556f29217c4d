"""All about one plugin: parameters with their ranges, reference, licence, how to write it."""

from __future__ import annotations

import inspect
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from adversity.contracts.nested import NESTED_KEY
from adversity.registry.entry import UNKNOWN_LICENCE
from adversity.registry.quoting import visible
from adversity_flows.cli.wording import columns, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.registry.catalogue import Listing
    from adversity.registry.marks import Mark
    from adversity_flows.cli.terminal import Terminal

__all__ = [
    "conformance_json",
    "expected_failures",
    "parameter_rows",
    "plugin_json",
    "plugin_lines",
]

Schema = dict[str, Any]
_BOUNDS = (("exclusiveMinimum", ">"), ("minimum", ">="), ("exclusiveMaximum", "<"))
_UPPER = (("maximum", "<="),)


def plugin_json(listing: Listing, marks: Mapping[str, Mark]) -> dict[str, Any]:
    """Return the listing with the JSON Schema of the parameters and what is known of its promises.

    A plugin that cannot be used has no known parameters: they are None.

    Args:
        listing: The plugin.
        marks: All trust marks, as `read_marks` gives them.
    """
    return {
        **asdict(listing),
        "parameters": None if listing.usable_name is None else _schema(listing),
        "conformance": conformance_json(listing, marks),
        "expected_failures": expected_failures(listing),
    }


def expected_failures(listing: Listing) -> dict[str, str]:
    """Return the checks that the class says must fail, with the reasons; none if it is unusable."""
    cls = _class(listing)
    declared = {} if cls is None else cls.expected_failures
    return {visible(name): visible(reason) for name, reason in declared.items()}


def conformance_json(listing: Listing, marks: Mapping[str, Mark]) -> dict[str, Any] | None:
    """Return the plugin's trust mark with its standing, or None if it was not checked here."""
    mark = _mark(listing, marks)
    if mark is None:
        return None
    fields = asdict(mark)
    return {"standing": mark.standing(listing.version)} | {
        name: fields[name]
        for name in (
            "kit",
            "version",
            "when",
            "passed",
            "skipped",
            "failed",
            "expected",
            "versions",
        )
    }


def _mark(listing: Listing, marks: Mapping[str, Mark]) -> Mark | None:
    from adversity.registry.marks import mark_key

    return marks.get(mark_key(listing.kind, listing.distribution, listing.name))


def plugin_lines(listing: Listing, marks: Mapping[str, Mark], out: Terminal) -> Iterator[str]:
    """Yield the page of a plugin, line by line.

    Args:
        listing: The plugin.
        marks: All trust marks, as `read_marks` gives them.
        out: Where the page is shown.
    """
    title = listing.written
    origin = listing.kind if listing.in_project else f"{listing.distribution} {listing.version}"
    yield f"{out.paint(title, 'cyan', bold=True)}   {out.dim(origin)}"
    if listing.status != "ok":
        yield f"  ✗ {listing.status}: {listing.error}"
    if listing.usable_name is None:
        return  # what it is, takes and promises is known of a class that can be used alone
    yield f"  {listing.summary}"
    yield from _body(listing, out)
    yield ""
    yield from _facts(listing, out)
    yield from _conformance(listing, _mark(listing, marks), out)
    yield ""
    yield f"  in a pipeline:  {_example(listing, title)}"


def _body(listing: Listing, out: Terminal) -> Iterator[str]:
    """Yield what the docstring says after its first line, and the parameters."""
    for paragraph in _paragraphs(listing):
        yield ""
        yield wrapped(paragraph, indent=2, width=out.width)
    rows = parameter_rows(_schema(listing))
    yield ""
    if not rows:
        yield "  It has no parameters."
        return
    head = ("parameter", "type", "default")
    table = columns([head, *(row[:3] for row in rows)])
    yield f"  {out.dim(table[0])}"
    for line, row in zip(table[1:], rows, strict=True):
        yield f"  {line}"
        if row[3]:
            yield wrapped(row[3], indent=6, width=out.width)


def _paragraphs(listing: Listing) -> list[str]:
    cls = _class(listing)
    text = inspect.cleandoc(cls.__doc__ or "") if cls is not None else ""
    parts = [visible(" ".join(part.split())) for part in text.split("\n\n")[1:]]
    return [part for part in parts if not part.startswith("Reference:")]


def parameter_rows(schema: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return name, type with its range, default, and description of each parameter."""
    required = schema.get("required", [])
    return [
        (
            name,
            _type(part),
            "required" if name in required else json.dumps(part.get("default")),
            _description(part),
        )
        for name, part in schema.get("properties", {}).items()
    ]


def _type(part: Schema) -> str:
    """Write a type as a person would: `number > 0`, `linf | l2 | l1`, `integer 1 to 5`."""
    if NESTED_KEY in part:
        return f"{part[NESTED_KEY]} plugin"
    if "anyOf" in part:
        return " | ".join(_type(option) for option in part["anyOf"] if option.get("type") != "null")
    if "enum" in part:
        return " | ".join(str(value) for value in part["enum"])
    if "const" in part:
        return str(part["const"])
    if part.get("type") == "array":
        return f"list of {_type(part.get('items', {}))}"
    if "$ref" in part:
        return "plugin" if "Plugin" in part["$ref"] else part["$ref"].rpartition("/")[2]
    named = {"string": "text", "boolean": "true | false"}
    word = named.get(str(part.get("type")), str(part.get("type", "any value")))
    if {"minimum", "maximum"} <= part.keys():
        return f"{word} {part['minimum']} to {part['maximum']}"
    bounds = [f"{sign} {part[key]}" for key, sign in (*_BOUNDS, *_UPPER) if key in part]
    return f"{word} {' and '.join(bounds)}".rstrip()


def _description(part: Schema) -> str:
    texts = [part.get("description"), *(o.get("description") for o in part.get("anyOf", ()))]
    return visible(next((text for text in texts if text), ""))


def _facts(listing: Listing, out: Terminal) -> Iterator[str]:
    unknown = UNKNOWN_LICENCE if listing.usable_name else ""  # a broken class was not read
    facts = {
        "reference": listing.reference,
        "licence": listing.licence or unknown,
        "weights": listing.weights_licence or "",
        **{name.replace("_", " "): _value_text(value) for name, value in listing.claims.items()},
    }
    shown = {name: text for name, text in facts.items() if text}
    width = max(map(len, shown), default=0)
    for name, text in shown.items():
        yield f"  {out.dim(name.ljust(width))}  {text}"


def _conformance(listing: Listing, mark: Mark | None, out: Terminal) -> Iterator[str]:
    """Yield what the conformance kit found, and what the class says must fail in any case."""
    yield ""
    yield f"  {out.dim('conformance')}  {_conformance_words(listing, mark)}"
    for name, message in mark.failed.items() if mark is not None else ():
        yield wrapped(f"✗ {name}: {message}", indent=4, width=out.width)
    fresh = mark is not None and mark.standing(listing.version) != "stale"
    # Where the kit saw them fail, it says how; what the class declares stands in any case.
    declared = mark.expected if mark is not None and fresh else expected_failures(listing)
    for name, reason in declared.items():
        yield wrapped(f"≈ {name} fails as declared: {reason}", indent=4, width=out.width)


def _conformance_words(listing: Listing, mark: Mark | None) -> str:
    """Say what the conformance kit found, or what to do where nothing is known."""
    if mark is None:
        name = listing.written if listing.in_project else listing.name
        return f"not checked here: adversity check {name}"
    standing = mark.standing(listing.version)
    verdict = {
        "conforms": "keeps its promises",
        "fails": f"breaks {len(mark.failed)} of its promises",
        "stale": "was checked with another source, kit, engine or library: check it again",
    }[standing]
    torch = mark.versions.get("torch", "unknown")
    return (
        f"{verdict} ({mark.when[:10]}, {f'{listing.distribution} {mark.version}'.strip()}, kit {mark.kit}, "
        f"torch {torch}, {mark.passed} checks passed)"
    )


def _value_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def _example(listing: Listing, title: str) -> str:
    schema = _schema(listing)
    needed = [f"{name}: ..." for name in schema.get("required", [])]
    given = f", with: {{{', '.join(needed)}}}" if needed else ""
    uses = f'"{title}"' if ":" in title else title  # YAML, as DVC reads it, stops at a colon
    return f"{{uses: {uses}{given}}}"


def _schema(listing: Listing) -> Schema:
    cls = _class(listing)
    return {} if cls is None else cls.model_json_schema()


def _class(listing: Listing) -> Any:
    """Return the class, or None if it cannot be used."""
    from adversity.registry import discover
    from adversity.registry.project_plugins import entry_of
    from adversity_flows.cli.project import root_or_here

    name = listing.usable_name
    if name is None:
        return None
    return entry_of(listing.kind, name, registry=discover(), root=root_or_here()).cls
