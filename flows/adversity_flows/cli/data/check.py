"""`adversity data check`: what data sets hold, and what is wrong with them."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import pipelines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adversity.data.reading import Source
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.datasets.checks import Checked, Common

__all__ = ["check", "document", "progress", "say", "say_common"]

_SHOWN = 3
_STEP = 500


@click.command(cls=Command)
@click.argument("names", metavar="SOURCE...", nargs=-1, shell_complete=pipelines)
@click.option("--no-look", is_flag=True, help="Do not look for images that look alike.")
@click.option(
    "--cards",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write a data card of each into DIR, as Markdown and as a page with the images.",
)
@click.option("--json", "as_json", is_flag=True, help="Write it as one JSON document.")
def check(names: tuple[str, ...], no_look: bool, cards: Path | None, as_json: bool) -> int:
    """Say what data sets hold, and what is wrong with them.

    SOURCE is a pipeline file, for all its data sets, or a folder whose sub-folders are classes, or
    one of packed files that `data add --uses` made a version, with all its splits. Said are classes and sizes, what is left out and why, equal images of different classes, images that
    stand more than once or look alike (the same photograph, scaled or compressed anew), and what two
    of the data sets have in common. The exit code is 1 if equal images have different classes.
    Images that a pipeline fits on and judges on are refused by its run; what looks alike is yours
    to judge.

    \b
    Example:
      adversity data check pipelines/first_look.yaml --cards cards/
      adversity data check data/train data/test
    """
    from adversity.errors import InputError
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.datasets.card import write_card
    from adversity_flows.datasets.checks import check as checked
    from adversity_flows.datasets.checks import common

    if not names:
        raise InputError("expected a pipeline file or folders of images, got nothing to look at")
    err = Terminal.of(colour=colour_choice())
    found = [
        checked(name, source, look=not no_look, done=progress(err, name))
        for name, source in _sources(names)
    ]
    shared = [common(one, other) for one, other in combinations(found, 2)]
    written: list[Path] = []
    for one in found if cards is not None else ():
        of_it = [each for each in shared if one.name in (each.first, each.second)]
        written += write_card(cards, one, of_it)  # type: ignore[arg-type]
    if as_json:
        click.echo(json.dumps(document(found, shared), indent=1, ensure_ascii=False))
    else:
        out = Terminal.stdout(colour=colour_choice())
        for one in found:
            say(out, one)
        for each in shared:
            say_common(out, each)
        for path in written:
            out.say(f"written: {path}")
    return 0 if all(one.sound for one in found) else 1


def _sources(names: Sequence[str]) -> list[tuple[str, Source]]:
    """Open what is named, each data set under a name of its own."""
    from adversity_flows.cli.project import plan_of
    from adversity_flows.datasets.opened import of_folders, of_plan

    files = [name for name in names if name.endswith((".yaml", ".yml"))]
    found: list[tuple[str, Source]] = []
    for file in files:
        plan = plan_of(file)
        start = f"{plan.name}/" if len(files) > 1 else ""
        found += [(f"{start}{name}", source) for name, source in of_plan(plan)]
    return [*found, *of_folders([name for name in names if name not in files])]


def progress(err: Terminal, name: str) -> Callable[[int, int], None]:
    """Return what says now and then how many images were read."""

    def done(count: int, of: int) -> None:
        if count % _STEP == 0 and count < of:
            err.say(f"{name}: {count:,} of {of:,} images")

    return done


def say(out: Terminal, one: Checked) -> None:
    """Say what a data set holds and what is wrong with it, a line for each sort of finding."""
    from adversity.report.words.wording import plural

    source = one.source
    parts = [plural(len(source), "image")]
    if one.classes:
        counts = sorted(one.classes.values())
        spread = f"{counts[0]:,}" if counts[0] == counts[-1] else f"{counts[0]:,} to {counts[-1]:,}"
        parts.append(f"{plural(len(counts), 'class', 'classes')}, {spread} of each")
    if source.unlabelled_count:
        parts.append(f"{source.unlabelled_count:,} without a label")
    out.say(f"{one.name}: {'; '.join(parts)}; content {source.content[:12]}")
    if source.quarantined:
        reasons = "; ".join(f"{id_}: {why}" for id_, why in source.quarantined[:_SHOWN])
        out.say(f"  ! {plural(len(source.quarantined), 'image')} left out: {reasons}")
    _say_groups(out, "✗", "equal images of different classes", one.disagreeing)
    _say_groups(out, "!", "images that stand in several splits", one.leaks)
    _say_groups(out, "·", "images that stand more than once", one.equal)
    _say_groups(out, "·", "images that look alike", one.alike)


def _say_groups(out: Terminal, sign: str, what: str, groups: Sequence[Sequence[str]]) -> None:
    if groups:
        shown = "; ".join(" = ".join(group) for group in groups[:_SHOWN])
        more = f"; and {len(groups) - _SHOWN:,} more" if len(groups) > _SHOWN else ""
        out.say(f"  {sign} {what}: {len(groups):,}: {shown}{more}")


def say_common(out: Terminal, each: Common) -> None:
    """Say what two data sets share."""
    for sign, what, pairs in (
        ("!", "share images", each.equal),
        ("·", "have images that look alike", each.alike),
    ):
        _say_groups(out, sign, f"{each.first} and {each.second} {what}", pairs)


def document(found: Sequence[Checked], shared: Sequence[Common]) -> dict[str, Any]:
    """Return the same as JSON values."""
    return {
        "data": [
            {
                "name": one.name,
                "images": len(one.source),
                "content": one.source.content,
                "classes": one.classes,
                "unlabelled": one.source.unlabelled_count,
                "left_out": [list(pair) for pair in one.source.quarantined],
                "disagreeing": [list(group) for group in one.disagreeing],
                "leaks": [list(group) for group in one.leaks],
                "equal": [list(group) for group in one.equal],
                "alike": None if one.looks is None else [list(pair) for pair in one.alike],
            }
            for one in found
        ],
        "common": [
            {
                "first": each.first,
                "second": each.second,
                "equal": [list(pair) for pair in each.equal],
                "alike": [list(pair) for pair in each.alike],
            }
            for each in shared
        ],
    }
