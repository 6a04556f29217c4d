"""`adversity new-plugin`: a distribution of one's own, with a plugin that works."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import kinds
from adversity_flows.exit_codes import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity_flows.cli.new_plugin.answers import Question
    from adversity_flows.cli.terminal import Terminal

__all__ = ["new_plugin"]


def _licences(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    from adversity_flows.cli.new_plugin.files import licences

    return [name for name in licences() if name.lower().startswith(incomplete.lower())]


@click.command(cls=Command)
@click.argument("kind", required=False, shell_complete=kinds)
@click.argument("name", required=False)
@click.option(
    "--shape",
    metavar="SHAPE",
    help="Of a metric: table (if not given), two-tables, image, image-alone or cells.",
)
@click.option("--author", metavar="NAME", help="Who stands in the licence and the README.")
@click.option("--email", metavar="ADDRESS", help="Where to write to the author.")
@click.option(
    "--licence",
    metavar="LICENCE",
    shell_complete=_licences,
    help="MIT (if not given), Apache-2.0, BSD-3-Clause or proprietary.",
)
@click.option(
    "--distribution", metavar="NAME", help="What pip calls it; NAME-adversity if not given."
)
@click.option(
    "--output",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="A new or empty folder; named after the distribution if not given.",
)
@click.option("--yes", is_flag=True, help="Ask nothing: take what would be proposed.")
def new_plugin(yes: bool, **given: str | None) -> int:
    """Write a distribution of your own, with a plugin that works.

    KIND is what the plugin does, for example attack, and NAME its name in pipelines, in
    snake_case. What is not given is asked for if there is a terminal. The plugin that is
    written is a small real one: its tests are green, and you replace its mathematics.

    \b
    Examples:
      adversity new-plugin
      adversity new-plugin attack square_steps --author "A. Author" --yes
      adversity new-plugin metric blur_left --shape image-alone --author "A. Author"
    """
    from adversity_flows.cli.new_plugin.answers import look_afresh
    from adversity_flows.cli.terminal import Terminal

    look_afresh()
    err = Terminal.of(colour=colour_choice())
    try:
        answers = _answers(given, err, ask=not yes and sys.stdin.isatty() and err.tty, yes=yes)
        return _write(answers, Terminal.stdout(colour=colour_choice()))
    except (click.Abort, KeyboardInterrupt):
        err.say("\ninterrupted: nothing was written")
        return INTERRUPTED


def _answers(
    given: Mapping[str, str | None], err: Terminal, *, ask: bool, yes: bool
) -> dict[str, str]:
    """Return an answer to every question: given, asked for, or proposed.

    Raises:
        InputError: If one is wrong, or missing where nobody can be asked.
    """
    from adversity_flows.cli.new_plugin.answers import QUESTIONS

    known = {key: text for key, text in given.items() if text is not None}
    for question in QUESTIONS:
        # What was typed is judged before anybody is asked for the rest.
        if question.key in known:
            question.check(known[question.key], known)
    if not ask:
        _refuse_missing(known, yes=yes)
    answers: dict[str, str] = {}
    for question in QUESTIONS:
        text = known.get(question.key)
        if text is None and ask and question.applies(answers):
            answers[question.key] = _asked(question, answers, err)
        else:
            proposed = question.propose(answers) if text is None else text
            answers[question.key] = question.check(proposed, answers)
    return answers


def _refuse_missing(known: Mapping[str, str], *, yes: bool) -> None:
    """Name everything that only its author can know."""
    from adversity.errors import InputError
    from adversity_flows.cli.new_plugin.answers import QUESTIONS

    needed = [
        question
        for question in QUESTIONS
        if not (question.optional or question.key in known or (yes and question.propose(known)))
    ]
    if needed:
        missing = " and ".join(question.written for question in needed)
        why = "with --yes nothing is asked" if yes else "there is no terminal to ask on"
        raise InputError(
            f"expected {missing}, got none, and {why}; write for example "
            '`adversity new-plugin degradation fog --author "A. Author"`'
        )


def _asked(question: Question, answers: Mapping[str, str], err: Terminal) -> str:
    """Ask until the answer is right."""
    from adversity.errors import InputError

    def judged(text: str) -> str:
        try:
            return question.check(text, answers)
        except InputError as error:
            raise click.UsageError(str(error)) from error

    for line in question.explain(answers):
        err.say(line)
    proposed = question.propose(answers)
    default = proposed or ("" if question.optional else None)
    answer: str = click.prompt(
        err.paint(question.text, "cyan", bold=True),
        default=default,
        show_default=bool(proposed),
        value_proc=judged,
        err=True,
    )
    return answer


def _write(answers: Mapping[str, str], out: Terminal) -> int:
    from pathlib import Path

    from adversity_flows.cli.new_plugin.files import render, write

    files = render(answers)
    folder = Path(answers["output"])
    write(files, folder)
    name = f"{answers['kind']}/{answers['name']}"
    sign = out.paint("✓", "green")
    out.say(f"{sign} {folder}: a distribution with {name}, {len(files)} files")
    out.say(
        f"\nNext:\n  cd {shlex.quote(str(folder))}\n  pip install --editable '.[dev]'\n  pytest"
    )
    return 0
