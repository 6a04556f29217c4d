"""Answers for shell completion: fast, silent, and never wrong enough to raise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

__all__ = ["kinds", "pipelines", "plugin_names", "plugins_and_pipelines", "runs", "steps"]

_STEP = re.compile(r"^  ([a-z][a-z0-9_]*):", re.MULTILINE)


def pipelines(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Complete a pipeline file: YAML files and the folders that may hold some."""
    folder, _slash, _start = incomplete.rpartition("/")
    base = Path(folder or ".")
    if not folder and not incomplete and Path("pipelines").is_dir():
        base = Path("pipelines")
    paths: list[str] = []
    for path in sorted(base.glob("*")) if base.is_dir() else ():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            paths.append(f"{path.as_posix()}/")
        elif path.suffix in {".yaml", ".yml"}:
            paths.append(path.as_posix())
    return [text for text in paths if text.startswith(incomplete)]


def runs(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Complete a run by its id, the newest first, or a pipeline file."""
    found = (path.parent.name for path in Path("runs").glob("[0-9]*/result.json"))
    ids = sorted((name for name in found if name.startswith(incomplete)), reverse=True)
    return [*ids, *pipelines(ctx, parameter, incomplete)]


def steps(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete a step of the pipeline that stands before it, by a look at the file's text."""
    try:
        text = Path(str(ctx.params.get("pipeline"))).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return []
    section = re.search(r"^steps:[^\n]*\n((?:[ #][^\n]*\n|\n)*)", text + "\n", re.MULTILINE)
    names = [*_STEP.findall(section.group(1) if section else ""), "report"]
    return [name for name in names if name.startswith(incomplete)]


def plugin_names(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a plugin from the cached catalogue."""
    from adversity.registry.catalogue import read_catalogue

    chosen = ctx.params.get("kind")
    names = {
        f"{plugin.kind}/{name}" if "/" in incomplete else name
        for plugin in read_catalogue().plugins
        if (name := plugin.usable_name) and chosen in (None, plugin.kind)
    }
    return sorted(name for name in names if name.startswith(incomplete))


def plugins_and_pipelines(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Complete the name of a plugin or, once something is typed, a pipeline file."""
    files = pipelines(ctx, parameter, incomplete) if incomplete else []
    return [*plugin_names(ctx, parameter, incomplete), *files]


def kinds(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Complete a kind of plugin from the cached catalogue."""
    from adversity.registry.catalogue import read_catalogue

    known = {plugin.kind for plugin in read_catalogue().plugins}
    return sorted(kind for kind in known if kind.startswith(incomplete))
