"""The catalogue page: every built-in plugin as the registry knows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from markdown_text import code, plain, table

from adversity.registry.catalogue import read_catalogue
from adversity.registry.entry import UNKNOWN_LICENCE
from adversity.testing.kit.lock import Passed, read_lock
from adversity_flows.cli.plugins.page import parameter_rows, plugin_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from adversity.registry.catalogue import Listing

__all__ = ["Described", "built_in", "catalogue_page", "overview", "parameters"]

Described = tuple["Listing", "Mapping[str, Any]"]
"""A plugin, and what `adversity plugins NAME --json` says of it."""
_LOCK = Path(__file__).parents[2] / "tests" / "kit.lock"
"""What the suite found when each built-in was tried last."""
_BUILT_IN = "adversity"
_TITLES = {"dataset": "Data set"}
_WORDS = {"null": "none", "required": "required"}


def catalogue_page() -> str:
    """Return the Markdown of the catalogue: a table of all, then a section for each."""
    checked = read_lock(_LOCK)
    lines: list[str] = []
    for title, listings in built_in().items():
        lines += [f"## {title}", "", *_linked_overview(listings, checked), ""]
        for listing, document in listings:
            lines += [*_section(listing, document, checked), ""]
    return "\n".join(lines)


def built_in() -> dict[str, list[Described]]:
    """Return every built-in plugin, with what its page says, by the title of its kind."""
    catalogue = read_catalogue(refresh=True)
    ours = [listing for listing in catalogue.plugins if listing.distribution == _BUILT_IN]
    broken = [
        f"{listing.kind}/{listing.name}: {listing.error}" for listing in ours if listing.error
    ]
    if broken:
        raise ValueError(f"built-in plugins that cannot be used: {'; '.join(broken)}")
    found: dict[str, list[Described]] = {}
    for listing in ours:
        title = _TITLES.get(listing.kind, listing.kind.capitalize())
        found.setdefault(title, []).append((listing, plugin_json(listing, {})))
    return found


def overview(listings: Iterable[Described]) -> Iterator[str]:
    """Yield a table of plugins, without what was measured of them."""
    rows = (
        (f"[{code(one.name)}](#{one.name})", plain(one.summary), plain(_licences(one)))
        for one, _ in listings
    )
    yield from table(("plugin", "what it does", "licence"), rows)


def parameters(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the table of a plugin's parameters."""
    rows = [
        (code(name), plain(kind), _WORDS.get(default) or code(default), plain(text))
        for name, kind, default, text in parameter_rows(document["parameters"])
    ]
    if rows:
        yield from table(("parameter", "type", "default", "meaning"), rows)
    else:
        yield "It has no parameters."


def _linked_overview(listings: Iterable[Described], checked: Mapping[str, Passed]) -> Iterator[str]:
    rows = (
        (
            f"[{code(listing.name)}](#{listing.kind}-{listing.name})",
            plain(listing.summary),
            plain(_licences(listing)),
            _conformance(listing, checked),
        )
        for listing, _ in listings
    )
    yield from table(("plugin", "what it does", "licence", "conformance"), rows)


def _licences(listing: Listing) -> str:
    weights = f"; weights {listing.weights_licence}" if listing.weights_licence else ""
    return f"{listing.licence or 'unknown'}{weights}"


def _conformance(listing: Listing, checked: Mapping[str, Passed]) -> str:
    """Say how many checks the suite's lock says that it passed; a plugin that fails has no line."""
    line = checked.get(f"{listing.kind}/{listing.name}")
    if line is None:
        return "not checked"
    declared = f", {line.expected} failed as declared" if line.expected else ""
    return f"{line.passed} passed{declared}"


def _section(
    listing: Listing, document: Mapping[str, Any], checked: Mapping[str, Passed]
) -> Iterator[str]:
    yield f"({listing.kind}-{listing.name})="
    yield f"### {plain(listing.name)}"
    yield ""
    yield plain(listing.summary)
    yield ""
    for name, said in _facts(listing, document, checked):
        yield f":{name}: {said}"
    yield ""
    yield from parameters(document)


def _facts(
    listing: Listing, document: Mapping[str, Any], checked: Mapping[str, Passed]
) -> Iterator[tuple[str, str]]:
    yield "in a pipeline", code(f"uses: {listing.kind}/{listing.name}")
    if listing.reference:
        yield "reference", plain(listing.reference)
    yield "licence", plain(listing.licence or UNKNOWN_LICENCE)
    if listing.weights_licence:
        yield "licence of the weights", plain(listing.weights_licence)
    yield "conformance", _conformance(listing, checked)
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
