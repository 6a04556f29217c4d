"""`adversity gc`: room on the disk, and nothing lost that anybody needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from adversity_flows.cli.command import Command, colour_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.runs.retention import Spare
    from adversity_flows.scheduled.old_runs import OldRun

__all__ = ["gc"]

_SHOWN = 5


@click.command(cls=Command)
@click.option(
    "--keep",
    default=20,
    show_default=True,
    type=click.IntRange(0),
    help="So many of the newest runs of each pipeline stay.",
)
@click.option(
    "--days",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0),
    help="What was written in so many days stays.",
)
@click.option(
    "--keep-scheduled",
    type=click.IntRange(1),
    metavar="N",
    help="The outputs of so many scheduled runs of each pipeline stay [default: of all].",
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and delete nothing.")
def gc(keep: int, days: float, keep_scheduled: int | None, dry_run: bool) -> None:
    """Delete old runs, kept pieces of work, and objects of DVC's cache that nobody needs.

    Accepted runs stay, whatever their age, and so does everything in DVC's cache that a commit, a
    tag, an experiment, the workspace or a kept run names. Kept pieces of work let a killed run go
    on and are no results; data of revisions are written out again when they are pinned again.
    Remotes are left alone.

    Every scheduled run is a commit, so its outputs stay, unless --keep-scheduled says how many of the
    newest are meant. Accepted ones stay, those of the last --days, and those that no remote has yet.

    \b
    Example:
      adversity gc --dry-run
      adversity gc --keep 50 --days 90 --keep-scheduled 30
    """
    from adversity.errors import InputError, RunError
    from adversity_flows.cli.project import find_root
    from adversity_flows.cli.terminal import Terminal
    from adversity_flows.cli.wording import size_text
    from adversity_flows.dvc.at_work import at_work
    from adversity_flows.dvc.garbage import collect
    from adversity_flows.dvc.replace import clear
    from adversity_flows.runs.retention import kept_runs, spare_pieces, spare_runs, spare_versions
    from adversity_flows.scheduled.lease import living_holders

    root = find_root(Path.cwd())
    out = Terminal.stdout(colour=colour_choice())
    if working := at_work(root):
        raise RunError(
            f"expected nobody at work here, but process {working[0].pid} ({working[0].command}) is; "
            "wait for it, then run again"
        )
    if looking := living_holders(root):  # what it made is in the cache and in no commit yet
        raise RunError(
            f"expected nobody at work here, but a scheduled look is ({looking[0].words}); wait for "
            "it, then run again"
        )
    runs, pieces = spare_runs(root, keep=keep, days=days), spare_pieces(root, days=days)
    versions = spare_versions(root)
    _say(out, "runs", runs)
    _say(out, "kept pieces of work", pieces)
    _say(out, "data of revisions that nobody pins", versions)
    stay = [
        str(md5) for run in kept_runs(root, runs) for md5 in run.manifest.get("hashes", {}).values()
    ]
    total = sum(spare.size for spare in (*runs, *pieces, *versions))
    try:
        old = _old_scheduled(root, keep_scheduled, days)
        before = collect(root, stay, dry=True)[1] if old else 0
        count, size = collect(root, stay, dry=dry_run, without=[one.commit for one in old])
        if keep_scheduled is not None:
            _say_scheduled(out, old, size - before)
        out.say(f"objects of DVC's cache: {count:,}, {size_text(size)}")
        total += size
    except (InputError, RunError) as error:  # also where a commit's objects are not all here
        out.say(f"DVC's cache is left alone: {error}")
    if not dry_run:
        for spare in (*runs, *pieces, *versions):
            clear(spare.path)
    out.say(f"{size_text(total)} {'would be' if dry_run else 'are'} free")


def _old_scheduled(root: Path, keep: int | None, days: float) -> Sequence[OldRun]:
    """Return the scheduled runs whose outputs may go; none without a number.

    Raises:
        InputError: A pipeline file cannot be read, so what it names is not known, or there is no git.
    """
    from adversity_flows.cli.project import plans_of
    from adversity_flows.runs.gate_runs import commits_named
    from adversity_flows.scheduled.git import Git
    from adversity_flows.scheduled.old_runs import old_runs

    if keep is None:
        return ()
    named: set[str] = set()
    for plan in plans_of(root):
        named |= set(commits_named(plan))
        named |= {data.rev for data in plan.spec.data.values() if data.rev}
    return old_runs(Git(root), keep=keep, days=days, named=named)


def _say_scheduled(out: Terminal, old: Sequence[OldRun], size: int) -> None:
    from adversity_flows.cli.wording import size_text

    count = len({one.run for one in old})
    out.say(f"outputs of old scheduled runs: {count:,}, {size_text(size)} of DVC's cache")
    for one in old[:_SHOWN]:
        out.say(f"  {one.run}: scheduled run of {one.pipeline}, {one.commit[:10]}")
    if len(old) > _SHOWN:
        out.say(f"  and {len(old) - _SHOWN:,} more")


def _say(out: Terminal, what: str, spare: Sequence[Spare]) -> None:
    from adversity_flows.cli.wording import size_text

    out.say(f"{what}: {len(spare):,}, {size_text(sum(one.size for one in spare))}")
    for one in spare[:_SHOWN] if what == "runs" else ():
        out.say(f"  {one.path.name}: {one.why}")
    if what == "runs" and len(spare) > _SHOWN:
        out.say(f"  and {len(spare) - _SHOWN:,} more")
