"""The catalogue page: every built-in plugin as the registry knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.registry import discover
from adversity.registry.catalogue import read_catalogue
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
    lines: list[str] = []
    for kind in dict.fromkeys(listing.kind for listing in built_in):
        of_kind = [listing for listing in built_in if listing.kind == kind]
        lines += [f"## {_TITLES.get(kind, kind.capitalize())}", "", *_overview(of_kind), ""]
        for listing in of_kind:
            lines += [*_section(listing), ""]
    return "\n".join(lines)


def _overview(listings: Iterable[Listing]) -> Iterator[str]:
    rows = (
        (
            f"[`{listing.name}`](#{listing.kind}-{listing.name})",
            listing.summary,
            _licences(listing),
            _conformance(plugin_json(listing)["conformance"]).partition(" (")[0],
        )
        for listing in listings
    )
    yield from _table(("plugin", "what it does", "licence", "conformance"), rows)


def _licences(listing: Listing) -> str:
    weights = f"; weights {listing.weights_licence}" if listing.weights_licence else ""
    return f"{listing.licence}{weights}"


def _conformance(mark: Mapping[str, Any] | None) -> str:
    """Say what the kit last found where the site was built."""
    if mark is None:
        return "not checked"
    if mark["standing"] == "stale":
        return "checked before it changed"
    failed = f", {len(mark['failed'])} failed" if mark["failed"] else ""
    return f"{mark['passed']} passed{failed} (kit {mark['kit']}, {mark['when'][:10]})"


def _section(listing: Listing) -> Iterator[str]:
    document = plugin_json(listing)
    yield f"({listing.kind}-{listing.name})="
    yield f"### {listing.name}"
    yield ""
    yield _escaped(listing.summary)
    yield ""
    for name, said in _facts(listing, document["conformance"]):
        yield f":{name}: {said}"
    yield ""
    rows = [
        (f"`{name}`", kind, _WORDS.get(default) or f"`{default}`", told)
        for name, kind, default, told in parameter_rows(document["parameters"])
    ]
    if rows:
        yield from _table(("parameter", "type", "default", "meaning"), rows)
    else:
        yield "It has no parameters."


def _facts(listing: Listing, mark: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    yield "in a pipeline", f"`uses: {listing.kind}/{listing.name}`"
    if listing.reference:
        yield "reference", listing.reference
    yield "licence", listing.licence
    if listing.weights_licence:
        yield "licence of the weights", listing.weights_licence
    yield "conformance", _conformance(mark)
    for name, reason in _expected_failures(listing).items():
        yield f"fails as declared, {name}", _escaped(reason)
    said = (_said(name.replace("_", " "), value) for name, value in listing.claims.items())
    yield "claims", "; ".join(filter(None, said))


def _expected_failures(listing: Listing) -> Mapping[str, str]:
    """Return the checks that the class says must fail, with the reasons."""
    cls = discover().get(listing.kind, listing.name).cls
    return {} if cls is None else cls.expected_failures


def _said(name: str, value: object) -> str:
    """Write a claim as a person would; nothing if it says nothing."""
    if isinstance(value, bool):
        return f"{name} {'yes' if value else 'no'}"
    if isinstance(value, list):
        value = ", ".join(f"`{item}`" for item in value)
    return f"{name} {value}" if value not in (None, "") else ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(_escaped, row))} |"


def _escaped(text: str) -> str:
    """Keep a text from being read as a table's edge or as HTML."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
