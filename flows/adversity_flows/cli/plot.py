"""`adversity plot`: the charts of a report as figures for a paper."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import pipelines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity_flows.runs.past_runs import PastRun

__all__ = ["plot"]


@click.command(cls=Command)
@click.argument("run", required=False, shell_complete=pipelines)
@click.option("--chart", metavar="NAME", help="Which one; without it, the charts are listed.")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file: .pdf or .svg; if not given, NAME.pdf.",
)
@click.option("--width", default="84mm", show_default=True, help="mm, cm, in, pt or px.")
@click.option("--height", help="The same; if not given, as the chart is on the page.")
@click.option(
    "--font-size", type=float, default=8.0, show_default=True, help="Of all text, in points."
)
@click.option("--font", help="A font of this machine; if not given, a sans serif.")
def plot(
    run: str | None,
    chart: str | None,
    output: Path | None,
    width: str,
    height: str | None,
    font_size: float,
    font: str | None,
) -> None:
    """Draw a chart of a run's report as PDF or SVG, in the size that a paper needs.

    RUN is a pipeline file (its last run), a run's id or its folder; if not given, the last run of
    the project. The run is read as it was written: no plugin is needed. The width is that of the
    file, the font size that of the text in it: put it into the paper unscaled.

    \b
    Examples:
      adversity plot
      adversity plot --chart accuracy-by-severity -o accuracy.pdf --width 84mm --font-size 8
    """
    from adversity.report.words.wording import plain
    from adversity_flows.cli.project import find_root, root_of
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.cli.wording import columns
    from adversity_flows.runs.named_run import named_run

    root = root_of(run) if run and Path(run).is_file() else find_root(Path.cwd())
    past = named_run(root, run)
    out = Terminal.stdout(colour=colour_choice())
    charts = _charts(past)
    if chart is None:
        rows = [(name, plain(_words(spec)["title"])) for name, spec in charts.items()]
        for line in columns([("chart", "title"), *rows]):
            out.say(line)
        return
    spec = _chosen(charts, chart, past)
    output = output or Path(f"{chart}.pdf")
    _draw(spec, output, width=width, height=height, font_size=font_size, font=font)
    out.say(f"{output}: {plain(_words(spec)['title'])}, run {past.id}")
    out.say(out.dim(plain(_words(spec)["caption"])))


def _charts(past: PastRun) -> dict[str, Any]:
    """Return the charts of a run by name, in the order of the report.

    Raises:
        InputError: If the run was made by a version that kept none.
    """
    from adversity.errors import InputError
    from adversity.report.charts.for_paper import CHARTS

    file = past.path / CHARTS
    if not file.is_file():
        raise InputError(
            f"{past.path}: expected a run with {CHARTS}, got one without: it has no charts, or was "
            "made by an earlier version of Adversity; run the pipeline again"
        )
    charts = json.loads(past.verified(file).read_text(encoding="utf-8"))
    return {_words(spec)["id"]: spec for spec in charts}


def _words(spec: Mapping[str, Any]) -> Mapping[str, str]:
    words: Mapping[str, str] = spec["usermeta"]["adversity"]
    return words


def _chosen(charts: Mapping[str, Any], name: str, past: PastRun) -> Any:
    from adversity.did_you_mean import did_you_mean
    from adversity.errors import InputError

    if name not in charts:
        hint = did_you_mean(name, charts, f"there are {', '.join(charts)}.")
        raise InputError(f"expected a chart of run {past.id}, got {name}; {hint}")
    return charts[name]


def _draw(
    spec: Mapping[str, Any],
    output: Path,
    *,
    width: str,
    height: str | None,
    font_size: float,
    font: str | None,
) -> None:
    """Write the figure, in the format that the file's name says."""
    from adversity.errors import InputError, StorageError
    from adversity.report.charts.for_paper import drawn_for_paper, points_of

    forms = {".svg": "svg", ".pdf": "pdf"}
    form = forms.get(output.suffix.lower())
    if form is None:
        raise InputError(f"--output: expected a name that ends in .pdf or .svg, got {output}")
    data = drawn_for_paper(
        spec,
        form="svg" if form == "svg" else "pdf",
        width=points_of(width),
        height=None if height is None else points_of(height),
        font_size=font_size,
        font=font,
    )
    try:
        output.write_bytes(data)
    except OSError as error:
        raise StorageError(
            f"cannot write {output}: {error.strerror or error}; name another file"
        ) from error
