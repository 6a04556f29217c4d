"""`adversity diff`: two runs compared, the images that flipped first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.engine.summary.recorded_run import RecordedRun
    from adversity.report.values.blocks import Table
    from adversity.report.values.run_diff import RunDiff
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.dvc.revision import Revision

__all__ = ["diff"]

ROWS = 12
"""So many rows of a table are shown."""
DRAWS = 200
_SPARE = ("n", "95 % interval", "A", "B", "data")
"""Columns that are left out, one by one, where a table is too wide."""


@click.command(cls=Command)
@click.argument("first", metavar="A", shell_complete=runs)
@click.argument("second", metavar="[B]", required=False, shell_complete=runs)
@click.option("--markdown", is_flag=True, help="Write Markdown, for a pull request.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
@click.option(
    "--draws",
    type=click.IntRange(min=0),
    default=DRAWS,
    show_default=True,
    help="Of the bootstrap, for measures that are no mean over images; 0 leaves these out.",
)
@click.option("--pipeline", metavar="NAME", help="Which one, where commits have several.")
@click.option(
    "--why",
    metavar="NUMBER",
    help="Split the change of one number into what changed: predictions.accuracy.",
)
def diff(
    first: str,
    second: str | None,
    markdown: bool,
    as_json: bool,
    draws: int,
    pipeline: str | None,
    why: str | None,
) -> None:
    """Say what changed from run A to run B, image by image.

    A and B are runs: an id, a folder of runs/, a pipeline file, which stands for its last run, or a
    branch, a tag, a commit or an experiment, of which DVC has the results. A pipeline file alone
    compares its last two runs. The first line says which images flipped and
    whether that is more than noise. Only images that both runs have are compared; flips of right
    and wrong are tested by McNemar's test, other measures by pairs or a bootstrap, all corrected
    for how many tests there are (Holm).

    --why computes what is missing to split the change of a number exactly: code and libraries
    first, then data, model and parameters by Shapley's split over all their combinations.

    \b
    Examples:
      adversity diff pipelines/first_look.yaml
      adversity diff main pipelines/first_look.yaml --markdown
      adversity diff v1 pipelines/first_look.yaml --why clean.accuracy
    """
    from adversity.errors import InputError
    from adversity.registry import discover
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.runs.compared_runs import compared

    if as_json and markdown:
        raise InputError("expected --json or --markdown, got both; leave one out")
    if draws == 1:
        raise InputError("--draws: expected 0, or at least 2, got 1: one draw has no spread")
    before, after = _sides(first, second, pipeline)
    if why is not None:
        from adversity_flows.cli.diff_why import say_why
        from adversity_flows.cli.project import find_root, root_of

        if markdown:
            raise InputError("expected --why or --markdown, got both; leave one out")
        named = next((one for one in (first, second) if one and Path(one).is_file()), None)
        root = root_of(named) if named else find_root(Path.cwd())
        out = Terminal.stdout(colour=colour_choice())
        say_why(root, before, after, why, out, as_json=as_json)
        return
    found = compared(before, after, discover(), draws)
    if as_json:
        from adversity.report.writers.diff_pages import diff_json

        document = json.dumps(diff_json(found), indent=1, ensure_ascii=False, allow_nan=False)
        click.echo(document)
        return
    out = Terminal.stdout(colour=colour_choice())
    if markdown:
        from adversity.report.writers.diff_pages import diff_markdown

        out.say(diff_markdown(found).rstrip("\n"))
        return
    for line in _lines(found, out):
        out.say(line)


def _sides(first: str, second: str | None, pipeline: str | None) -> tuple[RecordedRun, RecordedRun]:
    """Return the two runs that are meant."""
    from adversity.errors import InputError
    from adversity_flows.cli.project import root_of
    from adversity_flows.runs.compared_runs import last_two, of_one_pipeline
    from adversity_flows.runs.named_run import pipeline_name

    if second is None:
        if not Path(first).is_file():
            raise InputError(
                f"expected two runs, or a pipeline file whose last two runs are compared, got {first} "
                "alone; name a second one"
            )
        return last_two(root_of(first), pipeline_name(Path(first)))
    return of_one_pipeline(_side(first), _side(second), pipeline)


def _side(name: str) -> RecordedRun | Revision:
    from adversity_flows.cli.project import find_root, root_of
    from adversity_flows.dvc.revision import Revision
    from adversity_flows.runs.compared_runs import last_run, named_side
    from adversity_flows.runs.named_run import pipeline_name

    if Path(name).is_file():
        return last_run(root_of(name), pipeline_name(Path(name)))
    side = named_side(find_root(Path.cwd()), name)
    if isinstance(side, Revision):
        click.get_current_context().call_on_close(side.close)
    return side


def _lines(found: RunDiff, out: Terminal) -> Iterator[str]:
    """Go through the lines: the sentence, what the runs are, then the tables."""
    from adversity.report.sections.since_last import diff_blocks
    from adversity.report.values.blocks import Table, Text
    from adversity_flows.cli.wording import wrapped

    first, _names, *rest = diff_blocks(found, most=ROWS)
    if isinstance(first, Text):
        yield out.paint(first.text, "cyan", bold=True)
    for letter, run in (("A", found.before), ("B", found.after)):
        when = f"  {run.started}" if run.started else ""
        yield out.dim(f"{letter}  {run.name}{when}  {run.verdict}".rstrip())
    for block in rest:
        yield ""
        if isinstance(block, Table):
            yield from _table(block, out)
        elif isinstance(block, Text):
            word = f"{block.level}: " if block.level else ""
            yield wrapped(word + block.text, indent=0, width=out.width)


def _table(block: Table, out: Terminal) -> Iterator[str]:
    from adversity_flows.cli.wording import columns, wrapped

    names = list(block.columns)
    lines: list[str] = []
    for spare in (None, *_SPARE):
        names = [name for name in names if name != spare]
        places = [block.columns.index(name) for name in names]
        right = tuple(i for i, name in enumerate(names) if name in block.numeric)
        cut = [tuple(row[place] for place in places) for row in block.rows]
        lines = columns([tuple(names), *cut], right=right)
        if max(map(len, lines)) <= out.width:
            break
    yield out.dim(lines[0])
    yield from lines[1:]
    yield out.dim(wrapped(block.caption, indent=2, width=out.width))
