"""`adversity check`: does an installed plugin keep its promises?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import kinds, plugins_and_pipelines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.registry import Entry
    from adversity.registry.catalogue import Listing
    from adversity.registry.marks import Mark
    from adversity.testing import Conformance, Outcome
    from adversity_flows.cli.terminal import Terminal

__all__ = ["check"]

_SIGNS = {"passed": "✓", "failed": "✗", "fixed": "✗", "expected": "≈", "skipped": "·"}
_SIGNS["untried"] = "?"
_NAMES = 25
"""Columns for the names of checks."""
_COLOURS = {"passed": "green", "failed": "red", "fixed": "red", "expected": "yellow"}


@click.command(cls=Command)
@click.argument("name", required=False, shell_complete=plugins_and_pipelines)
@click.option("--kind", metavar="KIND", shell_complete=kinds, help="Only plugins of this kind.")
@click.option("--all", "everything", is_flag=True, help="Check every installed plugin.")
@click.option("--only", multiple=True, metavar="CHECK", help="Only this check; may be repeated.")
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="PARAMETER=VALUE",
    help="Try the plugin with this parameter; may be repeated.",
)
@click.option(
    "--badge",
    "badge_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what was found as a badge, FILE.svg or FILE.json.",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
def check(
    name: str | None,
    kind: str | None,
    everything: bool,
    only: tuple[str, ...],
    given: tuple[str, ...],
    badge_file: Path | None,
    as_json: bool,
) -> int:
    """Run the conformance kit on a plugin.

    NAME is a plugin as pipelines write it: pgd, attack/pgd or acme-attacks:pgd; of the project,
    the file and the class, ./my_model.py:MyNet, or a folder, ./own, for all plugins in it; this
    runs the files' code. A pipeline file means all plugins that it names. The claims of its class
    decide what is tried. A whole run (without --only and --set) is kept as the plugin's trust
    mark, which `adversity plugins` shows and a pipeline can demand with `conformance: required`.
    The exit code is 1 if a promise is broken.

    \b
    Examples:
      adversity check pgd
      adversity check --kind degradation
      adversity check ./my_model.py:MyNet
      adversity check ./own
      adversity check pipelines/nightly.yaml
      adversity check pgd --badge pgd.svg
      adversity check pgd --only budget --set norm=l1 --set eps=3
    """
    from adversity_flows.cli.plugins.badge import badge, refuse_badge, write_badge
    from adversity_flows.cli.plugins.checked import chosen_plugins
    from adversity_flows.cli.terminal import Terminal

    if badge_file is not None:
        refuse_badge(badge_file, whole=not only and not given)
    entries, unusable = chosen_plugins(name, kind, everything=everything)
    if given and len(entries) > 1:
        from adversity.errors import InputError

        raise InputError("--set: expected one plugin to try it with, got several; name one")
    out = Terminal.stdout(colour=colour_choice())
    parameters = _parameters(given)
    records, unmade = _all_checked(entries, only, parameters, None if as_json else out)
    unusable = [*unusable, *unmade]
    if badge_file is not None:
        write_badge(badge_file, badge(records, len(unusable)))
    if as_json:
        left = [{"kind": u.kind, "name": u.name, "error": u.error} for u in unusable]
        document = {"plugins": records, "unusable": left}
        click.echo(json.dumps(document, indent=1, ensure_ascii=False))
    else:
        for one in unusable:
            sign = out.paint("✗", "red", bold=True)
            who = f"{f'{one.kind}/{one.name}'.ljust(34)} {one.status}: "
            out.say(f"{sign} {'' if one.in_project else who}{one.error}")
    return 0 if not unusable and all(record["passed"] for record in records) else 1


def _all_checked(
    entries: Sequence[Entry],
    only: Sequence[str],
    parameters: dict[str, Any] | None,
    out: Terminal | None,
) -> tuple[list[dict[str, Any]], list[Listing]]:
    """Check plugins; of several, one that cannot be made does not keep the others from it."""
    from adversity.errors import ParameterError
    from adversity.registry.catalogue import Listing

    records: list[dict[str, Any]] = []
    unmade: list[Listing] = []
    for entry in entries:
        try:
            records.append(_checked(entry, only, parameters, out, brief=len(entries) > 1))
        except ParameterError as error:
            if len(entries) == 1:
                raise
            who = (entry.kind, entry.name, entry.distribution, entry.version)
            unmade.append(Listing(*who, "broken", str(error)))
    return records, unmade


def _parameters(given: Sequence[str]) -> dict[str, Any] | None:
    """Read `name=value` with the reader of pipelines, which takes and refuses the same."""
    from adversity.errors import InputError
    from adversity.pipeline.read.reader import parse

    parameters = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise InputError(
                f"--set: expected PARAMETER=VALUE, got {text!r}; write for example --set eps=8/255"
            )
        parameters[name] = parse(value, f"--set {text}").tree
    return parameters or None


def _checked(
    entry: Entry,
    only: Sequence[str],
    parameters: dict[str, Any] | None,
    out: Terminal | None,
    *,
    brief: bool,
) -> dict[str, Any]:
    """Check one plugin, show it, and keep the mark of a whole run."""
    from adversity.testing import check_plugin
    from adversity.testing.kit.marking import mark_before

    shown = _Shown(entry, out) if out is not None and not brief else None
    if entry.cls is None:
        raise ValueError(f"{entry.kind}/{entry.name} has no class")
    whole = not only and parameters is None
    before = mark_before(entry) if whole else None
    conformance = check_plugin(
        entry.cls, parameters=parameters, only=only or None, raises=False, progress=shown
    )
    lost = None if before is None else _keep(before, conformance)
    if out is not None:
        _summary(entry, conformance, out, brief=brief)
        if lost is not None:
            out.say(f"  the trust mark could not be kept: {lost}")
    is_recorded = whole and lost is None
    origin = {
        "distribution": entry.distribution,
        "version": entry.version,
        "mark_kept": is_recorded,
    }
    return conformance.as_json() | origin


def _keep(before: Mark, conformance: Conformance) -> str | None:
    """Write the trust mark; return why it could not be written, or None."""
    from adversity.registry.marks import marks_folder, write_mark
    from adversity.testing.kit.marking import mark_of

    try:
        write_mark(mark_of(before, conformance))
    except OSError as error:
        return f"{marks_folder()}: {error.strerror or error}; make it writable and check again"
    return None


class _Shown:
    """Writes each outcome as it is known."""

    def __init__(self, entry: Entry, out: Terminal) -> None:
        self._entry, self._out = entry, out
        self._at: object = None

    def __call__(self, outcome: Outcome) -> None:
        """Write a line, under a heading for each set of parameters."""
        out = self._out
        if self._at is None:
            title = out.paint(f"{self._entry.kind}/{self._entry.name}", "cyan", bold=True)
            out.say(f"{title}   {out.dim(self._entry.origin)}")
        if outcome.parameters != self._at:
            self._at = outcome.parameters
            parameters = " ".join(f"{name}={value}" for name, value in outcome.parameters.items())
            out.say(f"  {out.dim(parameters or 'default parameters')}")
        sign = _SIGNS[outcome.status]
        colour = _COLOURS.get(outcome.status)
        sign = out.paint(sign, colour, bold=True) if colour else out.dim(sign)
        for line in _lines(outcome, out.width):
            out.say(f"    {sign} {line}")
            sign = " "


def _lines(outcome: Outcome, width: int) -> list[str]:
    """Return the check with what was found; a failure begins with the promise."""
    from textwrap import shorten, wrap

    text = f"{outcome.promise} {outcome.message}" if outcome.bad else outcome.message
    name = outcome.check.ljust(_NAMES)
    room = max(30, width - _NAMES - 8)
    first, *rest = wrap(text, room) or [""]
    if not outcome.bad and rest:
        first, rest = shorten(text, room, placeholder=" …"), []
    return [f"{name}  {first}", *(f"{'':{_NAMES}}  {line}" for line in rest)]


def _summary(entry: Entry, conformance: Conformance, out: Terminal, *, brief: bool) -> None:
    sign = (
        out.paint("✓", "green", bold=True)
        if conformance.passed
        else out.paint("✗", "red", bold=True)
    )
    seconds = sum(outcome.seconds for outcome in conformance.outcomes)
    counts = (
        f"{conformance.count('passed')} passed, {len(conformance.failures)} failed, "
        f"{conformance.count('expected')} failed as declared, {conformance.count('skipped')} do not apply"
    )
    who = f"{entry.kind}/{entry.name}"
    if brief:
        out.say(f"{sign} {who.ljust(34)} {counts}   {seconds:.1f} s")
        for outcome in conformance.failures:
            out.say(f"    {outcome.check}: {outcome.message}")
        return
    verdict = f"{who} keeps its promises" if conformance.passed else f"{who} breaks a promise"
    if conformance.count("untried"):
        verdict = f"{who} was not tried"
    out.say(f"\n{sign} {verdict}: {counts}   {seconds:.1f} s")
