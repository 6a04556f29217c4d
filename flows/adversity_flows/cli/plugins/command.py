"""`adversity plugins`: what is installed, from the cached catalogue; one plugin, in full."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import kinds, plugin_names

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from adversity.registry import Entry
    from adversity.registry.catalogue import Catalogue, Listing
    from adversity.registry.entry import Problem
    from adversity.registry.marks import Mark
    from adversity_flows.cli.terminal import Terminal

__all__ = ["find_listings", "of_project", "plugins", "require_kind"]


@click.command(cls=Command)
@click.argument("name", required=False, shell_complete=plugin_names)
@click.option("--kind", metavar="KIND", is_eager=True, shell_complete=kinds, help="Only this kind.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
def plugins(name: str | None, kind: str | None, as_json: bool) -> None:
    """List what is installed, or show all about one plugin.

    NAME is a plugin as pipelines write it: pgd, attack/pgd or acme-attacks:pgd. What a
    distribution got wrong is listed at the end; it never hides the others. Of the project, it is
    a folder, ./own, or a file in it, ./own/banding.py; only then is code of the project run.

    \b
    Examples:
      adversity plugins --kind attack
      adversity plugins pgd
      adversity plugins ./own
    """
    from adversity.registry.catalogue import read_catalogue
    from adversity.registry.entry import names_file
    from adversity.registry.marks import read_marks
    from adversity.registry.project_plugins import one_file
    from adversity_flows.cli.terminal import Terminal

    marks = read_marks()
    in_project = name is not None and names_file(name)
    catalogue = _catalogue(str(name), kind, marks) if in_project else read_catalogue()
    if not in_project:
        require_kind(catalogue, kind)
    out = Terminal.stdout(colour=colour_choice())
    if name is None or (in_project and (catalogue.problems or not one_file(name))):
        _show_all(catalogue, kind, marks, out, as_json=as_json)
        return
    from adversity_flows.cli.plugins.page import plugin_json, plugin_lines

    listings = catalogue.plugins if in_project else find_listings(catalogue, name, kind)
    if as_json:
        documents = [plugin_json(listing, marks) for listing in listings]
        click.echo(json.dumps({"plugins": documents}, indent=1, ensure_ascii=False))
        return
    for listing in listings:
        for line in plugin_lines(listing, marks, out):
            out.say(line)


def of_project(name: str, kind: str | None) -> tuple[list[Entry], list[Problem]]:
    """Return the plugins that files of the project define, and what is wrong with others.

    Args:
        name: A folder, a file, or a class in one.
        kind: Of which kind, if of a certain one.

    Raises:
        InputError: If there are none; of a folder what is wrong is returned all the same.
    """
    from adversity.errors import InputError
    from adversity.registry import discover
    from adversity.registry.project_plugins import found_in, one_file
    from adversity_flows.cli.project import root_or_here

    kinds = discover().kinds
    _require_known(kind, kinds)
    entries, problems = found_in(name, root_or_here(), kinds=kinds)
    chosen = [entry for entry in entries if kind in (None, entry.kind)]
    if not chosen and (one_file(name) or not problems):
        expected = f"a plugin of kind {kind}" if kind else "a plugin"
        none = f"{name}: expected {expected} in one of its files, got none"
        raise InputError("\n".join(map(str, problems)) or none)
    return chosen, problems


def _catalogue(name: str, kind: str | None, marks: dict[str, Mark]) -> Catalogue:
    """Return the plugins that files of the project define; their marks get the keys of others."""
    from adversity.registry.catalogue import Catalogue, listing_of
    from adversity.registry.marks import mark_key, marked_as

    entries, problems = of_project(name, kind)
    for entry in entries:
        mark = marks.get(mark_key(entry.kind, marked_as(entry), entry.name))
        marks |= (
            {} if mark is None else {mark_key(entry.kind, entry.distribution, entry.name): mark}
        )
    return Catalogue(tuple(map(listing_of, entries)), tuple(problems))


def _of_kind(catalogue: Catalogue, kind: str | None) -> list[Listing]:
    return [listing for listing in catalogue.plugins if kind in (None, listing.kind)]


def require_kind(catalogue: Catalogue, kind: str | None) -> None:
    """Refuse a kind that no installed plugin has.

    Raises:
        InputError: With the nearest kind.
    """
    known = dict.fromkeys(listing.kind for listing in catalogue.plugins)
    if known or not catalogue.problems:
        _require_known(kind, known)


def _require_known(kind: str | None, known: Collection[str]) -> None:
    from adversity.did_you_mean import did_you_mean
    from adversity.errors import InputError

    if kind is not None and kind not in known:
        hint = did_you_mean(kind, known, f"kinds are {', '.join(known)}.")
        raise InputError(f"--kind: unknown kind {kind!r}; {hint}")


def _show_all(
    catalogue: Catalogue,
    kind: str | None,
    marks: Mapping[str, Mark],
    out: Terminal,
    *,
    as_json: bool,
) -> None:
    listed = _of_kind(catalogue, kind)
    if as_json:
        from adversity_flows.cli.plugins.page import conformance_json

        document: dict[str, Any] = {
            "plugins": [
                {**asdict(listing), "conformance": conformance_json(listing, marks)}
                for listing in listed
            ],
            "problems": [asdict(problem) for problem in catalogue.problems],
            "blocked": list(catalogue.left_out),
        }
        click.echo(json.dumps(document, indent=1, ensure_ascii=False))
        return
    for line in _table(listed, marks, out):
        out.say(line)
    for name in catalogue.left_out:
        out.say(f"\nblocked: {name} (by ADVERSITY_BLOCK)")
    if catalogue.problems:
        out.say(f"\n{out.paint('Problems', 'red', bold=True)}")
        for problem in catalogue.problems:
            out.say(f"  ✗ {problem}")


def _table(listed: list[Listing], marks: Mapping[str, Mark], out: Terminal) -> list[str]:
    """Return a block for each kind; the distribution stands where it is not our own."""
    width = max((len(_written(listing)) for listing in listed), default=0)
    signs = {id(listing): _sign(listing, marks, out) for listing in listed}
    lines: list[str] = []
    for kind in dict.fromkeys(listing.kind for listing in listed):
        lines += ([""] if lines else []) + [out.paint(kind, "cyan", bold=True)]
        of_kind = [listing for listing in listed if listing.kind == kind]
        lines += [_row(listing, signs[id(listing)], width, out) for listing in of_kind]
    known = {
        "✓": "keeps its promises",
        "!": "breaks one",
        "~": "changed since it was checked",
    }
    described = [
        f"{sign} {words}" for sign, words in known.items() if any(sign in s for s in signs.values())
    ]
    note = (
        "   ".join(described)
        or "not checked here: `adversity check NAME` tries a plugin's promises"
    )
    return [*lines, "", out.dim(note)]


def _sign(listing: Listing, marks: Mapping[str, Mark], out: Terminal) -> str:
    """Return what the conformance kit said of a plugin, as one sign."""
    from adversity.registry.marks import mark_key

    if listing.status not in ("ok", "clash"):
        return "✗"
    mark = marks.get(mark_key(listing.kind, listing.distribution, listing.name))
    if mark is None:
        return " "
    sign, colour = {"conforms": ("✓", "green"), "fails": ("!", "red"), "stale": ("~", "yellow")}[
        mark.standing(listing.version)
    ]
    return out.paint(sign, colour, bold=True)


def _row(listing: Listing, sign: str, width: int, out: Terminal) -> str:
    from textwrap import shorten

    short = listing.distribution == "adversity" or listing.in_project
    origin = "" if short else f"[{_origin(listing)}] "
    text = listing.summary if listing.status == "ok" else f"{listing.status}: {listing.error}"
    room = max(20, out.width - width - 5)
    described = f"{origin}{text}"
    described = shorten(described, room, placeholder=" …") if out.tty else described
    return f" {sign} {_written(listing).ljust(width)}  {described}"


def _written(listing: Listing) -> str:
    return listing.usable_name or listing.name


def _origin(listing: Listing) -> str:
    return f"{listing.distribution} {listing.version}"


def find_listings(catalogue: Catalogue, name: str, kind: str | None) -> list[Listing]:
    """Return the plugins that a name means; more than one only where kinds share it.

    Raises:
        UnknownPluginError: With the nearest name.
    """
    from adversity.did_you_mean import did_you_mean
    from adversity.distributions import canonical_name
    from adversity.errors import UnknownPluginError
    from adversity.registry.entry import absent_note

    chosen, _, short = name.rpartition("/")
    listings = [
        listing
        for listing in catalogue.plugins
        if short in (listing.name, listing.usable_name, f"{listing.distribution}:{listing.name}")
        and (chosen or kind or listing.kind) == listing.kind
    ]
    if listings:
        return listings
    if ".py" in name:
        raise UnknownPluginError(
            f"{name}: a file of the project begins with ./, did you mean ./{name}?"
        )
    of_kind = [p for p in catalogue.plugins if (chosen or kind or p.kind) == p.kind]
    # The kind may be what is misspelt.
    word, known = (short, of_kind) if of_kind else (name, catalogue.plugins)
    names = [p.name if of_kind else f"{p.kind}/{p.name}" for p in known]
    hint = did_you_mean(word, names, "`adversity plugins` lists all.")
    asked = canonical_name(short.partition(":")[0])
    note = absent_note(asked, catalogue.problems, catalogue.left_out)
    raise UnknownPluginError(f"unknown plugin {name!r}; {hint} {note}".strip())
