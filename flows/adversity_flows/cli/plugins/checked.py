"""Which plugins `adversity check` means: a name, a kind, all, those of a project or a pipeline."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.pipeline.plan.model import Plan
    from adversity.registry import Entry, Registry
    from adversity.registry.catalogue import Listing

__all__ = ["chosen_plugins", "named_plugins"]

_PIPELINE = {".yaml", ".yml"}


def chosen_plugins(
    name: str | None, kind: str | None, *, everything: bool
) -> tuple[list[Entry], list[Listing]]:
    """Return the plugins that are meant, and those of them that cannot be used.

    Args:
        name: A plugin as pipelines write it, a file or folder of the project, a pipeline file.
        kind: Only plugins of this kind.
        everything: Whether all installed plugins are meant.

    Raises:
        InputError: If no plugin is meant, or the only one cannot be used.
        PipelineError: With every finding in a pipeline file.
    """
    from adversity.errors import InputError
    from adversity.registry.entry import names_file

    if name is None and kind is None and not everything:
        raise InputError(
            "expected the name of a plugin, --kind or --all; `adversity plugins` lists what is "
            "installed"
        )
    if name is not None and PurePath(name).suffix in _PIPELINE:
        return _of_pipeline(name, kind), []
    if name is not None and names_file(name):
        return _of_project(name, kind)
    return _installed(name, kind)


def _installed(name: str | None, kind: str | None) -> tuple[list[Entry], list[Listing]]:
    from adversity.errors import InputError
    from adversity.registry import discover
    from adversity.registry.catalogue import read_catalogue
    from adversity_flows.cli.plugins.command import find_listings, require_kind

    catalogue = read_catalogue()
    require_kind(catalogue, kind)
    listings: Sequence[Listing] = (
        find_listings(catalogue, name, kind)
        if name is not None
        else [one for one in catalogue.plugins if kind in (None, one.kind)]
    )
    if not listings:
        raise InputError("expected an installed plugin, got none; `adversity doctor` says why")
    unusable = [one for one in listings if not one.usable_name]
    if name is not None and len(unusable) == len(listings):
        first = unusable[0]
        raise InputError(f"{first.kind}/{first.name} cannot be used: {first.error}")
    registry = discover()
    usable = [registry.get(one.kind, one.usable_name) for one in listings if one.usable_name]
    return usable, unusable


def _of_project(name: str, kind: str | None) -> tuple[list[Entry], list[Listing]]:
    """Return the plugin that a file of the project defines, or all that the files of a folder do."""
    from adversity.errors import InputError
    from adversity.registry import discover
    from adversity.registry.catalogue import Listing
    from adversity.registry.project_plugins import entry_of, one_file
    from adversity_flows.cli.plugins.command import of_project
    from adversity_flows.cli.project import root_or_here

    if one_file(name):
        return [entry_of(kind, name, registry=discover(), root=root_or_here())], []
    entries, problems = of_project(name, kind)
    if not entries:
        raise InputError("\n".join(map(str, problems)))
    files = [(problem.entry_point, str(problem)) for problem in problems]
    return entries, [Listing("", file, file, "", "broken", what) for file, what in files]


def _of_pipeline(file: str, kind: str | None) -> list[Entry]:
    from adversity.errors import InputError
    from adversity.registry import discover
    from adversity.registry.catalogue import read_catalogue
    from adversity_flows.cli.plugins.command import require_kind
    from adversity_flows.cli.project import unmarked_plan

    require_kind(read_catalogue(), kind)
    plan = unmarked_plan(file)
    entries = [one for one in named_plugins(plan, discover()) if kind in (None, one.kind)]
    if not entries:
        raise InputError(f"{plan.file}: expected a plugin of kind {kind}, it names none")
    return entries


def named_plugins(plan: Plan, registry: Registry) -> list[Entry]:
    """Return every plugin that a pipeline file names, each once, by kind and name.

    They are those of `conformance: required`: of data sets, steps (all that a variable of the
    matrix stands for), metrics, and those in their parameters. Metrics that are computed without
    being named are left out.

    Args:
        plan: The pipeline.
        registry: Where its plugins are found.
    """
    found = {entry.uses: entry for entry in _named(plan, registry)}
    return sorted(found.values(), key=lambda entry: (entry.kind, entry.name, entry.distribution))


def _named(plan: Plan, registry: Registry) -> Iterator[Entry]:
    from adversity.pipeline.plan.nested import all_nested
    from adversity.registry.entry import names_file
    from adversity.registry.project_plugins import entry_of, kind_and_name

    plugins = [*plan.metrics, *(planned.plugin for planned in plan.data.values())]
    for planned in plan.data.values():
        yield planned.entry
    for step in plan.steps.values():
        yield from step.plugin_entries
        plugins += step.plugins.values()
    for metric in plan.spec.metrics:
        yield entry_of(*kind_and_name(metric.uses), registry=registry, root=plan.root)
    for plugin in plugins:
        for nested in all_nested(plugin):
            cls, home = type(nested.plugin), nested.distribution
            name = cls.__name__ if names_file(home) else cls.name
            yield entry_of(cls.kind, f"{home}:{name}", registry=registry, root=plan.root)
