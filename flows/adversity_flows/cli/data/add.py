"""`adversity data add`: a folder becomes a version of a data set."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adversity_flows.cli.command import Command, colour_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity_flows.datasets.added import Added
    from adversity_flows.runs.sample_list import Reading

__all__ = ["add"]


@click.command(cls=Command)
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option("--name", help="It lies in data/NAME then; without it, the folder's own name.")
@click.option(
    "--as", "version", metavar="VERSION", help="What the version is called: a tag of git."
)
@click.option(
    "--labels", metavar="FILE", help="A CSV file in FOLDER with the labels, else sub-folders are."
)
@click.option(
    "--uses", metavar="DATASET", help="Which data set reads FOLDER's packed files, such as cifar10."
)
@click.option(
    "--with", "given", metavar="NAME=VALUE", multiple=True, help="A parameter of that data set."
)
@click.option("--allow-corrupt", is_flag=True, help="Add it though some images cannot be read.")
@click.option("--no-look", is_flag=True, help="Do not look for images that look alike.")
@click.option("--json", "as_json", is_flag=True, help="Write it as one JSON document.")
def add(
    folder: Path,
    name: str | None,
    version: str | None,
    labels: str | None,
    uses: str | None,
    given: tuple[str, ...],
    allow_corrupt: bool,
    no_look: bool,
    as_json: bool,
) -> None:
    """Make a folder of images a version of a data set, tracked by DVC.

    FOLDER lies in data/ already, or is copied there, in the place of the version that DVC has. What
    is in it is checked as `data check` does, also against the other data of the project, and a card
    of it is kept beside it, as Markdown and as a page. Images that cannot be read are refused. The
    commit and the tag, which make the version, stay yours: the commands are said.

    Where files hold many images each, `--uses` says by which data set they are read, with all splits
    that are there. A list of the samples is then kept, too, by which `data diff` tells them apart.

    \b
    Example:
      adversity data add ~/photos --name photos --as v1
      adversity data add ~/cifar-10-batches-bin --name cifar10 --uses cifar10 --as v1
    """
    from adversity_flows.cli.data.check import document, progress, say, say_common
    from adversity_flows.cli.project import find_root
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.datasets.added import Wanted
    from adversity_flows.datasets.added import add as added

    root = find_root(Path.cwd())
    wanted = Wanted(
        folder,
        name or folder.resolve().name,
        version=version,
        labels=labels,
        reading=_reading(uses, given, labels),
        look=not no_look,
        allow_corrupt=allow_corrupt,
    )
    err = Terminal.of(colour=colour_choice())
    found = added(root, wanted, progress(err, wanted.name))
    commands = _commands(root, found, version)
    if as_json:
        record = {
            "place": found.place,
            "version": version,
            "md5": found.md5,
            "new": found.is_new,
            "files": found.files,
            "absent": found.absent,
            "commands": commands,
        }
        checks = document([found.checked], found.others)
        click.echo(json.dumps(record | checks, indent=1, ensure_ascii=False))
        return
    out = Terminal.stdout(colour=colour_choice())
    say(out, found.checked)
    for split, why in found.absent.items():
        out.say(f"  ! without its split {split}: {why}")
    for each in found.others:
        say_common(out, each)
    if found.is_new:
        out.say(f"{out.paint('✓', 'green')} {found.place}: DVC has it as {found.md5}")
    else:
        out.say(f"{found.place}: the same bytes as before, {found.md5}: no new version")
    out.say(f"  its card: {found.place}.card.md, {found.place}.card.html")
    if commands:
        out.say("Yours to do:")
    for command in commands:
        out.say(f"  {command}")


def _reading(uses: str | None, given: Sequence[str], labels: str | None) -> Reading | None:
    """Return by which data set packed files are read; None if nothing is said of it."""
    import yaml

    from adversity.errors import InputError
    from adversity_flows.runs.sample_list import Reading

    if uses is None:
        if given:
            raise InputError(f"--with {given[0]}: expected --uses, of which it is a parameter")
        return None
    if labels is not None:
        raise InputError("expected --uses or --labels, got both; the data set knows its labels")
    parameters = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name or name == "path":
            raise InputError(f"expected --with NAME=VALUE, a parameter but for path, got {one!r}")
        try:
            parameters[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise InputError(f"--with {one}: expected a value as YAML writes it") from error
    return Reading(uses.removeprefix("dataset/"), parameters)


def _commands(root: Path, found: Added, version: str | None) -> list[str]:
    """Return the commands that make a version of it: those that are still to be done."""
    from adversity.git import git_says
    from adversity.report.words.wording import plural
    from adversity_flows.cli.wording import relative

    commands = []
    changed = [file for file in found.files if git_says(root, "status", "--porcelain", "--", file)]
    ignored = [file for file in found.files if git_says(root, "check-ignore", "--", file)]
    if changed or ignored:
        files = shlex.join(relative(root / file, root) for file in found.files)
        name = " ".join(filter(None, [found.checked.name, version]))
        what = plural(len(found.checked.source), "image")
        force = "--force " if ignored else ""
        message = shlex.quote(f"{name}: {what}")
        commands.append(f"git add {force}{files} && git commit -m {message}")
    if version is not None:
        commands.append(f"git tag {shlex.quote(version)}")
    return commands
