"""Probes: a few samples attacked again with everything allowed, and with twice the effort.

With the whole space of images as its budget an attack that works leaves hardly anything
standing, whatever the victim; and twice the steps or restarts find next to nothing new. Where
that does not hold the attack failed, and its robust accuracy says nothing. So it is where a
decision is attacked: somewhere there is an image that is rejected, or one of another class that
is accepted, and no guess explains that none was found.

Reference: A. Athalye, N. Carlini, D. Wagner, "Obfuscated gradients give a false sense of
security", 2018, section 3.1 (unbounded attacks do not reach 100 % success); N. Carlini et al.,
"On evaluating adversarial robustness", 2019, sections 3.4 and 3.7.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.goal import GOALS
from adversity.contracts.targets import has_class
from adversity.data.sample_columns import GROUP
from adversity.engine.attack.attacking import attack
from adversity.engine.calls.set_up import set_up_alike
from adversity.errors import InputError, ParameterError
from adversity.metrics import grouped, share
from adversity.pipeline.plan.probing import PROBES, probe_fault, probe_measures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.contracts import Measure
    from adversity.contracts.goal import Goal
    from adversity.engine.attack.attacking import AttackResult
    from adversity.engine.calls.ready import Ready
    from adversity.engine.chain.target import ChainTarget
    from adversity.engine.stages.columns import Columns

__all__ = ["probe", "probe_shares", "probed"]

_ANSWER = GOALS["misclassify"]


def probe(
    ready: Ready,
    victim: ChainTarget,
    images: Tensor,
    labels: Tensor,
    probed: Tensor,
    *,
    seed: int,
    step: str,
    goal: Goal = _ANSWER,
) -> Columns:
    """Attack some samples again, with other parameters and otherwise as the step does.

    The random streams are those of the attack itself, so that the same sample meets the same
    start and only the parameter differs. What it costs is counted on targets of its own.

    Args:
        ready: The attack.
        victim: The whole chain, bound to these N samples.
        images: `[N, C, H, W]`, what it starts from.
        labels: `[N]` int64, the true classes, or those of an objective.
        probed: `[N]` bool, which samples are probed: open to the attack, for most right at the start.
        seed: The pipeline's seed.
        step: The attack's step id.
        goal: What the attack is after.

    Returns:
        A column `[N]` float64 for each variant that the attack has a parameter for.

    Raises:
        ParameterError: If the attack refuses the parameter.
        PluginError: If it breaks its contract with it.
    """
    index = probed.nonzero().flatten()
    names = probe_measures(type(ready.plugin), goal)
    columns = {PROBES[name].column: np.full(len(labels), np.nan) for name in names}
    if not len(index):
        return columns
    rows = index.tolist()
    given = images[index].contiguous(), labels[index]
    for measure in names:
        column = PROBES[measure].column
        other = _variant(ready, _changed(ready.plugin, measure, images.shape[1:]))
        result = attack(other, victim.rows(index).anew(), *given, seed=seed, step=step)
        right = result.prediction == given[1]
        hit = (
            right
            if PROBES[measure].parameter == "eps"
            else ~right & ready.plugin.threat_model.admits(result.norms)
        )
        columns[column][rows] = hit.double().numpy()
    return columns


def probed(
    ready: Ready,
    victim: ChainTarget,
    images: Tensor,
    labels: Tensor,
    result: AttackResult,
    *,
    first: int,
    seed: int,
    step: str,
    goal: Goal = _ANSWER,
) -> AttackResult:
    """Return a result from Python with what a probe of its first samples says, in its flags.

    Args:
        ready: The attack.
        victim: What it attacked.
        images: `[N, C, H, W]`, what it started from.
        labels: `[N]` int64, the true classes, or those of an objective.
        result: What it did.
        first: How many samples, by position; those that were open to it are probed.
        seed: The attack's seed.
        step: The attack's step id.
        goal: What the attack is after.

    Raises:
        InputError: If this attack cannot be probed.
    """
    import torch

    fault = probe_fault(type(ready.plugin), "white-box")
    if fault is not None or first < 1:
        fault = fault or f"expected probe of at least 1, got {first}"
        raise InputError(f"{ready.label} cannot be probed: {fault}; leave probe out")
    probed = (torch.arange(len(images)) < first) & (result.start == labels)
    rows = probe(ready, victim, images, labels, probed, seed=seed, step=step, goal=goal)
    rows |= {goal.reached: result.success.numpy(), "target": labels.numpy()}
    found = probe_shares(rows, victim.classes, goal)
    shares = {name: measure.value for name, measure in found.items()}
    return replace(result, flags={**result.flags, **shares})


def _changed(plugin: Any, measure: str, shape: Sequence[int]) -> dict[str, Any]:
    """Return the parameters of a variant."""
    field = PROBES[measure].parameter
    if field != "eps":
        return {field: 2 * getattr(plugin, field)}
    threat = plugin.threat_model
    eps = threat.whole_space(shape)
    step_size = getattr(plugin, "step_size", None)
    if threat.nearest or step_size is None:
        return {"eps": eps}
    return {"eps": eps, "step_size": step_size * eps / float(plugin.eps)}


def _variant(ready: Ready, changes: Mapping[str, Any]) -> Ready:
    """Return the attack with other parameters, set up."""
    from pydantic import ValidationError

    try:
        valid = ready.plugin.with_parameters(**changes)
    except ValidationError as error:
        changed = ", ".join(f"{name}: {value:g}" for name, value in changes.items())
        raise ParameterError(
            f"{ready.label} cannot be probed, it refuses {changed} ({error.errors()[0]['msg']}); "
            "leave probe: out"
        ) from None
    return set_up_alike(ready, valid, state=ready.state)


def probe_shares(
    rows: Mapping[str, np.ndarray[Any, Any]], classes: int, goal: Goal = _ANSWER
) -> dict[str, Measure]:
    """Return what the probes found, as shares over the probed samples.

    Args:
        rows: A cell's table.
        classes: K; a guess is right for one sample in K.
        goal: What the attack is after.
    """
    shares: dict[str, Measure] = {}
    for name, (parameter, column, _) in PROBES.items():
        if column not in rows:
            continue
        probed = ~np.isnan(rows[column])
        count = int(probed.sum())
        if not count:
            continue
        whole = parameter == "eps"
        hit = rows[column][probed] == 1
        if not whole:
            hit &= ~rows[goal.reached][probed]
        measure = share(
            int(hit.sum()),
            count,
            better="lower",
            convention={"over": "probed images"},
            details=_chance(rows["target"], classes) if whole and goal.of_answer else {},
        )
        groups = rows.get(GROUP)
        shares[name] = grouped(measure, hit, None if groups is None else groups[probed])
    return shares


def _chance(targets: np.ndarray[Any, Any], classes: int) -> dict[str, float]:
    """Return what guessing gets right: one class in K, and always the commonest."""
    known = targets[has_class(targets)]
    return {
        "chance": 1 / max(classes, 1),
        "majority": float(np.unique(known, return_counts=True)[1].max() / len(known)),
    }
