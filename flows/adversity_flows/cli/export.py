"""`adversity export`: the images of a step of the last run, for other tools."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import pipelines, steps

if TYPE_CHECKING:
    from adversity.pipeline.plan.model import Cell, Plan
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.runs.export import Exported
    from adversity_flows.runs.image_files import Format
    from adversity_flows.runs.past_runs import PastRun

__all__ = ["export"]

_FORMATS = ("exact", "png8", "png16", "npy")


@click.command(cls=Command)
@click.argument("pipeline", shell_complete=pipelines)
@click.argument("step", metavar="STEP", shell_complete=steps)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--cell",
    "cells",
    metavar="VARIABLE=VALUE",
    multiple=True,
    help="Only the cells that have this value; may be given several times.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="exact",
    show_default=True,
    help="exact: PNG where it holds every value, else TIFF of float32. png8 and png16 round.",
)
def export(pipeline: str, step: str, folder: Path, cells: tuple[str, ...], form: Format) -> None:
    """Write the images of a step of the last run into FOLDER, for other tools.

    STEP is a degradation, a restoration, an attack or a data set. The images are those of the run:
    an attack's are read from its artifact, others are computed again by the same code. FOLDER must
    be new or empty; manifest.csv in it names each file with its label, what was predicted for it
    and its SHA-256, and `dataset/folder` reads it (`labels: manifest.csv`).

    \b
    Examples:
      adversity export pipelines/first_look.yaml attacked adversarial/
      adversity export pipelines/first_look.yaml attacked small/ --cell eps=8/255
    """
    from adversity_flows.cli.project import plan_of
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.runs.export import require_new
    from adversity_flows.runs.exported_images import cells_of

    plan = plan_of(pipeline)
    chosen = cells_of(plan, step, cells)
    require_new(folder)
    past = _last_run(plan, step, pipeline)
    terminal = Terminal.of(colour=colour_choice())
    written = _export(plan, step, chosen, folder, past, form, terminal)
    for line in _words(written, folder, chosen, past):
        Terminal.stdout(colour=colour_choice()).say(line)


def _last_run(plan: Plan, step: str, pipeline: str) -> PastRun:
    """Return the last run, if what the images of a step rest on is as it left it."""
    from adversity.errors import InputError
    from adversity_flows.dvc.recorder import DvcRecorder
    from adversity_flows.runs.exported_images import stages_behind
    from adversity_flows.runs.past_runs import past_runs

    past = next(iter(past_runs(plan.root, plan.name)), None)
    if past is None:
        raise InputError(
            f"{plan.file}: expected a run that came to its end, got none in {plan.root / 'runs'}; "
            f"run `adversity run {pipeline}`"
        )
    stages = stages_behind(plan, step)
    with DvcRecorder.open(plan.root) as memory:
        changed = [stage.step for stage in stages if memory.state(stage).stale]
        then = past.manifest.get("hashes", {})
        same = all(then.get(path) == value for path, value in memory.recorded(stages).items())
    if changed or not same:
        what = ", ".join(changed) or "an artifact"
        raise InputError(
            f"{plan.file}: expected what run {past.id} computed the images of {step} from, but "
            f"{what} changed since; run `adversity run {pipeline}`"
        )
    return past


def _export(
    plan: Plan,
    step: str,
    cells: tuple[Cell, ...],
    folder: Path,
    past: PastRun,
    form: Format,
    terminal: Terminal,
) -> Exported:
    """Write the folder, and show how far it is as a run does."""
    from adversity.engine.set_up.workspace import Workspace
    from adversity.engine.stages.stage import Shard, StageResult
    from adversity.pipeline.plan.model import Stage
    from adversity.report.values.model import Outcome
    from adversity_flows.cli.watching import watching
    from adversity_flows.runs.export import export_images
    from adversity_flows.runs.exported_images import StepImages

    images = StepImages.of(plan, step, Workspace.of(plan.root))
    total = sum(len(images.batches(cell)) for cell in cells)
    stage = Stage(step, f"export-{step}", "", (), {}, "")
    started = time.monotonic()
    with watching(terminal, steps=(step,)) as watcher:
        watcher.stage_started(stage, total, total, f"exported to {folder}")

        def done(count: int, cell: str) -> None:
            watcher.shard_finished(stage, Shard(0, cells[0], count, cell))

        written = export_images(images, cells, folder, past=past, form=form, done=done)
        outcome = Outcome(step, "ran", "exported", time.monotonic() - started)
        watcher.stage_finished(stage, outcome, StageResult(step, rows=written.count))
    return written


def _words(written: Exported, folder: Path, cells: tuple[Cell, ...], past: PastRun) -> list[str]:
    """Say what was written, and whether it is what the run had."""
    from adversity.report.words.wording import plural
    from adversity_flows.cli.wording import size_text

    depths = ", ".join(
        f"{count:,} of {depth if depth == 'float32' else f'{depth} bits'}"
        for depth, count in sorted(written.depths.items())
    )
    what = f"{plural(written.count, 'image')} of run {past.id}, {plural(len(cells), 'cell')}"
    lines = [f"{folder}: {what}, {size_text(written.size)} ({depths})"]
    if written.rounded_by:
        lines.append(
            f"rounded, by up to {written.rounded_by:.2g}: these are not the images that the run "
            "judged, an attack's may leave its budget, and what is predicted for them was not "
            "computed; --format exact keeps every value"
        )
    return lines
