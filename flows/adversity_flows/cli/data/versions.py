"""`adversity data list` and `diff`: which versions of its data a project has, and what changed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adversity_flows.cli.command import Command, colour_choice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity_flows.datasets.compared import Compared, Pair
    from adversity_flows.datasets.listed import Listed

__all__ = ["diff", "list_"]

_SHOWN = 3


@click.command("list", cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Write it as one JSON document.")
def list_(as_json: bool) -> None:
    """List the data of the project: where they lie, who reads them, and their versions.

    A version is a commit in which the data changed, said with all tags under which they are as
    there, and with the data sets that pin it (`rev:`); give it a name with `git tag`. What comes with
    a package is not listed.

    \b
    Example:
      adversity data list
    """
    from adversity_flows.cli.project import find_root, sound_plans
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.datasets.listed import listed

    root = find_root(Path.cwd())
    found = listed(root, sound_plans(root))
    if as_json:
        click.echo(json.dumps({"data": [asdict(one) for one in found]}, indent=1))
        return
    out = Terminal.stdout(colour=colour_choice())
    for one in found:
        for line in _listed_lines(one):
            out.say(line)
    if not found:
        out.say("no data but what comes with packages; put a folder into data/, then `dvc add` it")


def _listed_lines(one: Listed) -> Iterator[str]:
    from adversity.report.words.wording import plural
    from adversity_flows.cli.wording import size_text

    parts = [plural(one.files, "file")] if one.files is not None else []
    parts += [size_text(one.size)] if one.size is not None else []
    if not one.tracked:
        parts.append(f"not in DVC: `dvc add {one.location}` and a commit make a version")
    if not one.here:
        parts.append("not on this disk" + (f": `dvc pull {one.tracked}`" if one.tracked else ""))
    parts.append(f"read by {', '.join(one.used_by)}" if one.used_by else "read by no pipeline")
    yield f"{one.location}: {'; '.join(parts)}"
    for version in one.versions:
        names = f" ({', '.join(version.names)})" if version.names else ""
        pins = f"; pinned by {', '.join(version.pinned_by)}" if version.pinned_by else ""
        yield f"  {version.commit}  {version.date}{names}  {version.subject}{pins}"


@click.command(cls=Command)
@click.argument("source", metavar="SOURCE")
@click.argument("before", metavar="A")
@click.argument("after", metavar="[B]", required=False)
@click.option(
    "--page",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a page that shows the images.",
)
@click.option("--json", "as_json", is_flag=True, help="Write it as one JSON document.")
def diff(source: str, before: str, after: str | None, page: Path | None, as_json: bool) -> None:
    """Say which samples of a data set came, went, changed or are of another class.

    SOURCE is PIPELINE:NAME, a data set of a pipeline file, or a folder whose sub-folders are
    classes, or one of packed files that `data add --uses` made a version. A and B are commits, tags or branches; without B, A is compared with what is on the
    disk. Samples are matched by their pixels: one that was renamed is the same, one that was moved
    to the folder of another class is relabelled.

    \b
    Example:
      adversity data diff pipelines/nightly.yaml:photos v1 v2 --page changes.html
    """
    from adversity_flows.cli.project import find_root, plan_of
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.datasets.changes_page import write_changes
    from adversity_flows.datasets.compared import compare
    from adversity_flows.datasets.listings import folder_data, listed_version
    from adversity_flows.datasets.versions import data_of, version

    root = find_root(Path.cwd())
    file, _, name = source.rpartition(":")
    of_file = file.endswith((".yaml", ".yml"))
    if of_file:
        named = data_of(plan_of(file), name)
    else:
        named = folder_data(root, Path(source), (after, before))
    title = f"{named.location}: {before} to {after or 'what is on the disk'}"
    if page is not None:
        with version(root, named, before) as first, version(root, named, after) as second:
            found = compare(first, second)
            write_changes(page, title, found, (first, second))
    else:
        with (
            listed_version(root, named, before) as (listed_before, lacks_before),
            listed_version(root, named, after) as (listed_after, lacks_after),
        ):
            found = compare(listed_before, listed_after)
        err = Terminal.of(colour=colour_choice())
        for why in filter(None, (lacks_before, lacks_after)):
            err.say(why)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=1, ensure_ascii=False))
        return
    out = Terminal.stdout(colour=colour_choice())
    for line in _change_lines(title, found):
        out.say(line)
    if page is not None:
        out.say(f"written: {page}")


def _change_lines(title: str, found: Compared) -> Iterator[str]:
    from adversity_flows.datasets.changes_page import KINDS

    yield f"{title}: {found.same:,} the same"
    for kind, name in KINDS:
        pairs = getattr(found, kind)
        if pairs:
            shown = ", ".join(_pair_text(pair) for pair in pairs[:_SHOWN])
            more = f", and {len(pairs) - _SHOWN:,} more" if len(pairs) > _SHOWN else ""
            yield f"  {name.lower()}: {len(pairs):,}: {shown}{more}"
    if found.classes:
        counts = (f"{name} {old:,} -> {new:,}" for name, (old, new) in found.classes.items())
        yield f"  classes: {', '.join(counts)}"


def _pair_text(pair: Pair) -> str:
    names = list(dict.fromkeys(filter(None, (pair.id_before, pair.id_after))))
    text = " -> ".join(names)
    if pair.class_before and pair.class_after and pair.class_before != pair.class_after:
        text += f" ({pair.class_before} -> {pair.class_after})"
    return text
