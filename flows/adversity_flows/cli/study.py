"""`adversity study`: people say which images are better, without knowing who made them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adversity_flows.cli.command import Command, colour_choice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity_flows.studies.scores import Scored

__all__ = ["study"]


@click.group()
def study() -> None:
    """Ask people which images are better, blind and in pairs.

    \b
    Example:
      adversity export pipelines/denoisers.yaml median median/ --format png8
      adversity export pipelines/denoisers.yaml means means/ --format png8
      adversity study make study/ median/ means/
      adversity study score study/key.json votes-*.json
    """


@study.command(cls=Command)
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.argument(
    "folders", metavar="FOLDER...", nargs=-1, type=click.Path(path_type=Path), required=True
)
@click.option(
    "--pairs",
    default=100,
    show_default=True,
    type=click.IntRange(1, 5000),
    help="The largest number of pairs.",
)
@click.option("--seed", default=0, show_default=True, help="Which pairs are drawn.")
@click.option(
    "--question", default="Which image is better?", show_default=True, help="What people are asked."
)
@click.option(
    "--largest",
    default=512,
    show_default=True,
    type=click.IntRange(16, 4096),
    help="Pixels of the longer side that are shown; larger images are made smaller.",
)
def make(
    out: Path, folders: tuple[Path, ...], pairs: int, seed: int, question: str, largest: int
) -> None:
    """Write OUT/study.html, which asks, and OUT/key.json, which knows who made which image.

    FOLDERs hold the same images, one folder for each method: what `adversity export --format png8`
    wrote, or files of the same names. Methods are called as their folders are. Give the page to
    people and keep the key.

    \b
    Example:
      adversity study make study/ median/ means/ --question "Which face looks more natural?"
    """
    from adversity.errors import InputError
    from adversity.report.words.wording import plural
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.cli.wording import size_text
    from adversity_flows.studies.page import KEY, PAGE, write_study
    from adversity_flows.studies.shown import contenders

    if (out / KEY).exists():
        raise InputError(
            f"expected a folder without a study, got {out}, which holds {KEY}: votes on it would be "
            "lost; name another one, or remove it"
        )
    found, samples = contenders(folders)
    err = Terminal.of(colour=colour_choice())

    def done(count: int, of: int) -> None:
        if count % 50 == 0 and count < of:
            err.say(f"{count} of {of} pairs")

    key = write_study(
        out, found, samples, most=pairs, seed=seed, question=question, largest=largest, done=done
    )
    size = (out / PAGE).stat().st_size
    again = sum("again" in pair for pair in key["pairs"])
    click.echo(
        f"{out / PAGE}: {plural(len(key['pairs']) - again, 'pair')} of {', '.join(key['contenders'])} "
        f"on {plural(len(samples), 'image')}, {again} of them twice, {size_text(size)}; "
        f"keep {out / KEY} to yourself"
    )


@study.command(cls=Command)
@click.argument("key", metavar="KEY", type=click.Path(path_type=Path))
@click.argument(
    "votes", metavar="VOTES...", nargs=-1, type=click.Path(path_type=Path), required=True
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
def score(key: Path, votes: tuple[Path, ...], as_json: bool) -> None:
    """Score the methods of a study by what people voted.

    Scores are log-odds (Bradley and Terry): 0 is the average, and one that is 1 above another is
    preferred in 73 of 100 pairs. Intervals take the images as drawn.

    \b
    Example:
      adversity study score study/key.json votes-*.json
    """
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.studies.scores import read_key, scored

    read = read_key(key)
    result = scored(read, votes)
    if as_json:
        click.echo(json.dumps(_document(read, result), indent=1, ensure_ascii=False))
        return
    out = Terminal.stdout(colour=colour_choice())
    for line in _lines(read["question"], result):
        out.say(line)


def _document(key: dict[str, Any], result: Scored) -> dict[str, Any]:
    return {
        "study": key["study"],
        "question": key["question"],
        "voters": result.voters,
        "votes": result.votes,
        "same_answer_twice": {"k": result.steady[0], "n": result.steady[1]},
        "why_no_scores": result.why or None,
        "contenders": {
            name: {
                "won": won,
                "lost": lost,
                "no_preference": same,
                "score": result.scores[name].as_json() if name in result.scores else None,
                "answers": result.answers.get(name),
            }
            for name, (won, lost, same) in result.tallies.items()
        },
    }


def _lines(question: str, result: Scored) -> Iterator[str]:
    from adversity.report.words.wording import NOTHING, interval_text, number, plural

    yield f"{question} {plural(result.votes, 'vote')} of {plural(result.voters, 'voter')}"
    order = sorted(
        result.tallies,
        key=lambda name: -result.scores[name].value if name in result.scores else 0.0,
    )
    rows: list[tuple[str, ...]] = [
        ("method", "score", "interval", "won", "lost", "no preference", "right answers")
    ]
    for name in order:
        measure = result.scores.get(name)
        answers = result.answers.get(name)
        rows.append(
            (
                name,
                NOTHING if measure is None else number(measure.value),
                NOTHING if measure is None else interval_text(measure),
                *(f"{count:,}" for count in result.tallies[name]),
                NOTHING if answers is None else f"{answers['right']} of {answers['n']}",
            )
        )
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
    same, of = result.steady
    if of:
        yield f"shown twice with the sides exchanged: {same} of {of} answered the same"
    if result.why:
        yield f"no scores: {result.why}"
