"""Who was attacked, on what, and by whom: the keys under which attacks are compared.

The keys are hashes of content. Steps and pipelines may be called anything: two attacks have the
same victim if the same plugins with the same parameters and the same fitted states answer. Where
a link draws random numbers, the seed and the step's name belong to it, since they key what it
draws. The engine's own source counts as well, as it does in the key of every step.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from adversity.pipeline.plan.data_versions import revision_in_keys
from adversity.pipeline.plan.routes import record_of, route_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.contracts import PluginBase
    from adversity.engine.stages.attack_stage import AttackRun
    from adversity.pipeline.plan.model import Cell
    from adversity.pipeline.plan.routes import Placed

__all__ = ["IDENTITY", "attacked"]

IDENTITY = "identity.json"
"""In the artifact of an attack: the keys and facts of each of its cells."""


def attacked(run: AttackRun, cell: Cell) -> dict[str, Any]:
    """Return the keys of victim, data and attack, and what the attack is, as JSON values.

    Args:
        run: The attack's stage; what it attacks has been fitted.
        cell: One of its cells.
    """
    plan, planned = run.plan, run.planned
    before = [link.id for link in plan.chain(run.victim.start).links]
    after = route_of(run.victim, cell, plan.steps)
    source, given = run.source(cell), run.toolbox.data(run.data, cell)
    resolved = plan.resolved["data"][run.data] | revision_in_keys(given)  # of this version alone
    data = [
        [source.content, resolved, run.label_hash(run.data)],
        [_part(run, step, cell) for step in before],
    ]
    links = record_of(after, lambda placed: _part(run, placed.step.id, placed.cell))
    victim = [plan.resolved["core"]["engine"], links]
    # A decision that is to be fooled in one way is another victim than one in the other way.
    victim += [] if planned.goal.of_answer else [planned.goal.name]
    aim = "" if planned.goal.of_answer else f", to {planned.goal.words}"
    identity = {**run.identity(planned.id, cell), "seed": plan.spec.seed}
    names = [_spelling(given.entry.name, given.plugin)]
    names += [_named(run, step, cell) for step in before]
    return {
        "victim": _sha256(victim),
        "data": _sha256(data),
        "attack": _sha256(identity),
        "facts": _facts(run, cell),
        "names": {
            "victim": _way(run, after) + aim,
            "data": " > ".join(names),
            "pipeline": plan.name,
            "cell": cell.key,
        },
    }


def _part(run: AttackRun, step: str, cell: Cell) -> dict[str, Any]:
    """Return what a step contributes by itself, whatever it is called."""
    record = run.identity(step, cell)
    del record["step"], record["knowledge"]
    plugin: Any = run.toolbox.plugin(step, cell)
    if plugin.stochastic:
        record["random"] = [run.plan.spec.seed, step]
    return record


def _way(run: AttackRun, route: Sequence[Placed]) -> str:
    """Name what images go through: `median > deep_ensemble of (small_cnn (seed: 0) | ...)`."""
    return " > ".join(_placed(run, placed) for placed in route)


def _placed(run: AttackRun, placed: Placed) -> str:
    name = _named(run, placed.step.id, placed.cell)
    if not placed.members:
        return name
    return f"{name} of ({' | '.join(_way(run, member) for member in placed.members)})"


def _facts(run: AttackRun, cell: Cell) -> dict[str, Any]:
    planned = run.planned
    plugin: Any = run.toolbox.plugin(planned.id, cell)
    threat = plugin.threat_model
    parameters = plugin.parameters
    identity = run.identity(planned.id, cell)
    # What its numbers mean: its plugin, and the plugins inside it.
    inner = {name: value for name, value in parameters.items() if _holds_plugin(value)}
    space = [identity["resolved"], identity.get("nested"), inner, threat.scale]
    return {
        "plugin": f"{planned.entry.kind}/{planned.entry.name}",
        "version": planned.entry.origin,
        "parameters": parameters,
        "seed": run.plan.spec.seed,
        "step": planned.id,
        "knowledge": planned.knowledge,
        "access": plugin.access,
        "targeted": plugin.is_targeted,
        **({} if planned.goal.of_answer else {"objective": planned.goal.name}),
        **threat.as_json(),
        "space": None if threat.in_norm else _sha256(space),
        # A threat of its own says itself how far beyond `eps` rounding may lead.
        "limit": None if threat.in_norm or threat.eps is None else float(threat.limit),
    }


def _holds_plugin(value: object) -> bool:
    """Say whether a parameter is a plugin, `{uses, with}`, or a list of such."""
    some = value if isinstance(value, list) else [value]
    return any(isinstance(item, dict) and "uses" in item for item in some)


def _named(run: AttackRun, step: str, cell: Cell) -> str:
    entry = run.plan.steps[step].entry_of(cell)
    return _spelling(entry.name, run.toolbox.plugin(step, cell))


def _spelling(name: str, plugin: PluginBase) -> str:
    """Name a plugin with the parameters that somebody chose."""
    chosen = plugin.model_dump(mode="json", exclude_unset=True)
    words = ", ".join(f"{key}: {_short(value)}" for key, value in chosen.items())
    return f"{name} ({words})" if words else name


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _sha256(record: object) -> str:
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
