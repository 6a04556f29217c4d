"""`adversity diff A B --why NUMBER`: what each change has to do with the change of a number."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adversity.engine.summary.recorded_run import RecordedRun
    from adversity.report.values.run_diff import Change
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.why.split import Split

__all__ = ["say_why"]

_CODE = ("code", "plugin", "environment")
_MOST = 3
"""So many changes are named beside each part."""


def say_why(
    root: Path,
    before: RecordedRun,
    after: RecordedRun,
    number: str,
    out: Terminal,
    *,
    as_json: bool,
) -> None:
    """Split the change of a number and say its parts.

    Args:
        root: The project's folder.
        before: The earlier run.
        after: The later one.
        number: As given.
        out: The terminal.
        as_json: Write one JSON document.
    """
    from adversity_flows.why.split import split

    found = split(root, before, after, number, say=lambda line: click.echo(f"  {line}", err=True))
    if as_json:
        record = {"before_run": before.name, "after_run": after.name, **found.as_json()}
        click.echo(json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False))
        return
    for line in _lines(found, before, after, out):
        out.say(line)


def _lines(found: Split, before: RecordedRun, after: RecordedRun, out: Terminal) -> Iterator[str]:
    from adversity_flows.cli.wording import columns

    change = f"{found.before:.4f} -> {found.after:.4f}, {_signed(float(found.change))}"
    yield out.paint(f"{found.asked}: {change}", "cyan", bold=True)
    yield out.dim(f"A  {before.name}")
    yield out.dim(f"B  {after.name}")
    yield ""
    causes = _causes(before, after)
    rows: list[tuple[str, ...]] = [
        (name, _signed(float(part)), causes.get(name, "")) for name, part in found.parts.items()
    ]
    rows.append(("together", _signed(float(found.change)), ""))
    yield from columns(rows, right=(1,))
    for what, why in found.failed.items():
        yield out.paint(f"not computed: {what}: {why}", "yellow")
    yield out.dim(_basis(found))


def _basis(found: Split) -> str:
    from adversity.report.words.wording import plural

    said = f"{plural(found.computed, 'combination')} computed with the code of now"
    if found.of > 1:
        said += f"; parts are means over {found.orders} of {found.of} orders (Shapley)"
    return said


def _causes(before: RecordedRun, after: RecordedRun) -> dict[str, str]:
    """Name what changed, by the part that it belongs to."""
    from adversity.engine.summary.diff_changes import changes

    own: dict[str, list[Change]] = {}
    for change in changes(before, after):
        own.setdefault(_part_of(change, after), []).append(change)
    return {part: _listed(found) for part, found in own.items()}


def _part_of(change: Change, run: RecordedRun) -> str:
    """Return the part that a change belongs to: what the file says of a model is the model's."""
    from adversity_flows.why.mixed_file import is_model

    where = change.where.split(".")
    steps = run.file.get("steps") or {}
    if change.of in _CODE:
        return "code and libraries"
    if change.of == "data" or where[0] == "data":
        return "data"
    of_model = where[0] == "steps" and len(where) > 1 and is_model(steps.get(where[1]))
    return "model and weights" if of_model or change.of == "weights" else "parameters"


def _listed(found: list[Change]) -> str:
    words = [f"{one.where} {one.before} -> {one.after}".strip() for one in found[:_MOST]]
    more = [f"and {len(found) - _MOST} more"] if len(found) > _MOST else []
    return "; ".join([*words, *more])


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "\N{MINUS SIGN}")
