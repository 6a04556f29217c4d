"""The graph of steps: what each one needs, and an order in which needs come first."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from adversity.pipeline.read.findings import Findings, KeyPath, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adversity.pipeline.read.spec import PipelineSpec, StepSpec

__all__ = ["names_plugin", "order_steps", "references"]


def names_plugin(uses: str) -> bool:
    """Say whether `uses:` is `kind/name`, or a variable for it; else it is a definition's id."""
    return "/" in uses or uses.startswith("$")


def references(id_: str, step: StepSpec) -> Iterator[tuple[KeyPath, str]]:
    """Yield what a step refers to, with where it stands."""
    if not names_plugin(step.uses):
        yield ("steps", id_, "uses"), step.uses
    for index, source in enumerate(step.source):
        yield ("steps", id_, "from", index), source
    if step.against is not None:
        yield ("steps", id_, "against"), step.against
    if isinstance(step.fit_on, str):
        yield ("steps", id_, "fit_on"), step.fit_on
    elif step.fit_on is not None:
        for source, name in step.fit_on.items():
            yield ("steps", id_, "fit_on", source), name


def order_steps(
    spec: PipelineSpec,
    findings: Findings,
    nested: Mapping[str, Sequence[str]],
    plugins: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return the steps, each after what it needs, else in the file's order.

    Steps on a cycle, and those that come from one, are left out and become findings.

    Args:
        spec: The file.
        findings: Where what is wrong is noted.
        nested: The steps whose plugins stand in the parameters of a step.
        plugins: All there are, as `kind/name`, for what was meant.
    """
    needs: dict[str, set[str]] = {}
    for id_, step in spec.steps.items():
        needs[id_] = set(nested.get(id_, ()))
        for path, name in references(id_, step):
            if name in spec.steps:
                needs[id_].add(name)
            elif name not in spec.data or path[2] == "uses":
                findings.add(path, _unknown(spec, path, name, plugins))
    order = _sorted(needs)
    rest = {id_: needs[id_] - set(order) for id_ in needs if id_ not in order}
    for cycle in _cycles(rest):
        message = f"steps depend on each other in a circle: {' -> '.join(cycle)}; cut one arrow"
        findings.add(("steps", cycle[0]), message)
    return order


def _unknown(spec: PipelineSpec, path: KeyPath, name: str, plugins: Sequence[str]) -> str:
    if path[2] == "uses":
        same = [plugin for plugin in plugins if plugin.partition("/")[2] == name]
        if same:
            return f"uses: expected kind/name, got {name}; did you mean {' or '.join(same)}?"
        hint = suggestion(name, [*plugins, *spec.steps])
        if ".py" in name:
            hint = f"; a file of the project begins with ./, did you mean ./{name}?"
        return f"uses: expected kind/name or the id of a step, got {name}{hint}"
    choices = [*spec.data, *spec.steps] if path[2] != "against" else list(spec.steps)
    return f"{path[2]}: there is no step or data set {name}{suggestion(name, choices)}"


def _sorted(needs: Mapping[str, set[str]]) -> tuple[str, ...]:
    ids = list(needs)
    place = {id_: index for index, id_ in enumerate(ids)}
    users: dict[str, list[str]] = {id_: [] for id_ in ids}
    for id_, names in needs.items():
        for name in names:
            users[name].append(id_)
    open_needs = {id_: len(names) for id_, names in needs.items()}
    ready = [place[id_] for id_ in ids if not open_needs[id_]]
    order: list[str] = []
    while ready:
        id_ = ids[heapq.heappop(ready)]
        order.append(id_)
        for user in users[id_]:
            open_needs[user] -= 1
            if not open_needs[user]:
                heapq.heappush(ready, place[user])
    return tuple(order)


def _cycles(rest: Mapping[str, set[str]]) -> Iterator[Sequence[str]]:
    """Yield cycles among steps that all need one another, each step in at most one."""
    seen: set[str] = set()
    for start in rest:
        walk: list[str] = []
        here = start
        while here not in seen:
            seen.add(here)
            walk.append(here)
            here = min(rest[here], key=list(rest).index)
        if here in walk:
            yield [*walk[walk.index(here) :], here]
