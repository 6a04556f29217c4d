"""`adversity data pin`: a pipeline reads a data set as it was at a revision."""

from __future__ import annotations

from pathlib import Path

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import pipelines

__all__ = ["pin"]


@click.command(cls=Command)
@click.argument("pipeline", shell_complete=pipelines)
@click.argument("data", metavar="DATA")
@click.argument("revision", metavar="REV")
def pin(pipeline: str, data: str, revision: str) -> None:
    """Write into a pipeline file which version of a data set it reads.

    DATA is its name in the file, REV a tag, a branch or a commit, which must have the data. What
    else stands in the file, comments included, stays. Take the line out to read what is on the disk.

    \b
    Example:
      adversity data pin pipelines/nightly.yaml photos v1.2
    """
    import json

    import yaml

    from adversity.errors import InputError, PipelineError
    from adversity.pipeline.read.edit import set_value
    from adversity.pipeline.read.load import load_pipeline
    from adversity.pipeline.read.revisions import revision_fault
    from adversity_flows.cli.project import plan_of, root_of
    from adversity_flows.cli.terminal import Terminal

    root, path = root_of(pipeline), Path(pipeline).absolute()
    spec = load_pipeline(path, root=root).spec
    if data not in spec.data:
        raise InputError(f"{pipeline}: expected one of {', '.join(spec.data)}, got {data!r}")
    if (spec.data[data].rev or "").startswith("$"):
        raise InputError(
            f"{pipeline}: data.{data}: expected one revision, got {spec.data[data].rev}, which the "
            "matrix lists; change its list under matrix:"
        )
    if fault := revision_fault(revision):
        raise InputError(fault)
    plain = isinstance(yaml.safe_load(revision), str)
    value = revision if plain else json.dumps(revision)
    key = f"data.{data}.rev"
    try:
        at = plan_of(pipeline, overrides=[f"{key}={value}"]).data[data].pinned
    except PipelineError as error:
        begins = f"--set {key}={value}: "  # which nobody typed
        found = (finding.removeprefix(begins) for finding in error.findings)
        raise PipelineError([f"{pipeline}: data.{data}: {finding}" for finding in found]) from error
    before, now = spec.data[data].rev, f"{revision} ({at.content if at else ''})"
    if before != revision:
        set_value(path, key, value)
    said = "already" if before == revision else f"was {before or 'what is on the disk'}"
    out = Terminal.stdout(colour=colour_choice())
    out.say(f"{pipeline}: data.{data} reads {now}; {said}")
