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
    from collections.abc import Mapping, Sequence

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
@click.option(
    "--in-project",
    is_flag=True,
    help="Write a file into the project that you stand in, and no distribution.",
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
    help="A new or empty folder; named after the distribution if not given. With --in-project "
    "a folder of the project: plugins/ if it has one, else its own, if not given.",
)
@click.option("--yes", is_flag=True, help="Ask nothing: take what would be proposed.")
def new_plugin(yes: bool, in_project: bool, **given: str | None) -> int:
    """Write a plugin of your own that works, in a distribution or as a file of your project.

    KIND is what the plugin does, for example attack, and NAME its name in pipelines, in
    snake_case. What is not given is asked for if there is a terminal. The plugin that is
    written is a small real one: its tests are green, and you replace its mathematics. With
    --in-project it is a file of the project, without tests, for pipelines to name as
    ./NAME.py:CLASS; nothing is written over.

    \b
    Examples:
      adversity new-plugin
      adversity new-plugin attack square_steps --author "A. Author" --yes
      adversity new-plugin metric blur_left --shape image-alone --author "A. Author"
      adversity new-plugin attack square_steps --in-project
    """
    from adversity_flows.cli.new_plugin.answers import QUESTIONS, look_afresh
    from adversity_flows.cli.terminal import Terminal

    look_afresh()
    err = Terminal.of(colour=colour_choice())
    ask = not yes and sys.stdin.isatty() and err.tty
    out = Terminal.stdout(colour=colour_choice())
    try:
        if in_project:
            from adversity_flows.cli.new_plugin.in_project import QUESTIONS_IN_PROJECT

            _refuse_of_distribution(given)
            questions = QUESTIONS_IN_PROJECT
            return _write_in_project(_answers(questions, given, err, ask=ask, yes=yes), out)
        return _write(_answers(QUESTIONS, given, err, ask=ask, yes=yes), out)
    except (click.Abort, KeyboardInterrupt):
        err.say("\ninterrupted: nothing was written")
        return INTERRUPTED


def _refuse_of_distribution(given: Mapping[str, str | None]) -> None:
    """Refuse what only a distribution has."""
    from adversity.errors import InputError

    wrong = [key for key in ("author", "email", "distribution") if given.get(key) is not None]
    if wrong:
        raise InputError(
            f"expected no --{wrong[0]} with --in-project, got {given[wrong[0]]!r}: it stands in a "
            "distribution, and a file of the project has none; leave one of the two out"
        )


def _answers(
    questions: Sequence[Question],
    given: Mapping[str, str | None],
    err: Terminal,
    *,
    ask: bool,
    yes: bool,
) -> dict[str, str]:
    """Return an answer to every question: given, asked for, or proposed.

    Raises:
        InputError: If one is wrong, or missing where nobody can be asked.
    """
    known = {key: text for key, text in given.items() if text is not None}
    for question in questions:
        # What was typed is judged before anybody is asked for the rest.
        if question.key in known:
            question.check(known[question.key], known)
    if not ask:
        _refuse_missing(questions, known, yes=yes)
    answers: dict[str, str] = {}
    for question in questions:
        text = known.get(question.key)
        if text is None and ask and question.applies(answers):
            answers[question.key] = _asked(question, answers, err)
        else:
            proposed = question.propose(answers) if text is None else text
            answers[question.key] = question.check(proposed, answers)
    return answers


def _refuse_missing(questions: Sequence[Question], known: Mapping[str, str], *, yes: bool) -> None:
    """Name everything that only its author can know."""
    from adversity.errors import InputError

    needed = [
        question
        for question in questions
        if not (question.optional or question.key in known or (yes and question.propose(known)))
    ]
    if needed:
        missing = " and ".join(question.written for question in needed)
        why = "with --yes nothing is asked" if yes else "there is no terminal to ask on"
        raise InputError(
            f"expected {missing}, got none, and {why}; write for example "
            '`adversity new-plugin degradation sandstorm --author "A. Author"`'
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


def _write_in_project(answers: Mapping[str, str], out: Terminal) -> int:
    import os
    from pathlib import Path

    from adversity_flows.cli.new_plugin.in_project import (
        class_of,
        render_in_project,
        step_line,
        write_in_project,
    )

    files = render_in_project(answers)
    folder = Path(answers["output"])
    uses = write_in_project(files, folder, answers["kind"], class_of(answers["name"]))
    shown = " and ".join(os.path.relpath(folder / name) for name in files)
    out.say(f"{out.paint('✓', 'green')} {shown}: {answers['kind']}/{answers['name']}")
    out.say(f"\nNext:\n  adversity check {shlex.quote(uses)}\n\nIn a pipeline file:")
    for line in step_line(answers, uses) or [f"uses: {uses}"]:
        out.say(f"  {line}")
    return 0
