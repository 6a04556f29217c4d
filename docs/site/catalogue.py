"""The catalogue page: every built-in plugin as the registry knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markdown_text import code, plain, table

from adversity.registry.catalogue import read_catalogue
from adversity.registry.entry import UNKNOWN_LICENCE
from adversity.registry.marks import read_marks
from adversity_flows.cli.plugin_page import parameter_rows, plugin_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from adversity.registry.catalogue import Listing

__all__ = ["catalogue_page"]

_BUILT_IN = "adversity"
_TITLES = {"dataset": "Data set"}
_WORDS = {"null": "none", "required": "required"}


def catalogue_page() -> str:
    """Return the Markdown of the catalogue: a table of all, then a section for each."""
    catalogue = read_catalogue(refresh=True)
    built_in = [listing for listing in catalogue.plugins if listing.distribution == _BUILT_IN]
    broken = [
        f"{listing.kind}/{listing.name}: {listing.error}" for listing in built_in if listing.error
    ]
    if broken:
        raise ValueError(f"built-in plugins that cannot be used: {'; '.join(broken)}")
    marks = read_marks()
    lines: list[str] = []
    for kind in dict.fromkeys(listing.kind for listing in built_in):
        of_kind = [
            (listing, plugin_json(listing, marks)) for listing in built_in if listing.kind == kind
        ]
        lines += [f"## {_TITLES.get(kind, kind.capitalize())}", "", *_overview(of_kind), ""]
        for listing, document in of_kind:
            lines += [*_section(listing, document), ""]
    return "\n".join(lines)


def _overview(listings: Iterable[tuple[Listing, Mapping[str, Any]]]) -> Iterator[str]:
    rows = (
        (
            f"[{code(listing.name)}](#{listing.kind}-{listing.name})",
            plain(listing.summary),
            plain(_licences(listing)),
            _conformance(document["conformance"]).partition(" (")[0],
        )
        for listing, document in listings
    )
    yield from table(("plugin", "what it does", "licence", "conformance"), rows)


def _licences(listing: Listing) -> str:
    weights = f"; weights {listing.weights_licence}" if listing.weights_licence else ""
    return f"{listing.licence or 'unknown'}{weights}"


def _conformance(mark: Mapping[str, Any] | None) -> str:
    """Say what the kit last found where the site was built."""
    if mark is None:
        return "not checked"
    if mark["standing"] == "stale":
        return "checked before it changed"
    failed = f", {len(mark['failed'])} failed" if mark["failed"] else ""
    return f"{mark['passed']} passed{failed} (kit {mark['kit']}, {mark['when'][:10]})"


def _section(listing: Listing, document: Mapping[str, Any]) -> Iterator[str]:
    yield f"({listing.kind}-{listing.name})="
    yield f"### {plain(listing.name)}"
    yield ""
    yield plain(listing.summary)
    yield ""
    for name, said in _facts(listing, document):
        yield f":{name}: {said}"
    yield ""
    rows = [
        (code(name), plain(kind), _WORDS.get(default) or code(default), plain(text))
        for name, kind, default, text in parameter_rows(document["parameters"])
    ]
    if rows:
        yield from table(("parameter", "type", "default", "meaning"), rows)
    else:
        yield "It has no parameters."


def _facts(listing: Listing, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "in a pipeline", code(f"uses: {listing.kind}/{listing.name}")
    if listing.reference:
        yield "reference", plain(listing.reference)
    yield "licence", plain(listing.licence or UNKNOWN_LICENCE)
    if listing.weights_licence:
        yield "licence of the weights", plain(listing.weights_licence)
    yield "conformance", _conformance(document["conformance"])
    for name, reason in document["expected_failures"].items():
        yield f"fails as declared, {name}", plain(reason)
    said = (_said(name.replace("_", " "), value) for name, value in listing.claims.items())
    yield "claims", "; ".join(filter(None, said))


def _said(name: str, value: object) -> str:
    """Write a claim as a person would; nothing if it says nothing."""
    if isinstance(value, bool):
        return f"{name} {'yes' if value else 'no'}"
    if isinstance(value, list):
        return f"{name} {', '.join(map(code, map(str, value)))}" if value else ""
    return f"{name} {plain(str(value))}" if value not in (None, "") else ""
