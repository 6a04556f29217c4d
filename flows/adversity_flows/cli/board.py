"""`adversity board`: a page over all runs of a project, who leads and who is tied."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from adversity_flows.cli.command import Command, colour_choice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.report.values.board import Boards
    from adversity_flows.cli.terminal import Terminal

__all__ = ["board"]

_PAGE, _DATA = "index.html", "board.json"
_SHOWN = 12
"""So many boards are told of in the terminal."""


@click.command(cls=Command)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    default=Path("board"),
    show_default=True,
    help="The folder of the site: index.html and board.json.",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document, and no site.")
def board(output: Path, *, as_json: bool) -> None:
    """Rank what the runs of a project judged alike, in a static site.

    Models and methods stand on one board if they were judged on the same images, degraded alike,
    under the same threat and by the same attack; else the page says what differs. Ranks come from
    paired tests on the same images with Holm's correction: who is not told apart is tied. Each
    pipeline has the history of its gates, and each run a link to its report. Of equal settings the
    last run counts.

    \b
    Examples:
      adversity board
      adversity board --output site/board
      adversity board --json
    """
    from adversity.registry import discover
    from adversity.report.writers.board_record import board_json, board_text
    from adversity_flows.cli.project import find_root
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.runs.board_runs import project_board

    root = find_root(Path.cwd())
    found = project_board(root, discover())
    if as_json:
        click.echo(board_text(board_json(found, _files(found, root, root))))
        return
    page = _written(found, output, root)
    out = Terminal.stdout(colour=colour_choice())
    for line in _lines(found, out):
        out.say(line)
    out.say(f"{page} ({page.stat().st_size / 1e3:,.0f} kB)")


def _written(found: Boards, output: Path, root: Path) -> Path:
    """Write the site and return its page."""
    from adversity.data.atomic import atomic_write
    from adversity.report.writers.board_page import board_html
    from adversity.report.writers.board_record import board_json, board_text

    files = _files(found, output, root)
    html = board_html(found, {run: own["report"] for run, own in files.items()})
    page = output / _PAGE
    for path, text in (
        (page, html),
        (output / _DATA, board_text(board_json(found, files)) + "\n"),
    ):
        data = text.encode("utf-8", "replace")
        atomic_write(path, partial(Path.write_bytes, data=data))
    return page


def _files(found: Boards, start: Path, root: Path) -> dict[str, dict[str, str]]:
    """Return the page and the numbers of each run, as URLs relative to a folder."""
    from adversity_flows.runs.past_runs import FOLDER, PAGE, RESULT

    own = {"report": PAGE, "result": RESULT}
    return {
        run.id: {
            name: quote(
                Path(os.path.relpath(root / FOLDER / run.id / file, start.absolute())).as_posix()
            )
            for name, file in own.items()
        }
        for history in found.history
        for run in history.runs
    }


def _lines(found: Boards, out: Terminal) -> Iterator[str]:
    """Say who leads each board, or what to do where there is none."""
    from adversity.report.words.board_words import data_title, distinct_titles
    from adversity.report.words.wording import interval_text, measure_name, plural, value_text
    from adversity_flows.cli.wording import wrapped

    if found.is_empty:
        yield "no run is here yet: run a pipeline (`adversity run PIPELINE`), then `adversity board` again"
    elif not found.boards:
        yield wrapped(
            "nothing can be compared yet: no two entries were judged on the same images under the same "
            "threat; change a model or a setting (`adversity run PIPELINE --set KEY=VALUE`)",
            indent=0,
            width=out.width,
        )
    titles = distinct_titles(found.boards)
    for one in found.boards[:_SHOWN]:
        main = one.rankings[0]
        first = one.entries[main.order[0].entry]
        measure = first.measures[main.measure]
        tied = sum(item.tied for item in main.order)
        judged = main.order[0].best is not None
        ties = f"tied with {tied} of {len(main.order) - 1}" if judged else "ranks not tested"
        yield out.paint(f"{data_title(one)}; {titles[one.id]}", "cyan")
        yield (
            f"  {measure_name(main.measure, measure)} {value_text(measure)} "
            f"{interval_text(measure)}  {first.method}, {ties}"
        )
    if len(found.boards) > _SHOWN:
        yield out.dim(f"{plural(len(found.boards) - _SHOWN, 'more board')} on the page")
    for why in found.left_out:
        yield out.dim(wrapped(f"not read: {why}", indent=2, width=out.width))
