"""`adversity report`: the page of a pipeline's last run."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import pipelines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.pipeline.plan.model import Plan
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.runs.past_runs import PastRun

__all__ = ["report"]

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(cls=Command)
@click.argument("pipeline", shell_complete=pipelines)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@click.option(
    "--output",
    "-o",
    type=_FILE,
    help="Write the page again, from the artifacts, into this file.",
)
@click.option("--pdf", type=_FILE, help="Print the page, by Chromium or Chrome: one sheet first.")
@click.option("--junit", type=_FILE, help="Write the gates as JUnit XML, each a test case.")
@click.option("--sarif", type=_FILE, help="Write what to look at as SARIF, for code hosts.")
def report(
    pipeline: str,
    show: bool,
    output: Path | None,
    pdf: Path | None,
    junit: Path | None,
    sarif: Path | None,
) -> None:
    """Show, or write again, the page of a pipeline's last run.

    Prints the verdict, what happened, what somebody must look at, and where the page is; what
    changed since that run, and which of the distributions that made it is not installed here. No
    plugin is needed. With --output the page is drawn again, which needs the plugins, and is refused
    if the artifacts are no longer those of that run. The other options write that run in further forms. The exit code does not tell the
    verdict: `adversity run` does.

    \b
    Example:
      adversity report pipelines/first_look.yaml --pdf first_look.pdf --junit gates.xml
    """
    from adversity_flows.cli.project import root_of
    from adversity_flows.cli.results import story_text
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.cli.wording import relative, size_text
    from adversity_flows.runs.last_run import last_run_of

    root, out = root_of(pipeline), Terminal.stdout(colour=colour_choice())
    past = last_run_of(root, _file_in(root, pipeline))
    if past is None:
        _say_pulled(root, pipeline, out, alone=not any((show, output, pdf, junit, sarif)))
        return
    page = past.verified(past.page) if output is None else _redrawn(pipeline, past, output)
    files = list(_in_other_forms(past, page, pdf=pdf, junit=junit, sarif=sarif))
    size = size_text(page.stat().st_size)
    said = (*story_text(past.manifest.get("story", ()), out), *past.manifest.get("problems", ()))
    for line in (past.manifest.get("verdict_line", ""), *said, *_standing(root, past)):
        out.say(str(line))
    out.say(f"{relative(page.absolute(), root)} ({size})")
    for file in files:
        out.say(f"{relative(file.absolute(), root)} ({size_text(file.stat().st_size)})")
    if show:
        click.launch(str(page.absolute()))


def _standing(root: Path, past: PastRun) -> Iterator[str]:
    """Say what changed since a run, and which of what made it is not installed here."""
    from adversity_flows.runs.last_run import install_words, not_installed, older_words

    for words in older_words(root, past):
        yield f"OLDER {words}; run `adversity run {past.manifest['file']}`"
    if missing := not_installed(past):
        yield f"MADE WITH {install_words(missing)}"


def _file_in(root: Path, pipeline: str) -> str:
    """Return a pipeline file as the manifests of its runs have it."""
    path = Path(pipeline).absolute()
    for one in (path, path.resolve()):
        if one.is_relative_to(root):
            return one.relative_to(root).as_posix()
    return path.as_posix()


def _say_pulled(root: Path, pipeline: str, out: Terminal, *, alone: bool) -> None:
    """Point to the report that was pulled; runs themselves stay where they were made.

    Raises:
        InputError: If there is none, or something is to be made of a run (not `alone`).
    """
    from adversity.errors import InputError
    from adversity.pipeline.read.load import load_pipeline
    from adversity_flows.cli.wording import relative
    from adversity_flows.runs.last_run import pulled_report

    loaded = load_pipeline(Path(pipeline).absolute(), root=root)
    path = pulled_report(root, loaded.spec.name)
    if path is None or not alone:
        raise InputError(
            f"{loaded.file}: expected a run that came to its end, got none in {root / 'runs'}; "
            f"run `adversity run {pipeline}`, or get what others ran: `dvc pull`"
        )
    out.say(
        "no run of it was made here, so no gate is judged; what its steps measured where they ran:"
    )
    out.say(relative(path, root))


def _in_other_forms(
    past: PastRun, page: Path, *, pdf: Path | None, junit: Path | None, sarif: Path | None
) -> Iterator[Path]:
    """Write the forms that are asked for, and return each file."""
    from adversity.report.writers import for_ci
    from adversity_flows.cli.pdf import print_page

    if junit is not None or sarif is not None:
        record = json.loads(past.verified(past.result).read_text(encoding="utf-8"))
        if junit is not None:
            yield _written(junit, for_ci.junit(record))
        if sarif is not None:
            yield _written(sarif, for_ci.sarif(record, version=version("adversity")))
    if pdf is not None:
        print_page(page, pdf)
        yield pdf


def _written(path: Path, text: str) -> Path:
    from adversity.errors import StorageError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}; name another file"
        ) from error
    return path


def _redrawn(pipeline: str, past: PastRun, output: Path) -> Path:
    """Write the page from the artifacts, if they are those of the run."""
    from adversity.errors import InputError, StorageError
    from adversity_flows.dvc.recorder import DvcRecorder
    from adversity_flows.runs.pages import redraw

    plan = _planned(pipeline, past)
    with DvcRecorder.open(plan.root) as memory, memory.deciding():
        changed = [stage.step for stage in plan.stages if memory.state(stage).stale]
        same = memory.recorded(plan.stages) == past.manifest.get("hashes")
    if changed or not same:
        what = ", ".join(changed) or "the artifacts"
        raise InputError(
            f"{plan.file}: expected what run {past.id} was made from, but {what} changed since; "
            f"run `adversity run {plan.file}`, or look at {past.page}"
        )
    try:
        redraw(plan, past, output)
    except OSError as error:
        raise StorageError(
            f"cannot write {output}: {error.strerror or error}; name another file"
        ) from error
    return output


def _planned(pipeline: str, past: PastRun) -> Plan:
    """Plan the pipeline; where distributions are missing, say which and point to the page."""
    from adversity.errors import InputError, PipelineError
    from adversity_flows.cli.project import plan_of
    from adversity_flows.runs.last_run import install_words, not_installed

    try:
        return plan_of(pipeline)
    except PipelineError as error:
        missing = not_installed(past)
        if not missing:
            raise
        raise InputError(
            f"{past.manifest['file']}: expected the plugins that made run {past.id}, to draw its "
            f"page again, got {install_words(missing)}; or copy {past.page}"
        ) from error
