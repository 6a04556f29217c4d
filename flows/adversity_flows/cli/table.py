"""`adversity table`: the numbers of a run in rows and columns, for a screen, a paper or a program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import pipelines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.report.tables.choice import ResultTable
    from adversity.report.tables.written import Show
    from adversity_flows.cli.terminal import Terminal

__all__ = ["table"]

_FORMATS = ("text", "csv", "markdown", "latex")
_OF_NAMES = {".csv": "csv", ".md": "markdown", ".tex": "latex", ".txt": "text"}


def _names(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Split what is given with commas."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


@click.command(cls=Command)
@click.argument("run", required=False, shell_complete=pipelines)
@click.option(
    "--measure",
    "measures",
    metavar="NAME",
    multiple=True,
    callback=_names,
    help="A measure; may be given several times. If not given: accuracy, robust accuracy, ...",
)
@click.option(
    "--rows",
    metavar="NAMES",
    multiple=True,
    callback=_names,
    help="What rows are told by: restoration, classifier, step, a variable, measure, ...",
)
@click.option(
    "--columns", metavar="NAMES", multiple=True, callback=_names, help="The same of columns."
)
@click.option(
    "--where",
    metavar="NAME=VALUE",
    multiple=True,
    help="Only figures with this value; may be given several times.",
)
@click.option(
    "--show",
    type=click.Choice(("spread", "interval", "value")),
    help="What stands beside a value: the standard deviation over seeds, the interval, nothing. "
    "If not given: the spread where the run has several seeds, else the interval.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="If not given: by the end of the file's name, else text.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write into this file: .csv, .md, .tex.",
)
def table(
    run: str | None,
    measures: tuple[str, ...],
    rows: tuple[str, ...],
    columns: tuple[str, ...],
    where: tuple[str, ...],
    show: Show | None,
    form: str | None,
    output: Path | None,
) -> None:
    """Lay the numbers of a run out: methods as rows, conditions as columns.

    RUN is a pipeline file (its last run, or, where none was made here, what `dvc pull` brought), a
    run's id or its folder; if not given, the last run of the project. The run is read as it was
    written: no plugin is needed. The best of a column is marked only where the paired differences
    between all methods tell it apart, with Holm's correction. Seeds are means, with their number.

    \b
    Examples:
      adversity table pipelines/denoisers.yaml
      adversity table --measure accuracy,ece --columns measure --where severity=5
      adversity table -o accuracy.tex
    """
    from adversity.report.tables.choice import Choice, Results
    from adversity.report.tables.written import fitting
    from adversity_flows.cli.project import find_root, root_of
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.runs.named_run import told_by

    root = root_of(run) if run and Path(run).is_file() else find_root(Path.cwd())
    told = told_by(root, run)
    choice = Choice(measures, rows, columns, _where(where))
    tables = Results(told.report).tables(choice)
    if output is not None and form is None:
        form = _OF_NAMES.get(output.suffix.lower(), "text")
    out = Terminal.stdout(colour=colour_choice())
    text = _written(tables, form or "text", show or fitting(tables), told.name, out)
    if output is None:
        out.say(text.rstrip("\n"))
    else:
        _save(output, text)
        out.say(f"{output}: {told.name}")
    for words in told.older:
        Terminal.of(colour=colour_choice()).say(f"OLDER {words}")


def _where(given: Sequence[str]) -> dict[str, str]:
    """Read `name=value`.

    Raises:
        InputError: If it is something else.
    """
    from adversity.errors import InputError

    chosen = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not (name and sign and value):
            raise InputError(f"--where: expected NAME=VALUE, as in severity=3, got {text}")
        chosen[name.strip()] = value.strip()
    return chosen


def _written(tables: Sequence[ResultTable], form: str, show: Show, name: str, out: Terminal) -> str:
    from adversity.report.tables.written import as_csv, as_latex, as_markdown

    if form == "csv":
        return as_csv(tables)
    if form == "latex":
        note = f"% Adversity, {name}; needs \\usepackage{{booktabs}}\n"
        return note + "\n".join(as_latex(one, show) for one in tables)
    if form == "markdown":
        return "\n".join(as_markdown(one, show) for one in tables)
    return "\n\n".join("\n".join(_lines(one, show, out)) for one in tables)


def _lines(table: ResultTable, show: Show, out: Terminal) -> list[str]:
    """Lay a table out for a terminal; one that is too wide has a block for each column."""
    import textwrap

    from adversity.report.tables.written import caption, marked_text
    from adversity.report.words.wording import plain
    from adversity_flows.cli.wording import columns

    head = tuple(map(plain, (*table.heads, *table.columns)))
    body = [
        (*map(plain, names), *(marked_text(entry, show) for entry in entries))
        for names, entries in zip(table.rows, table.entries, strict=True)
    ]
    first = len(table.heads)
    lines = columns([head, *body], right=tuple(range(first, len(head))))
    if max(map(len, lines)) > out.width and len(table.columns) > 1:
        lines = []
        for at in range(first, len(head)):
            own = [(*row[:first], row[at]) for row in body if row[at] != "\N{EM DASH}"]
            block = columns([(*head[:first], head[at]), *own], right=(first,))
            lines += [out.dim(block[0]), *block[1:], ""]
        lines.pop()
    else:
        lines[0] = out.dim(lines[0])
    return [*lines, *(out.dim(line) for line in textwrap.wrap(caption(table, show), out.width))]


def _save(output: Path, text: str) -> None:
    from adversity.errors import StorageError

    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"cannot write {output}: {error.strerror or error}; name another file"
        ) from error
