"""`adversity explain`: one number of a report, computed once more from its bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from adversity_flows.cli.audit import SIGNS
from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.proof.explain import Explained
    from adversity_flows.proof.links import Link

__all__ = ["explain"]

_NAMED = 6
"""So many wrong samples are named."""
_SHOWN = 12


@click.command(cls=Command)
@click.argument("run", metavar="RUN", shell_complete=runs)
@click.argument("figure", metavar="FIGURE")
@click.option(
    "--from-data",
    is_flag=True,
    help="Fit and attack again, too; else what they left is taken, and its hash checked.",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
@click.option("--pipeline", metavar="NAME", help="Which one, where a commit has several.")
def explain(run: str, figure: str, from_data: bool, as_json: bool, pipeline: str | None) -> int:
    """Compute FIGURE of RUN once more, and say what it is and how it was made.

    FIGURE is STEP.MEASURE, with [variable=value] where the step has several cells. It is computed
    from the stored table, and from the data on for that cell alone, by the calls of a run, into a
    folder that goes away. On one type of processor it is equal to the last bit, or what changed is
    named: an image, weights, a parameter, a plugin, a library. RUN is as `adversity audit` takes
    it. Exit code 1 if something changed.

    \b
    Examples:
      adversity explain last predictions.accuracy
      adversity explain HEAD "predictions.accuracy[severity=3]"
    """
    from adversity_flows.cli.project import named_project
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.cli.watching import watching
    from adversity_flows.proof.explain import explain as explained
    from adversity_flows.proof.subject import subject_of
    from adversity_flows.proof.verdict import explained_json, holds
    from adversity_flows.runs.figure import figure_named

    terminal = Terminal.of(colour=colour_choice())
    with subject_of(named_project(run), run, pipeline) as subject:
        number = figure_named(subject.run, figure)
        quiet = not terminal.live
        with watching(terminal, steps=tuple(subject.run.steps), quiet=quiet) as watcher:
            found = explained(subject, number, watcher, from_data=from_data)
    if as_json:
        click.echo(json.dumps(explained_json(found), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        out = Terminal.stdout(colour=colour_choice())
        for line in _lines(found, out):
            out.say(line)
    return 0 if holds(found) else 1


def _lines(found: Explained, out: Terminal) -> Iterator[str]:
    """Go through the lines: what it is, how it was made, what it rests on, and the verdict."""
    from adversity.report.words.wording import capital, measure_text
    from adversity_flows.proof.verdict import holds, sentence

    figure = found.figure
    yield out.paint(f"{figure} = {measure_text(figure.measure)}", "cyan", bold=True)
    yield from _what(found)
    yield ""
    yield out.dim("made of")
    yield from _chain(found.links)
    yield ""
    yield out.dim("computed once more")
    yield from _again(found, out)
    yield ""
    yield from _rests(found, out)
    yield out.paint(f"{capital(sentence(found))}.", "green" if holds(found) else "red", bold=True)


def _what(found: Explained) -> Iterator[str]:
    """Say what the number is: the measure, its convention, and on which samples it was taken."""
    from adversity.report.words.wording import measure_name, method_name, pairs

    measure, name = found.figure.measure, found.figure.name
    better = f", {measure.better} is better" if measure.better else ""
    yield f"  {measure_name(name, measure)} of {found.figure.step} ({found.figure.uses}), {found.run}"
    by = "the engine" if found.metric is None else f"metric/{found.metric.name}"
    said = "" if found.metric is None else f": {type(found.metric).summary()}"
    yield f"  by {by}{better}{said}"
    if measure.convention:
        yield f"  convention: {pairs(measure.convention)}"
    if measure.low is not None:
        yield f"  interval: {100 * measure.level:g} %, {method_name(measure.method)}"
    samples = f"  samples: {measure.n:,}"
    if found.wrong is not None:
        more = f" and {len(found.wrong) - _NAMED:,} more" if len(found.wrong) > _NAMED else ""
        listed = f" ({', '.join(found.wrong[:_NAMED])}{more})" if found.wrong else ""
        samples += f", answered wrongly: {len(found.wrong):,}{listed}"
    yield samples


def _chain(links: tuple[Link, ...]) -> Iterator[str]:
    """Go through the links, each with its hash and, below, its parameters."""
    from adversity.report.words.wording import pairs
    from adversity_flows.cli.wording import columns, wrapped

    rows: list[tuple[str, ...]] = [
        (
            str(number),
            link.name,
            link.uses,
            link.hash[:_SHOWN] or "not recorded",
            f"fitted: {link.fitted[:_SHOWN]}" if link.fitted else "",
        )
        for number, link in enumerate(links, 1)
    ]
    for line, link in zip(columns(rows), links, strict=True):
        yield f"  {line}"
        given = {name: value for name, value in link.parameters.items() if value is not None}
        if given:
            yield wrapped(pairs(given), indent=5)


def _again(found: Explained, out: Terminal) -> Iterator[str]:
    from adversity.report.words.wording import measure_text
    from adversity_flows.proof.compared import rows_words, same_number

    again, then = found.again, found.figure.measure
    left = "it was" if len(found.taken) == 1 else "they were"
    aside = f", {', '.join(found.taken)} taken as {left} left" if found.taken else ""
    made = {
        "from the stored table": again.of_table,
        f"from the data on{aside}": again.of_chain,
    }
    for what, measure in made.items():
        if measure is not None:
            same = same_number(then, measure)
            sign, colour = SIGNS["holds" if same else "changed"]
            words = "equal to the last bit" if same else measure_text(measure.known_as(then.info))
            yield f"  {out.paint(sign, colour)} {what}: {words}"
    if again.rows is not None:
        sign, colour = SIGNS["holds" if again.rows.equal else "changed"]
        yield f"  {out.paint(sign, colour)} rows: {rows_words(again.rows)}"
    if again.error:
        sign, colour = SIGNS["missing"]
        yield f"  {out.paint(sign, colour)} {again.error}"


def _rests(found: Explained, out: Terminal) -> Iterator[str]:
    """Say what it rests on: only what is not as it was has a line of its own."""
    from adversity_flows.proof.check import rests_words

    odd = [check for check in found.checks if check.state != "holds"]
    yield out.dim(f"rests on {rests_words(found.checks) or 'nothing that holds'}, hashed again")
    for check in odd:
        sign, colour = SIGNS[check.state]
        yield f"  {out.paint(sign, colour)} {check.sentence}"
    if found.elsewhere:
        yield f"  · other hardware: {found.elsewhere}"
