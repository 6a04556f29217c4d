"""`adversity schema`: what editors need to complete and check a pipeline file."""

from __future__ import annotations

import json
from pathlib import Path

import click

from adversity_flows.cli.command import Command

__all__ = ["schema"]


@click.command(cls=Command)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; standard output if not given.",
)
def schema(output: Path | None) -> None:
    """Write the JSON Schema of pipeline files, with every installed plugin's parameters.

    Editors with a YAML language server then complete plugins and parameters while you type.
    Begin a pipeline file with:

    \b
      # yaml-language-server: $schema=../pipeline.schema.json

    \b
    Example:
      adversity schema --output pipeline.schema.json
    """
    from adversity.errors import StorageError
    from adversity.pipeline.read.schema import pipeline_schema
    from adversity.registry import discover

    text = json.dumps(pipeline_schema(discover()), indent=1, ensure_ascii=False)
    if output is None:
        click.echo(text)
        return
    try:
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"cannot write {output}: {error.strerror or error}; name another file"
        ) from error
    click.echo(f"wrote {output}", err=True)
