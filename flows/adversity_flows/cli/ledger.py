"""`adversity ledger`: what is left of each victim after every attack that ever ran on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import pipelines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from adversity.contracts import Measure
    from adversity.data.ledger import Entry
    from adversity_flows.cli.terminal import Terminal

__all__ = ["ledger"]

SHOWN = 6
"""So many attacks are named in a line; the JSON names all."""


@click.command(cls=Command)
@click.argument("pipeline", required=False, shell_complete=pipelines)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
def ledger(pipeline: str | None, as_json: bool) -> None:
    """Say what is left of each victim after every attack on record.

    Every attack that runs in a project is entered into its ledger, runs/ledger/. For each victim,
    version of the data and budget this shows the share of images that none of them turned, of
    attacks on a decision the share of those open to them with which one succeeded, and which attack
    found what. With PIPELINE, only what the attacks of that pipeline, as they ran
    last, have to do with.

    \b
    Examples:
      adversity ledger
      adversity ledger pipelines/first_look.yaml --json
    """
    from pathlib import Path

    from adversity_flows.cli.project import find_root, root_of
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.runs.attack_ledger import ledger_of

    root = root_of(pipeline) if pipeline else find_root(Path.cwd())
    book = ledger_of(root)
    chosen = _pages_of(pipeline, root) if pipeline else None
    pages = [
        page for page in book.pages() if chosen is None or (page[0].victim, page[0].data) in chosen
    ]
    if as_json:
        document = {"folder": str(book.root), "pages": [_page_json(page) for page in pages]}
        click.echo(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False))
        return
    out = Terminal.stdout(colour=colour_choice())
    if not pages:
        out.say(_nothing(book.root, pipeline))
    for line in _lines(pages, out):
        out.say(line)


def _pages_of(pipeline: str, root: Path) -> set[tuple[str, str]]:
    """Return victim and data of each attack of a pipeline that has an artifact; no plugin is needed."""
    from pathlib import Path

    from adversity.engine.stages.attack_identity import IDENTITY
    from adversity.engine.summary.ledger import entries
    from adversity.pipeline.read.load import load_pipeline

    spec = load_pipeline(Path(pipeline).absolute(), root=root).spec
    folders = [root / "artifacts" / spec.name / step for step in spec.steps]
    recorded = (entries(folder) for folder in folders if (folder / IDENTITY).is_file())
    return {(entry.victim, entry.data) for cells in recorded for entry in cells}


def _nothing(folder: Path, pipeline: str | None) -> str:
    if pipeline is None:
        return (
            f"no attack is on record in {folder}: run a pipeline with an attack step (`adversity "
            "run PIPELINE`); each attack is entered when it is finished or found unchanged"
        )
    return (
        f"no attack of {pipeline} is on record: run it (`adversity run {pipeline}`), or see all "
        "that is with `adversity ledger`"
    )


def _judged(page: Sequence[Entry]) -> list[tuple[dict[str, Any], Measure]]:
    from adversity.engine.summary.worst_case import threats, worst_case

    measures = (worst_case(page, threat) for threat in threats(page))
    return [(measure.details["threat"], measure) for measure in measures if measure is not None]


def _page_json(page: Sequence[Entry]) -> dict[str, Any]:
    first, figure = page[0], "robust_accuracy" if _of_answer(page) else "success"
    return {
        "victim": {"key": first.victim, "is": first.names["victim"]},
        "data": {"key": first.data, "is": first.names["data"]},
        "worst_cases": [
            {"threat": threat, figure: measure.as_json()} for threat, measure in _judged(page)
        ],
        "attacks": [
            {
                "key": entry.attack,
                **entry.facts,
                "pipeline": entry.names["pipeline"],
                "cell": entry.names["cell"],
                "samples": len(entry.rows["sample"]),
                "wrong": int(entry.rows["wrong"].sum()),
            }
            for entry in page
        ],
    }


def _lines(pages: Iterable[Sequence[Entry]], out: Terminal) -> Iterable[str]:
    """Go through the lines of all pages: victim, data, then a line for each budget."""
    from adversity.report.words.wording import plain, plural

    for number, page in enumerate(pages):
        first = page[0]
        if number:
            yield ""
        key = out.dim(f"  {first.victim[:8]} on {first.data[:8]}")
        yield f"{out.paint(plain(first.names['victim']), 'cyan', bold=True)}{key}"
        yield out.dim(f"on {plain(first.names['data'])}; {plural(len(page), 'attack')} on record")
        judged = _judged(page)
        if judged:
            yield from _table(judged, out, "worst case" if _of_answer(page) else "worst success")
        else:
            yield "no attack has a budget; give one `eps` to have a worst case within it"


def _of_answer(page: Sequence[Entry]) -> bool:
    """Say whether the attacks of a page were after another answer, and not after a decision."""
    from adversity.engine.summary.worst_case import goal_of_entry

    return goal_of_entry(page[0]).of_answer


def _table(
    judged: Sequence[tuple[dict[str, Any], Measure]], out: Terminal, figure: str
) -> Iterable[str]:
    """Go through the budgets: a line of numbers each, and below it who found what.

    Args:
        judged: Threats, each with its worst case.
        out: Where it is shown.
        figure: What the worst case is called.
    """
    from adversity.report.sections.worst_case import threat_words
    from adversity.report.words.wording import interval_text, number, plain
    from adversity_flows.cli.wording import columns, wrapped

    head = ("budget", figure, "95 % interval", "n", "attacks")
    rows = [
        (
            plain(threat_words(threat)),
            number(measure.value),
            interval_text(measure),
            f"{measure.n:,}",
            f"{measure.details['attacks']:,}",
        )
        for threat, measure in judged
    ]
    table = columns([head, *rows], right=(1, 3, 4))
    yield out.dim(table[0])
    for line, (_, measure) in zip(table[1:], judged, strict=True):
        yield line
        yield out.dim(wrapped(plain(_shares(measure)), indent=4, width=out.width))


def _shares(measure: Measure) -> str:
    """Name the attacks that turned something, and how much of it they alone: `pgd 5 (2 alone)`."""
    by, alone = measure.details["by"], measure.details["alone"]
    order = sorted((name for name in by if by[name]), key=lambda name: (-by[name], name))
    shares = [f"{n} {by[n]}" + (f" ({alone[n]} alone)" if alone[n] else "") for n in order[:SHOWN]]
    rest = len(order) - len(shares)
    names = ", ".join([*shares, *([f"and {rest} more"] if rest else [])])
    return f"found by {names}" if names else "none of them turned any"
